"""The detector as the training loop sees it: rows, batches, network, loss, score, calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from trainers.average_precision import macro_average_precision
from trainers.calibration import learn_thresholds, logit
from trainers.defects.event_levels import MANY_TIMES, Clean, learn_event_levels
from trainers.defects.events import count_events, pauses_of
from trainers.defects.features import Constants, louder
from trainers.defects.frames import RATE, frames_of
from trainers.defects.network import build_network, output_variables
from trainers.defects.spectra import WIDTH
from trainers.defects.task import DefectsHyperparameters
from trainers.learner import Arrays, Tensors
from trainers.request import Recipe
from trainers.tag_tree import TagTree

_ROWS = {
    "id": tf.io.FixedLenFeature([], tf.string),
    "segment": tf.io.FixedLenFeature([], tf.int64),
    "num_samples": tf.io.FixedLenFeature([], tf.int64),
    "features": tf.io.FixedLenFeature([], tf.string),
}
_CLIP = 1e-6
_FIRST_SHARE = 0.02


@dataclass(frozen=True)
class Recordings:
    """Recordings of rows.

    Attributes
    ----------
    number : np.ndarray [rows], which recording a row is of.
    probabilities : np.ndarray [recordings, defects].
    labels : np.ndarray [recordings, defects], bool.
    windows : np.ndarray [recordings], how many segments long each is, at least one.
    """

    number: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray
    windows: np.ndarray

    @property
    def faulty(self) -> np.ndarray:
        """Which have a defect, bool [recordings]."""
        return np.asarray(self.labels.any(axis=1))

    @property
    def usual_windows(self) -> float:
        """Windows of a usual recording: the median of those with a defect, however many sound ones are heard whole."""
        return float(np.median(self.windows[self.faulty] if self.faulty.any() else self.windows))

    @property
    def usual(self) -> np.ndarray:
        """Which say what to decide about a usual recording, bool [recordings]: all but sound ones so long that they are
        decided by the levels of events (`trainers.defects.event_levels`).
        """
        return self.faulty | (self.windows < MANY_TIMES * self.usual_windows)


class DefectsLearner:
    """One vocabulary's detector (`trainers.learner.Learner`)."""

    draws = 1
    by_recording = False
    uniforms = 1
    label_columns = ("labels", "num_samples")

    def __init__(self, recipe: Recipe) -> None:
        assert isinstance(recipe.hyperparameters, DefectsHyperparameters)
        self.hyperparameters = recipe.hyperparameters
        self.output_variables = output_variables(self.hyperparameters.members)
        self.spec = recipe.config.spec
        self.tree = TagTree.of(recipe.config.vocabulary.tags, {})
        self.constants = Constants(recipe.constants["channel_mean"], recipe.constants["channel_std"])
        self.segment_samples = self.spec.segment_samples
        self.frames = int(frames_of(tf.constant(self.segment_samples)))

    @property
    def defects(self) -> tuple[str, ...]:
        """Names, in the order of the labels."""
        return self.tree.tags

    def read(self, serialized: tf.Tensor) -> Tensors:
        """Transformed Examples to rows, features in float16."""
        labels = tf.io.FixedLenFeature([len(self.defects)], tf.int64)
        columns = tf.io.parse_example(serialized, _ROWS | {"labels": labels})
        features = tf.map_fn(
            lambda data: tf.ensure_shape(tf.io.parse_tensor(data, tf.float16), [self.frames, WIDTH]),
            columns["features"],
            fn_output_signature=tf.TensorSpec([self.frames, WIDTH], tf.float16),
        )
        return columns | {"features": features}

    def prepare(self, drawn: Sequence[Tensors], uniforms: tf.Tensor | None) -> Tensors:
        """Rows to the network's inputs and labels; in training at random levels."""
        (rows,) = drawn
        features = tf.cast(rows["features"], tf.float32)
        if uniforms is not None:
            gain_db = self.hyperparameters.gain_db * (2.0 * uniforms[:, 0] - 1.0)
            features = louder(features, gain_db, self.constants)
        return {
            "features": features,
            "frames": tf.cast(frames_of(rows["num_samples"]), tf.float32)[:, tf.newaxis],
            "labels": tf.cast(rows["labels"], tf.float32),
        }

    def build(self) -> keras.Model:
        """The networks, their frames starting at a probability of `_FIRST_SHARE`: most frames are sound."""
        model = build_network(self.hyperparameters, len(self.defects), self.frames)
        first = np.full(len(self.defects), np.log(_FIRST_SHARE / (1 - _FIRST_SHARE)))
        for layer in model.layers:
            if isinstance(layer, keras.layers.Dense) and layer.name.startswith("defects"):
                layer.bias.assign(first)
        return model

    def initialise(self, model: keras.Model) -> None:
        """Nothing beyond a fresh network."""

    def loss(self, batch: Tensors, outputs: Tensors) -> tf.Tensor:
        """Mean cross-entropy of the defects of a segment, of each member alone, and what a regularised pool pays."""
        p = tf.clip_by_value(outputs["member_probabilities"], _CLIP, 1 - _CLIP)
        labels = batch["labels"][:, tf.newaxis]
        losses = -tf.reduce_mean(labels * tf.math.log(p) + (1 - labels) * tf.math.log1p(-p), axis=-1)
        if self.hyperparameters.pooling == "regularised_autopool":
            losses += self.hyperparameters.pooling_penalty * tf.reduce_sum(tf.square(outputs["exponents"]), axis=-1)
        return tf.reduce_mean(losses, axis=-1)

    def recordings(self, rows: Arrays, outputs: Arrays) -> Recordings:
        """What the detector says of recordings: the largest of their segments, as the signatures take the largest of
        their windows.
        """
        _, number = np.unique(rows["id"], return_inverse=True)
        probabilities, labels = (np.zeros((number.max() + 1, len(self.defects))) for _ in range(2))
        np.maximum.at(probabilities, number, outputs["probabilities"])
        np.maximum.at(labels, number, rows["labels"])
        windows = np.maximum(np.bincount(number, rows["num_samples"]) / self.segment_samples, 1.0)
        return Recordings(number, probabilities, labels > 0, windows)

    def score(self, rows: Arrays, outputs: Arrays) -> float:
        """Macro average precision over recordings, without sound ones that are long."""
        found = self.recordings(rows, outputs)
        return macro_average_precision(found.probabilities[found.usual], found.labels[found.usual])

    def finish(self, rows: Arrays, outputs: Arrays) -> Arrays:
        """Thresholds of the defects, how far above them events begin, and the windows of a usual recording, float32
        [].
        """
        found = self.recordings(rows, outputs)
        thresholds = learn_thresholds(found.probabilities[found.usual], found.labels[found.usual], self.tree)
        clean = ~found.faulty[found.number]
        samples, certain = rows["num_samples"][clean], logit(np.ones(1))
        heard = np.arange(self.frames) < np.asarray(frames_of(samples[:, np.newaxis]))
        active = (outputs["frame_logits"][clean] >= thresholds) & heard[..., np.newaxis]
        levels = learn_event_levels(
            Clean(
                found.number[clean],
                logit(outputs["probabilities"][clean]) - thresholds,
                count_events(active, pauses=pauses_of(self.defects)).numpy(),
                samples / RATE / 60,
            ),
            logit(found.probabilities[found.faulty]) - thresholds,
            found.labels[found.faulty],
            self.hyperparameters.false_events_per_minute,
            np.minimum(certain - thresholds, certain),  # a decision is clipped twice: as it is, and calibrated
        )
        usual_windows = np.asarray(found.usual_windows, np.float32)
        return {"thresholds": thresholds, "event_levels": levels, "usual_windows": usual_windows}


def make_learner(recipe: Recipe) -> DefectsLearner:
    """The detector of a recipe."""
    return DefectsLearner(recipe)
