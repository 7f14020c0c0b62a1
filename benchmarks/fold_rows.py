"""Rows of every recording of a past run, eval's cut and transformed as those of train and validation were."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import tensorflow as tf
import tensorflow_transform as tft

from audio.spec import AudioSpec
from benchmarks.past_runs import PastRun
from components.audio_example_gen.segments import training_cuts
from pipeline.code_hash import code_hash
from trainers.checkpoints import checkpoint_key
from trainers.learner import Tensors
from trainers.rows import open_rows
from trainers.tagging.model import TaggingLearner
from trainers.tagging.task import TaggingHyperparameters

_AT_ONCE = 16
_BYTES = 2  # a sample of PCM16


def cut_example(serialized: bytes, spec: AudioSpec) -> Iterator[bytes]:
    """A raw Example of a recording as the raw Examples of its segments.

    Parameters
    ----------
    serialized : of the eval split, where a recording is one Example
    spec : how long segments are
    """
    example = tf.train.Example.FromString(serialized)
    feature = example.features.feature
    frame = _BYTES * spec.channels
    pcm = {column: feature[column].bytes_list.value[0] for column in spec.columns}
    for number, cut in enumerate(training_cuts(feature["num_samples"].int64_list.value[0], spec)):
        (excerpt,) = cut.excerpts
        for column, samples in pcm.items():
            part = samples[excerpt.start * frame : excerpt.stop * frame]
            feature[column].bytes_list.value[0] = part.ljust(cut.length * frame, b"\0")
        feature["segment"].int64_list.value[:] = [number]
        feature["num_samples"].int64_list.value[:] = [cut.num_samples]
        yield example.SerializeToString()


def transformed(raw: Iterable[bytes], graph: str) -> Iterator[bytes]:
    """Raw Examples as Transform's graph makes them.

    Parameters
    ----------
    raw : serialized Examples
    graph : folder of the transform graph
    """
    output = tft.TFTransformOutput(graph)
    spec, layer = output.raw_feature_spec(), output.transform_features_layer()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def run(serialized: tf.Tensor) -> Tensors:
        columns = layer(tf.io.parse_example(serialized, spec))
        return {name: column for name, column in columns.items() if isinstance(column, tf.Tensor)}

    waiting: list[bytes] = []
    for serialized in raw:
        waiting.append(serialized)
        if len(waiting) == _AT_ONCE:
            yield from _examples(run(tf.constant(waiting)))
            waiting = []
    if waiting:
        yield from _examples(run(tf.constant(waiting)))


def _examples(columns: Tensors) -> Iterator[bytes]:
    arrays = {name: column.numpy() for name, column in columns.items()}
    for row in range(len(next(iter(arrays.values())))):
        example = tf.train.Example()
        for name, array in arrays.items():
            feature, values = example.features.feature[name], array[row : row + 1].ravel()
            if array.dtype.kind == "f":
                feature.float_list.value.extend(values)
            elif array.dtype.kind == "i":
                feature.int64_list.value.extend(values)
            else:
                feature.bytes_list.value.extend(values)
        yield example.SerializeToString()


def rows_key(past: PastRun, judged: Iterable[bytes], hyperparameters: TaggingHyperparameters) -> str:
    """Sixteen hexadecimal digits for the recordings and for what shapes their rows, today's code among it.

    Parameters
    ----------
    past : the run
    judged : raw Examples of its eval split
    hyperparameters : say what musicnn hears
    """
    digests = [hashlib.sha256(serialized).hexdigest() for serialized in judged]
    shaping = {"musicnn": hyperparameters.musicnn, "patches": hyperparameters.musicnn_patches}
    code = code_hash("trainers.tagging.model")
    return checkpoint_key(shaping | {"data": past.data_stamps(), "judged": digests, "code": code})


def all_rows(past: PastRun, judged: Sequence[bytes], home: Path, learner: TaggingLearner) -> str:
    """The folder of the rows of all recordings, made if it is not there yet.

    Parameters
    ----------
    past : the run
    judged : raw Examples of its eval split
    home : folder for the rows
    learner : reads them
    """
    rows = home / f"rows-{rows_key(past, judged, learner.hyperparameters)}"
    if not rows.is_dir():
        segments = home / "eval-segments"
        raw = (part for serialized in judged for part in cut_example(serialized, past.spec))
        with tf.io.TFRecordWriter(str(segments)) as writer:
            for example in transformed(raw, past.transform_graph):
                writer.write(example)
        open_rows(str(rows), [*past.learnt_from, str(segments)], learner.read)
        segments.unlink()
    return str(rows)
