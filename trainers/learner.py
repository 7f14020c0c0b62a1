"""What a task teaches the training loop: how to read a row, make a batch, build the model, and judge it."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import keras
import numpy as np
import tensorflow as tf

Tensors = dict[str, tf.Tensor]
Arrays = dict[str, np.ndarray]


class Learner(Protocol):
    """One task, ready to be trained on one vocabulary with one set of hyperparameters.

    The loop owns steps, devices, checkpoints and early stopping; a learner owns everything that knows what the audio
    means. All its functions are pure: randomness arrives as numbers, so that a step gives the same batch on one device,
    on two, and after a restart.

    Attributes
    ----------
    draws : rows drawn for one training example: 1, or more to mix sources of several recordings. The first follows the
        epoch's permutation, the others are drawn at random.
    by_recording : whether an epoch sees one row of each recording, in place of every row: a long recording then
        teaches as much as a short one.
    uniforms : random numbers in [0, 1) that the augmentation of one example uses.
    output_variables : paths of the model's variables whose last axis is the outputs (tags), for warm starts.
    label_columns : the columns of rows that `score` and `finish` read, small enough to be held for all rows at once.
    """

    draws: int
    by_recording: bool
    uniforms: int
    output_variables: tuple[str, ...]
    label_columns: tuple[str, ...]

    def read(self, serialized: tf.Tensor) -> Tensors:
        """Decode what the Trainer reads: transformed Examples, or raw ones where the task materialises nothing.

        Parameters
        ----------
        serialized : string [b]

        Returns
        -------
        ``id`` (string [b]), ``segment`` (int64 [b]) and columns of fixed shape [b, ...].
        """

    def prepare(self, drawn: Sequence[Tensors], uniforms: tf.Tensor | None) -> Tensors:
        """Make a batch of rows: mixing, augmentation, features.

        Parameters
        ----------
        drawn : `draws` dictionaries of columns [b, ...]; one in validation
        uniforms : float32 [b, `uniforms`]; None in validation, where nothing is random

        Returns
        -------
        tensors [b, ...]; those named like the model's inputs are fed to it.
        """

    def build(self) -> keras.Model:
        """A fresh functional model from a dictionary of inputs to a dictionary of outputs [b, ...]."""

    def initialise(self, model: keras.Model) -> None:
        """Set first weights that a fresh model does not have, such as published ones; not called after a restart."""

    def loss(self, batch: Tensors, outputs: Tensors) -> tf.Tensor:
        """Loss of each example, float32 [b], independent of the other examples of the batch."""

    def score(self, rows: Arrays, outputs: Arrays) -> float:
        """How good the outputs on validation are; higher is better. `rows` holds ``id``, ``segment`` and the label
        columns.
        """

    def finish(self, rows: Arrays, outputs: Arrays) -> Arrays:
        """What is learnt from validation after training, such as calibration; exported with the weights."""


@runtime_checkable
class Judge(Protocol):
    """What a learner has besides whose outputs (masks, audio) are too large to be held for all validation rows."""

    def judge(self, batch: Tensors, outputs: Tensors) -> Tensors:
        """What is kept of a validation batch, in place of its outputs, for `Learner.score` and `Learner.finish`.

        Parameters
        ----------
        batch : what `Learner.prepare` made
        outputs : of the model

        Returns
        -------
        small tensors [b, ...], such as a score of each example; each independent of the other examples of the batch
        """
