"""What a segment is told to have: its events, where its recording has any, and else the recording's tags."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from audio.pcm import pcm16_bytes
from trainers.defects.features import as_pcm, decode_pcm, weak_labels
from trainers.defects.frames import RATE

DEFECTS = ["click", "hum", "burst"]
SPEC = {"columns": ("audio",), "sample_rate": RATE, "channels": 1, "segment_s": 0.5, "eval_max_s": 10.0}
SEGMENTS = {
    "strong, with events here": ([1, 1, 0], 1, [b"hum", b"hum"], [0, 1, 0]),
    "strong, none of them here": ([1, 1, 0], 1, [], [0, 0, 0]),
    "strong, an event that is no defect": ([1, 0, 0], 1, [b"speech"], [0, 0, 0]),
    "weak only": ([0, 1, 1], 0, [], [0, 1, 1]),
}


@pytest.mark.parametrize("name", SEGMENTS)
def test_events_say_what_a_segment_has_and_tags_where_there_are_none_at_all(name: str) -> None:
    labels, timed, events, expected = SEGMENTS[name]
    inputs = {
        "labels": tf.constant([labels], tf.int64),
        "timed": tf.constant([timed], tf.int64),
        "events": tf.sparse.from_dense(tf.constant([events], tf.string)),
    }
    np.testing.assert_array_equal(weak_labels(inputs, DEFECTS), [expected])


@pytest.mark.e2e
def test_transform_writes_these_labels_and_their_shares(tmp_path: Path) -> None:
    import tensorflow_transform.beam as tft_beam
    from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

    from trainers.defects.features import preprocessing_fn

    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in ("id", "audio")}
    spec |= {name: tf.io.FixedLenFeature([], tf.int64) for name in ("segment", "num_samples", "timed")}
    spec |= {"labels": tf.io.FixedLenFeature([len(DEFECTS)], tf.int64), "events": tf.io.VarLenFeature(tf.string)}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    y = 0.1 * np.random.default_rng(0).standard_normal((1, RATE // 2))
    data = [
        {"id": name.encode(), "audio": pcm16_bytes(y), "segment": 0, "num_samples": RATE // 2}
        | {"labels": labels, "timed": timed, "events": events}
        for name, (labels, timed, events, _) in SEGMENTS.items()
    ]
    with tft_beam.Context(temp_dir=str(tmp_path)):
        (transformed, _), _ = (data, metadata) | tft_beam.AnalyzeAndTransformDataset(
            lambda inputs: preprocessing_fn(inputs, {"spec": SPEC, "vocabulary": {"tags": DEFECTS}})
        )
    wanted = [expected for *_, expected in SEGMENTS.values()]
    np.testing.assert_array_equal([row["labels"] for row in transformed], wanted)
    np.testing.assert_allclose(transformed[0]["label_shares"], np.mean(wanted, axis=0))


def test_a_waveform_is_heard_as_the_example_of_it_is() -> None:
    y = np.random.default_rng(0).normal(0, 0.7, (1, 4000)).astype(np.float32)  # a tenth of it beyond full scale
    heard = decode_pcm(tf.constant(pcm16_bytes(y)), 1)
    np.testing.assert_array_equal(as_pcm(tf.constant(y[0])), heard)
