"""What the separator sees: the logarithm of the mixture's magnitudes, normalised by the training split, bin by bin.

`features` is one function for Transform, whose analyzers compute its constants, for the trainer after mixing, and for
every signature. PCM passes through Transform: mixtures are made while training.
"""

import math
from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_transform as tft

from audio.pcm import FULL_SCALE
from audio.spec import AudioSpec
from audio.spectra import stft
from trainers.columns import dense, repeat

WINDOW_S = 0.093
HOPS = 4
_QUIETEST = 1e-3
"""Magnitude below which everything looks alike: a few times what 16-bit rounding leaves in a bin."""
MIN_VARIANCE = 1e-2


class Constants(NamedTuple):
    """Statistics of the training split's mixtures: mean and standard deviation of each bin's logarithm, float32
    [bins].
    """

    mean: tf.Tensor
    std: tf.Tensor


def fft_size(sample_rate: int) -> int:
    """Samples in a window: the largest power of two within 93 ms, 4096 at 44.1 kHz and 1024 at 16 kHz."""
    return int(2 ** math.floor(math.log2(WINDOW_S * sample_rate)))


def hop_length(n_fft: int) -> int:
    """Samples between frames: a quarter of a window."""
    return n_fft // HOPS


def spectrum(waveform: tf.Tensor, n_fft: int) -> tf.Tensor:
    """Complex spectrum with centred frames.

    Parameters
    ----------
    waveform : float32 [..., samples]

    Returns
    -------
    complex64 [..., frames, bins] with ``frames = 1 + samples // hop`` and ``bins = n_fft // 2 + 1``
    """
    return stft(waveform, n_fft=n_fft, hop_length=hop_length(n_fft))


def features(waveform: tf.Tensor, constants: Constants) -> tf.Tensor:
    """Normalised log magnitudes of a mixture.

    Parameters
    ----------
    waveform : float32 [..., samples], full scale +-1.0
    constants : statistics of the training split; their length says the size of the window

    Returns
    -------
    float32 [..., frames, bins]; zero is the mean of the training split.
    """
    return features_of(spectrum(waveform, 2 * (constants.mean.shape[-1] - 1)), constants)


def features_of(mixture: tf.Tensor, constants: Constants) -> tf.Tensor:
    """The same of a spectrum, complex64 [..., frames, bins]."""
    return (log_magnitude(mixture) - constants.mean) / constants.std


def log_magnitude(mixture: tf.Tensor) -> tf.Tensor:
    """``log(|Y| + 0.001)``, float32 [..., frames, bins]."""
    return tf.math.log(tf.abs(mixture) + _QUIETEST)


def decode_pcm(pcm: tf.Tensor, channels: int) -> tf.Tensor:
    """One recording's interleaved little-endian 16-bit PCM (string []) as a waveform, float32 [channels, samples]."""
    samples = tf.reshape(tf.io.decode_raw(pcm, tf.int16), [-1, channels])
    return tf.transpose(tf.cast(samples, tf.float32) / FULL_SCALE)


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Statistics of the training split (for TFX's Transform); the trainer reads the raw Examples.

    Recordings are taken one by one (``tf.map_fn``), so that memory holds one spectrum at a time whatever the batch.

    Parameters
    ----------
    inputs : columns of a batch of raw Examples
    custom_config : ``spec``, and what the task's Trainer gets besides

    Returns
    -------
    ``log_mean`` and ``log_std`` of the mixtures: the same in every row.
    """
    spec = AudioSpec.model_validate(custom_config["spec"])
    n_fft = fft_size(spec.sample_rate)
    stems = {name: dense(inputs[name], "") for name in spec.columns}
    num_samples = dense(inputs["num_samples"], 0)

    def moments(example: tuple[tf.Tensor, ...]) -> tf.Tensor:
        *pcm, valid_samples = example
        mixture = tf.add_n([decode_pcm(data, spec.channels) for data in pcm])[:, :valid_samples]
        logarithm = tf.cast(log_magnitude(spectrum(mixture, n_fft)), tf.float64)
        count = tf.cast(tf.reduce_prod(tf.shape(logarithm)[:2])[tf.newaxis], tf.float64)
        return tf.concat([tf.reduce_sum(logarithm, [0, 1]), tf.reduce_sum(logarithm**2, [0, 1]), count], axis=0)

    bins = n_fft // 2 + 1
    totals = tft.sum(
        tf.map_fn(
            moments, (*stems.values(), num_samples), fn_output_signature=tf.TensorSpec([2 * bins + 1], tf.float64)
        ),
        reduce_instance_dims=False,
    )
    mean, square = totals[:bins] / totals[-1], totals[bins:-1] / totals[-1]
    std = tf.sqrt(tf.maximum(square - mean * mean, MIN_VARIANCE))
    return {
        "log_mean": repeat(tf.cast(mean, tf.float32), num_samples),
        "log_std": repeat(tf.cast(std, tf.float32), num_samples),
    }
