"""The separator as the training loop sees it: rows, mixtures, network, loss, score."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from audio.masks import divide
from audio.pcm import FULL_SCALE
from audio.spectra import istft
from trainers.learner import Arrays, Tensors
from trainers.request import Recipe
from trainers.score_name import score_name
from trainers.separation.augment import UNIFORMS, Mix, mix
from trainers.separation.features import Constants, features_of, fft_size, hop_length, spectrum
from trainers.separation.loss import LOSSES
from trainers.separation.mask import ideal_mask, parts_of, read_mask
from trainers.separation.network import build_network
from trainers.separation.repetition import APART_S, frames_alike
from trainers.separation.stem_scores import stem_scores
from trainers.separation.task import STEMS, SeparationHyperparameters
from trainers.undefined import mean_of_defined

_IMPROVEMENT = "si_sdr_improvement"


class SeparationLearner:
    """A separator (`trainers.learner.Learner`, with `trainers.learner.Judge`)."""

    draws = 2
    by_recording = False
    uniforms = UNIFORMS
    output_variables: tuple[str, ...] = ()
    label_columns: tuple[str, ...] = ()

    def __init__(self, recipe: Recipe) -> None:
        assert isinstance(recipe.hyperparameters, SeparationHyperparameters)
        self.hyperparameters = recipe.hyperparameters
        self.spec = recipe.config.spec
        self.constants = Constants(tf.constant(recipe.constants["log_mean"]), tf.constant(recipe.constants["log_std"]))
        self.n_fft = fft_size(self.spec.sample_rate)
        self.hop_length = hop_length(self.n_fft)
        self.segment_samples = self.spec.segment_samples
        self.frames = 1 + self.segment_samples // self.hop_length
        self.bins = self.n_fft // 2 + 1
        self.apart = round(APART_S * self.spec.sample_rate / self.hop_length)

    def read(self, serialized: tf.Tensor) -> Tensors:
        """Raw Examples to rows: the stems as they are, int16 [b, samples, channels]."""
        columns = {
            "id": tf.io.FixedLenFeature([], tf.string),
            "segment": tf.io.FixedLenFeature([], tf.int64),
            "num_samples": tf.io.FixedLenFeature([], tf.int64),
        } | {stem: tf.io.FixedLenFeature([], tf.string) for stem in STEMS}
        rows = tf.io.parse_example(serialized, columns)
        shape = [-1, self.segment_samples, self.spec.channels]
        return rows | {stem: tf.reshape(tf.io.decode_raw(rows[stem], tf.int16), shape) for stem in STEMS}

    def prepare(self, drawn: Sequence[Tensors], uniforms: tf.Tensor | None) -> Tensors:
        """Rows to mixtures: of one song as it is, or in training mixed anew.

        Returns
        -------
        ``log_magnitude`` float32 [b, frames, bins, views], what the network sees; ``vocals``, ``mixture`` complex64
        [b, channels, frames, bins]
        """
        songs = [Mix(*(_waveform(rows[stem]) for stem in STEMS)) for rows in drawn]
        stems = songs[0]
        if uniforms is not None:
            settings = self.hyperparameters
            stems = mix(songs, uniforms, mix_songs=settings.mix_songs, gain_db=settings.gain_db, speed=settings.speed)
        vocals = spectrum(stems.vocals, self.n_fft)
        mixture = vocals + spectrum(stems.accompaniment, self.n_fft)
        return {"log_magnitude": self.network_input(mixture), "vocals": vocals, "mixture": mixture}

    def network_input(self, mixture: tf.Tensor) -> tf.Tensor:
        """Spectra of mixtures, complex64 [b, channels, frames, bins], as the network takes them: float32 [b, frames,
        bins, views].
        """
        views = features_of(mixture, self.constants)
        if self.hyperparameters.repetition:
            views = tf.concat([views, frames_alike(tf.abs(mixture), self.apart) @ views], axis=1)
        return tf.transpose(views, [0, 2, 3, 1])

    def mask_of(self, outputs: Tensors) -> tf.Tensor:
        """The voice's mask in the network's outputs: float32 or complex64 [b, channels, frames, bins]."""
        kind = self.hyperparameters.mask
        logits = tf.reshape(outputs["mask"], [-1, self.frames, self.bins, self.spec.channels, parts_of(kind)])
        return tf.transpose(read_mask(kind, logits), [0, 3, 1, 2])

    def build(self) -> keras.Model:
        """A fresh network."""
        return build_network(self.hyperparameters, frames=self.frames, bins=self.bins, channels=self.spec.channels)

    def initialise(self, model: keras.Model) -> None:
        """Nothing beyond a fresh network."""

    def loss(self, batch: Tensors, outputs: Tensors) -> tf.Tensor:
        """What `hyperparameters.loss` makes of the difference to the ideal mask, float32 [b]."""
        ideal = ideal_mask(self.hyperparameters.mask, batch["vocals"], batch["mixture"])
        return LOSSES[self.hyperparameters.loss](self.mask_of(outputs), ideal, batch["mixture"])

    def judge(self, batch: Tensors, outputs: Tensors) -> Tensors:
        """SI-SDR improvement of both stems of each segment, float32 [b]; NaN where one of them is not heard."""
        estimates = divide(self.mask_of(outputs), batch["mixture"])
        truth = (batch["vocals"], batch["mixture"] - batch["vocals"])
        waveforms = [
            {stem: self._inverse(y) for stem, y in zip(STEMS, side, strict=True)} for side in (truth, estimates)
        ]
        scores = stem_scores(*waveforms, passage=self.spec.sample_rate)
        return {stem: scores[score_name(stem, _IMPROVEMENT)] for stem in STEMS}

    def _inverse(self, y: tf.Tensor) -> tf.Tensor:
        return istft(y, n_fft=self.n_fft, hop_length=self.hop_length, length=self.segment_samples)

    def score(self, rows: Arrays, outputs: Arrays) -> float:
        """Mean SI-SDR improvement in dB of the two stems, over segments in which both are heard; not a number where
        there is none.
        """
        return mean_of_defined(np.stack([outputs[stem] for stem in STEMS]))

    def finish(self, rows: Arrays, outputs: Arrays) -> Arrays:
        """Nothing is learnt from validation."""
        return {}


def _waveform(samples: tf.Tensor) -> tf.Tensor:
    """int16 [b, samples, channels] to float32 [b, channels, samples]."""
    return tf.transpose(tf.cast(samples, tf.float32) / FULL_SCALE, [0, 2, 1])


def make_learner(recipe: Recipe) -> SeparationLearner:
    """The separator of a recipe."""
    return SeparationLearner(recipe)
