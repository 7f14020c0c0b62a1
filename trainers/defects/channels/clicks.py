"""Clicks stand alone in the second difference: a drum's attack is as steep, but is followed by more of it.

In music as loud and broad as metal they stand out of the *whitened* frame: divided by its own smoothed magnitude
spectrum, music is noise and a click is a spike (the AR residual of Godsill & Rayner 1998, chapter 5, with the
spectrum's envelope in place of the AR model).
"""

import numpy as np
import tensorflow as tf

from trainers.defects.channels.floors import LEVEL_FLOOR, TINY, log10
from trainers.defects.frames import HOP_LENGTH, N_FFT

_SMOOTHED_BINS = 17
_GRAIN = 32  # samples, 1 ms
_ALONE = (3, 12)  # grains around that are looked at; a click may fill two


def second_difference(y: tf.Tensor) -> tf.Tensor:
    """Magnitude of the second difference, [b, samples]."""
    behind = tf.pad(y, [[0, 0], [2, 0]])
    return tf.abs(behind[:, 2:] - 2.0 * behind[:, 1:-1] + behind[:, :-2])


def solitude(bend: tf.Tensor) -> tf.Tensor:
    """By how much the steepest millisecond of a frame is steeper than all around it, before and behind, as a logarithm:
    [b, fine frames, 1].
    """
    nearest, furthest = _ALONE
    rows = tf.shape(bend)[0]
    grains = log10(tf.reduce_max(tf.reshape(bend, [rows, -1, _GRAIN]), axis=-1) + LEVEL_FLOOR)
    count = tf.shape(grains)[1]
    padded = tf.pad(grains, [[0, 0], [furthest, furthest]], constant_values=float(np.log10(LEVEL_FLOOR)))
    width = furthest - nearest + 1
    steepest = tf.nn.max_pool1d(padded[..., tf.newaxis], width, 1, "VALID")[..., 0]
    around = tf.maximum(steepest[:, :count], steepest[:, furthest + nearest :][:, :count])
    alone = tf.reshape(grains - around, [rows, -1, HOP_LENGTH // _GRAIN])
    return tf.reduce_max(alone, axis=-1, keepdims=True)


def whitened(spectrum: tf.Tensor) -> tf.Tensor:
    """Logarithms of crest factor and kurtosis of the whitened frame: [b, fine frames, 2]."""
    magnitude = tf.abs(spectrum)
    flat = tf.reshape(magnitude, [-1, N_FFT // 2 + 1, 1])
    envelope = tf.reshape(tf.nn.avg_pool1d(flat, _SMOOTHED_BINS, 1, "SAME"), tf.shape(magnitude))
    envelope += 1e-3 * tf.reduce_mean(magnitude, axis=-1, keepdims=True) + LEVEL_FLOOR
    residual = tf.square(tf.signal.irfft(spectrum / tf.cast(envelope, tf.complex64), [N_FFT]))
    power = tf.reduce_mean(residual, axis=-1) + TINY
    crest = tf.reduce_max(residual, axis=-1) / power
    kurtosis = tf.reduce_mean(tf.square(residual), axis=-1) / tf.square(power)
    return log10(tf.stack([crest, kurtosis], axis=-1) + 0.1)
