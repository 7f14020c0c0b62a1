"""What the exported denoiser answers: restored waveforms of any length, and scores of Examples.

A recording is followed in pieces of frames, each of which hands its state to the next, so that a recording is restored
as a stream of it would be: no seam, no limit to the length, and one piece in memory at a time. Beside the SavedModel,
in ``assets.extra``, lie the same weights as TFLite models of one frame (`trainers.restoration.tflite`).
"""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from audio.streaming import HOPS
from trainers.checkpoints import Finished
from trainers.restoration.features import Constants, decode_pcm, features_of
from trainers.restoration.frames import analysis, padded, synthesis
from trainers.restoration.mask import apply_output
from trainers.restoration.model import RestorationLearner
from trainers.restoration.restoration_scores import ALL, AUDIO_METRICS, REAL_TIME_FACTOR, restoration_scores
from trainers.restoration.task import COLUMNS
from trainers.restoration.tflite import FLOAT32, convert, real_time_factor
from trainers.score_name import score_name
from trainers.trainee import set_variables

PIECE_FRAMES = 64
Outputs = dict[str, tf.Tensor]


class Normalise(keras.layers.Layer):
    """Magnitudes, float32 [b, frames, bins], to `features_of` them."""

    def __init__(self, constants: Constants) -> None:
        super().__init__(name="normalise", trainable=False)
        self.constants = constants

    def call(self, magnitude: tf.Tensor) -> tf.Tensor:
        """[b, frames, bins] to the same shape."""
        return features_of(magnitude, self.constants)


class Restorer(tf.Module):
    """The model with everything around it, waveforms in and out.

    Parameters
    ----------
    learner : of the training
    weights : the best
    """

    def __init__(self, learner: RestorationLearner, weights: Mapping[str, Any]) -> None:
        super().__init__()
        network = learner.network()
        set_variables(network.segment_model(learner.frames).variables, dict(weights))

        normalise = Normalise(learner.constants)
        self.model = network.piece_model(PIECE_FRAMES, normalise)
        self._kind, self._n_fft, self._bins = learner.hyperparameters.mask, learner.n_fft, learner.bins
        self._state_size = network.state_size
        files = convert(network.piece_model(1, normalise, batch=1))
        self._files = lambda: files
        self.real_time_factor = real_time_factor(files[FLOAT32], learner.spec.sample_rate)

    def extra_files(self) -> Mapping[str, bytes]:
        """The TFLite models by the name of their file (`trainers.export.WithFiles`)."""
        return self._files()

    def restore(self, noisy: tf.Tensor) -> tf.Tensor:
        """A recording, float32 [samples], restored: float32 [samples]. Samples that are no finite number are silence:
        the state would keep them for ever.
        """
        noisy = tf.where(tf.math.is_finite(noisy), noisy, 0.0)
        hop = self._n_fft // HOPS
        length, overlap = PIECE_FRAMES * hop, self._n_fft - hop
        samples = tf.shape(noisy)[0]
        pieces = (samples + overlap + length - 1) // length
        waiting = padded(noisy, self._n_fft, pieces * PIECE_FRAMES)
        done = tf.TensorArray(tf.float32, size=pieces, element_shape=[length])

        def step(
            piece: tf.Tensor, state: tf.Tensor, tail: tf.Tensor, done: tf.TensorArray
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.TensorArray]:
            heard = tf.ensure_shape(waiting[piece * length : (piece + 1) * length + overlap], [length + overlap])
            spectrum = analysis(heard[tf.newaxis], self._n_fft)
            answer = self.model({"magnitude": tf.abs(spectrum), "state": state}, training=False)
            masked = apply_output(self._kind, tf.cast(answer["mask"], tf.float32), spectrum)
            y = synthesis(masked, self._n_fft)[0]
            y = tf.concat([y[:overlap] + tail, y[overlap:]], axis=0)
            return piece + 1, tf.cast(answer["state"], tf.float32), y[length:], done.write(piece, y[:length])

        *_, done = tf.while_loop(
            lambda piece, *_: piece < pieces,
            step,
            [tf.constant(0), tf.zeros([1, self._state_size]), tf.zeros([overlap]), done],
            parallel_iterations=1,
        )
        return tf.reshape(done.stack(), [-1])[overlap : overlap + samples]

    def score(self, serialized: tf.Tensor) -> Outputs:
        """Scores of serialized raw Examples, string [b], one by one: metric -> float32 [b]."""
        columns = {name: tf.io.FixedLenFeature([], tf.string) for name in COLUMNS}
        columns["num_samples"] = tf.io.FixedLenFeature([], tf.int64)

        def one(example: tf.Tensor) -> Outputs:
            parsed = tf.io.parse_single_example(example, columns)
            clean, noise = (decode_pcm(parsed[name])[: parsed["num_samples"]] for name in COLUMNS)
            noisy = clean + noise
            return restoration_scores(clean, noisy, self.restore(noisy))

        signature = dict.fromkeys(AUDIO_METRICS, tf.TensorSpec([], tf.float32))
        return tf.map_fn(one, serialized, fn_output_signature=signature, parallel_iterations=1)


def make_signatures(
    learner: RestorationLearner, finished: Finished
) -> tuple[tf.Module, dict[str, Any], dict[str, Any]]:
    """The module to save, its signatures, and what ``dacapo.json`` says of this task.

    Signatures
    ----------
    ``evaluate`` : ``examples`` string [b], raw Examples with clean music and noise -> ``all.<metric>`` float32 [b] of
        their sum restored; ``all.real_time_factor`` is the same for all: measured here, of the streaming TFLite model
    ``serving_default``, ``waveform`` : ``waveform`` float32 [b, samples] at the task's rate, any number of samples ->
        ``restored`` of the same shape
    """
    restorer = Restorer(learner, finished.weights)
    waveforms = tf.TensorSpec([None, None], tf.float32, "waveform")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def evaluate(examples: tf.Tensor) -> Outputs:
        scores = restorer.score(examples)
        scores[REAL_TIME_FACTOR] = tf.fill(tf.shape(examples), tf.constant(restorer.real_time_factor, tf.float32))
        return {score_name(ALL, metric): value for metric, value in scores.items()}

    def restore(waveform: tf.Tensor) -> Outputs:
        signature = tf.TensorSpec([None], tf.float32)
        restored = tf.map_fn(restorer.restore, waveform, fn_output_signature=signature, parallel_iterations=1)
        return {"restored": tf.reshape(restored, tf.shape(waveform))}

    signatures = {
        "serving_default": tf.function(restore, input_signature=[waveforms]),
        "waveform": tf.function(restore, input_signature=[waveforms]),
        "evaluate": evaluate,
    }
    facts = {
        "vocabulary": [ALL],  # of the scores: tags of the catalog are slices, and may change under the same model
        "mask": learner.hyperparameters.mask,
        "n_fft": learner.n_fft,
        "real_time_factor": round(restorer.real_time_factor, 5),
        "streaming": sorted(restorer.extra_files()),
    }
    return restorer, signatures, facts
