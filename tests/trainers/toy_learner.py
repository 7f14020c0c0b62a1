"""A learner small enough to be trained in a second, with what makes training hard to resume: dropout, batch statistics,
augmentation.
"""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from trainers.layers import GlobalBatchNorm
from trainers.learner import Arrays, Tensors
from trainers.rows import Rows, open_rows
from trainers.task import Hyperparameters

SETTINGS = Hyperparameters(
    steps=12, batch_size=8, learning_rate=0.05, warmup_steps=2, validate_every=4, checkpoint_every=3, patience=10
)


class ToyLearner:
    """Tells whether the mean of four numbers is above 0 (`trainers.learner.Learner`)."""

    draws = 2
    by_recording = False
    uniforms = 1
    output_variables = ("answer/kernel", "answer/bias")
    label_columns = ("label",)

    def __init__(self, dropout: float = 0.2) -> None:
        self.dropout = dropout

    def read(self, serialized: tf.Tensor) -> Tensors:
        spec = {
            "id": tf.io.FixedLenFeature([], tf.string),
            "segment": tf.io.FixedLenFeature([], tf.int64),
            "x": tf.io.FixedLenFeature([4], tf.float32),
            "label": tf.io.FixedLenFeature([1], tf.float32),
        }
        parsed: Tensors = tf.io.parse_example(serialized, spec)
        return parsed

    def prepare(self, drawn: Sequence[Tensors], uniforms: tf.Tensor | None) -> Tensors:
        x = drawn[0]["x"]
        if uniforms is not None:
            x = x + 0.1 * uniforms * drawn[1]["x"]
        return {"x": x, "label": drawn[0]["label"]}

    def build(self) -> keras.Model:
        x = inputs = keras.Input((4,), name="x")
        x = keras.layers.Dense(6, activation="relu", name="hidden")(x)
        x = GlobalBatchNorm(0.9, "norm")(x)
        x = keras.layers.Dropout(self.dropout, seed=1, name="dropout")(x)
        return keras.Model({"x": inputs}, {"answer": keras.layers.Dense(1, name="answer")(x)})

    def initialise(self, model: keras.Model) -> None:
        pass

    def loss(self, batch: Tensors, outputs: Tensors) -> tf.Tensor:
        losses = tf.nn.sigmoid_cross_entropy_with_logits(batch["label"], outputs["answer"])
        return tf.reduce_mean(losses, axis=-1)

    def score(self, rows: Arrays, outputs: Arrays) -> float:
        return -float(np.mean((rows["label"] - 1 / (1 + np.exp(-outputs["answer"]))) ** 2))

    def finish(self, rows: Arrays, outputs: Arrays) -> Arrays:
        return {"mean": outputs["answer"].mean(axis=0)}


def toy_example(number: int, values: np.ndarray) -> bytes:
    """One record."""
    feature = {
        "id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[f"row-{number:03d}".encode()])),
        "segment": tf.train.Feature(int64_list=tf.train.Int64List(value=[number % 3])),
        "x": tf.train.Feature(float_list=tf.train.FloatList(value=values)),
        "label": tf.train.Feature(float_list=tf.train.FloatList(value=[float(values.mean() > 0)])),
    }
    return bytes(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def write_shards(folder: Path, records: list[bytes], shards: int) -> None:
    """Deals records to gzip shards, as they come."""
    folder.mkdir(parents=True, exist_ok=True)
    for shard in range(shards):
        with tf.io.TFRecordWriter(str(folder / f"examples-{shard}.gz"), "GZIP") as writer:
            for record in records[shard::shards]:
                writer.write(record)


def toy_rows(folder: Path, count: int, seed: int) -> Rows:
    """`count` rows made from `seed`."""
    values = np.random.default_rng(seed).standard_normal((count, 4)).astype(np.float32)
    write_shards(folder / "shards", [toy_example(number, row) for number, row in enumerate(values)], 2)
    return open_rows(str(folder / "rows"), [str(folder / "shards" / "*")], ToyLearner().read)
