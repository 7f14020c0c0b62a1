"""What the denoiser sees: the logarithm of the noisy music's magnitudes, normalised by the training split, bin by bin.

`features` is one function for Transform, whose analyzers compute its constants, for the trainer after mixing, and for
every signature. PCM passes through Transform: noise is mixed in anew while training.
"""

from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_transform as tft

from audio.pcm import FULL_SCALE
from audio.spec import AudioSpec
from trainers.columns import dense, repeat
from trainers.restoration.frames import analysis, fft_size, frame_count, padded, spectrum

QUIETEST = 1e-3
"""Magnitude below which everything looks alike: a few times what 16-bit rounding leaves in a bin."""
_MIN_VARIANCE = 1e-2


class Constants(NamedTuple):
    """Statistics of the training split's mixtures: mean and standard deviation of each bin's logarithm, float32
    [bins].
    """

    mean: tf.Tensor
    std: tf.Tensor


def features(waveform: tf.Tensor, constants: Constants) -> tf.Tensor:
    """Normalised log magnitudes of noisy music.

    Parameters
    ----------
    waveform : float32 [..., samples], of known length, full scale +-1.0
    constants : statistics of the training split; their length says the size of a frame

    Returns
    -------
    float32 [..., frames, bins]; zero is the mean of the training split.
    """
    return features_of(tf.abs(spectrum(waveform, 2 * (constants.mean.shape[-1] - 1))), constants)


def features_of(magnitude: tf.Tensor, constants: Constants) -> tf.Tensor:
    """The same of magnitudes, float32 [..., frames, bins]."""
    return (tf.math.log(magnitude + QUIETEST) - constants.mean) / constants.std


def decode_pcm(pcm: tf.Tensor) -> tf.Tensor:
    """Little-endian 16-bit PCM (string []) of one channel as a waveform, float32 [samples]."""
    return tf.cast(tf.io.decode_raw(pcm, tf.int16), tf.float32) / FULL_SCALE


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Statistics of the training split (for TFX's Transform); the trainer reads the raw Examples.

    Recordings are taken one by one (``tf.map_fn``), so that memory holds one spectrum at a time whatever the batch.

    Parameters
    ----------
    inputs : columns of a batch of raw Examples
    custom_config : ``spec``, ``vocabulary``, and what the task's Trainer gets besides

    Returns
    -------
    ``log_mean`` and ``log_std`` of the sums of clean music and noise: the same in every row.
    """
    spec = AudioSpec.model_validate(custom_config["spec"])
    n_fft = fft_size(spec.sample_rate)
    stems = {name: dense(inputs[name], "") for name in spec.columns}
    num_samples = dense(inputs["num_samples"], 0)

    def moments(example: tuple[tf.Tensor, ...]) -> tf.Tensor:
        *pcm, valid_samples = example
        mixture = tf.add_n([decode_pcm(data) for data in pcm])[:valid_samples]
        frames = frame_count(tf.shape(mixture)[0], n_fft)
        magnitude = tf.abs(analysis(padded(mixture, n_fft, frames), n_fft))
        logarithm = tf.cast(tf.math.log(magnitude + QUIETEST), tf.float64)
        count = tf.cast(tf.shape(logarithm)[:1], tf.float64)
        return tf.concat([tf.reduce_sum(logarithm, 0), tf.reduce_sum(logarithm**2, 0), count], axis=0)

    bins = n_fft // 2 + 1
    totals = tft.sum(
        tf.map_fn(
            moments, (*stems.values(), num_samples), fn_output_signature=tf.TensorSpec([2 * bins + 1], tf.float64)
        ),
        reduce_instance_dims=False,
    )
    mean, square = totals[:bins] / totals[-1], totals[bins:-1] / totals[-1]
    std = tf.sqrt(tf.maximum(square - mean * mean, _MIN_VARIANCE))
    return {
        "log_mean": repeat(tf.cast(mean, tf.float32), num_samples),
        "log_std": repeat(tf.cast(std, tf.float32), num_samples),
    }
