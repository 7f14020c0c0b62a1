from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from trainers.warm_up import BATCH_SIZES, WARM_UP, write_warm_up


@tf.function(
    input_signature=[
        tf.TensorSpec([None, None], tf.float32, "waveform"),
        tf.TensorSpec([None], tf.string, "lyrics"),
        tf.TensorSpec([None], tf.bool, "has_lyrics"),
    ]
)
def mono(waveform: tf.Tensor, lyrics: tf.Tensor, has_lyrics: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"level": tf.reduce_max(tf.abs(waveform), axis=1), "lyrics": lyrics, "has_lyrics": has_lyrics}


@tf.function(input_signature=[tf.TensorSpec([None, None, 2], tf.float32, "waveform")])
def stereo(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"level": tf.reduce_max(tf.abs(waveform), axis=[1, 2])}


@tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
def evaluate(examples: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"length": tf.strings.length(examples)}


SIGNATURES = {"mono": mono, "stereo": stereo, "evaluate": evaluate}


def requests(folder: Path) -> list[prediction_log_pb2.PredictionLog]:
    records = tf.data.TFRecordDataset(str(folder.joinpath(*WARM_UP)))
    return [prediction_log_pb2.PredictionLog.FromString(record.numpy()) for record in records]


def test_every_signature_on_waveforms_is_asked_for_every_batch_size(tmp_path: Path) -> None:
    write_warm_up(str(tmp_path), "tagging", SIGNATURES, samples=160)
    asked = [log.predict_log.request for log in requests(tmp_path)]
    assert {request.model_spec.name for request in asked} == {"tagging"}
    shapes = [
        (request.model_spec.signature_name, tf.make_ndarray(request.inputs["waveform"]).shape) for request in asked
    ]
    assert shapes == [
        *(("mono", (size, 160)) for size in BATCH_SIZES),
        *(("stereo", (size, 160, 2)) for size in BATCH_SIZES),
    ]


def test_what_was_written_is_answered_by_its_signature(tmp_path: Path) -> None:
    write_warm_up(str(tmp_path), "tagging", SIGNATURES, samples=160)
    for log in requests(tmp_path):
        request = log.predict_log.request
        inputs = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
        answer = SIGNATURES[request.model_spec.signature_name](**inputs)
        assert float(tf.reduce_max(answer["level"])) > 0


def test_a_signature_that_fails_is_noticed_at_export_and_not_by_the_server(tmp_path: Path) -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, "waveform")])
    def picky(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        tf.debugging.assert_greater(tf.shape(waveform)[1], 1000)
        return {"same": waveform}

    with pytest.raises(tf.errors.InvalidArgumentError):
        write_warm_up(str(tmp_path), "tagging", {"picky": picky}, samples=160)
