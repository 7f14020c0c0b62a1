"""The denoiser as the training loop sees it: rows, mixtures, network, loss, score."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from audio.noises import chain
from audio.pcm import FULL_SCALE
from trainers.learner import Arrays, Tensors
from trainers.request import Recipe
from trainers.restoration.features import Constants, features_of
from trainers.restoration.frames import fft_size, frame_count, spectrum, waveform
from trainers.restoration.loss import LOSSES
from trainers.restoration.mask import apply_output, held_back
from trainers.restoration.mixing import UNIFORMS, Draws, Mix, coloured, levelled, sources, split_draws
from trainers.restoration.network import Network
from trainers.restoration.restoration_scores import AUDIO_METRICS, restoration_scores
from trainers.restoration.task import COLUMNS, RestorationHyperparameters
from trainers.undefined import mean_of_defined

_SCORE = "sdr_improvement"


class RestorationLearner:
    """A denoiser (`trainers.learner.Learner`, with `trainers.learner.Judge`)."""

    draws = 3
    by_recording = False
    uniforms = UNIFORMS
    output_variables: tuple[str, ...] = ()
    label_columns: tuple[str, ...] = ()

    def __init__(self, recipe: Recipe) -> None:
        assert isinstance(recipe.hyperparameters, RestorationHyperparameters)
        self.hyperparameters = recipe.hyperparameters
        self.spec = recipe.config.spec
        self.tags = recipe.config.vocabulary.tags
        self.constants = Constants(tf.constant(recipe.constants["log_mean"]), tf.constant(recipe.constants["log_std"]))
        self.n_fft = fft_size(self.spec.sample_rate)
        self.bins = self.n_fft // 2 + 1
        self.segment_samples = self.spec.segment_samples
        self.frames = frame_count(self.segment_samples, self.n_fft)

    def read(self, serialized: tf.Tensor) -> Tensors:
        """Raw Examples to rows: clean music and noise as they are, int16 [b, samples]; whether the noise is
        what a recording chain added.
        """
        columns = {
            "id": tf.io.FixedLenFeature([], tf.string),
            "segment": tf.io.FixedLenFeature([], tf.int64),
            "labels": tf.io.FixedLenFeature([len(self.tags)], tf.int64),
        } | {name: tf.io.FixedLenFeature([], tf.string) for name in COLUMNS}
        rows = tf.io.parse_example(serialized, columns)
        labels = rows.pop("labels")
        owns = labels[:, self.tags.index(chain.NAME)] if chain.NAME in self.tags else tf.zeros_like(rows["segment"])
        pcm = {name: tf.reshape(tf.io.decode_raw(rows[name], tf.int16), [-1, self.segment_samples]) for name in COLUMNS}
        return rows | pcm | {"owns_noise": owns > 0}

    def prepare(self, drawn: Sequence[Tensors], uniforms: tf.Tensor | None) -> Tensors:
        """Rows to noisy music: as it is, or in training mixed anew.

        Returns
        -------
        ``log_magnitude`` float32 [b, frames, bins], what the network sees; ``clean``, ``mixture`` complex64 [b, frames,
        bins]
        """
        drawn = [rows | {name: tf.cast(rows[name], tf.float32) / FULL_SCALE for name in COLUMNS} for rows in drawn]
        if uniforms is None:
            mixed = self._spectra(Mix(drawn[0]["clean"], drawn[0]["noise"]))
        else:
            mixed = self._mixed(drawn, split_draws(uniforms))
        mixture = mixed.clean + mixed.noise
        return {"log_magnitude": features_of(tf.abs(mixture), self.constants), "clean": mixed.clean, "mixture": mixture}

    def _mixed(self, drawn: Sequence[Tensors], draws: Draws) -> Mix:
        settings, own = self.hyperparameters, drawn[0]["owns_noise"]
        heard = sources(drawn, draws, speed=settings.speed, second_share=settings.second_share)
        bins_hz = np.fft.rfftfreq(self.n_fft, 1 / self.spec.sample_rate)
        heard = coloured(self._spectra(heard), own, draws, bins_hz=bins_hz, colour_db=settings.colour_db)
        return levelled(
            heard,
            own,
            draws,
            clean_share=settings.clean_share,
            snr_low_db=settings.snr_low_db,
            snr_high_db=settings.snr_high_db,
            gain_db=settings.gain_db,
        )

    def _spectra(self, waveforms: Mix) -> Mix:
        return Mix(*(spectrum(tf.ensure_shape(y, [None, self.segment_samples]), self.n_fft) for y in waveforms))

    def network(self) -> Network:
        """Fresh layers."""
        return Network(self.hyperparameters, self.bins)

    def build(self) -> keras.Model:
        """A fresh network for whole segments."""
        return self.network().segment_model(self.frames)

    def initialise(self, model: keras.Model) -> None:
        """Nothing beyond a fresh network."""

    def loss(self, batch: Tensors, outputs: Tensors) -> tf.Tensor:
        """What `hyperparameters.loss` makes of the network's mask, float32 [b]."""
        settings = self.hyperparameters
        return LOSSES[settings.loss](settings.mask, outputs["mask"], batch["clean"], batch["mixture"])

    def judge(self, batch: Tensors, outputs: Tensors) -> Tensors:
        """The scores of each segment as the exported model restores it, float32 [b]."""
        return self.scores(batch, held_back(self.hyperparameters.mask, outputs["mask"], tf.abs(batch["mixture"])))

    def scores(self, batch: Tensors, mask: tf.Tensor) -> Tensors:
        """The scores of each segment through a mask [b, frames, bins, parts], float32 [b]."""
        restored = apply_output(self.hyperparameters.mask, mask, batch["mixture"])
        sounds = (batch["clean"], batch["mixture"], restored)
        return restoration_scores(*(waveform(sound, self.n_fft, self.segment_samples) for sound in sounds))

    def score(self, rows: Arrays, outputs: Arrays) -> float:
        """Mean improvement of the signal-to-distortion ratio in dB; what came clean counts for what it lost."""
        return mean_of_defined(outputs[_SCORE])

    def finish(self, rows: Arrays, outputs: Arrays) -> Arrays:
        """Validation's scores, for the model's description."""
        return {f"validation_{name}": np.asarray(mean_of_defined(outputs[name]), np.float32) for name in AUDIO_METRICS}


def make_learner(recipe: Recipe) -> RestorationLearner:
    """The denoiser of a recipe."""
    return RestorationLearner(recipe)
