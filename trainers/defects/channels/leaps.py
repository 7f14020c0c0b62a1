"""What was left out moves all partials by one time.

Two spectra across a splice are as those before it and those behind it are to each other, but for that time (the
generalised cross-correlation of cross-spectra; Knapp & Carter 1976).
"""

import numpy as np
import tensorflow as tf

from audio.mel import hann
from trainers.defects.channels.floors import TINY
from trainers.defects.frames import LONG_HOP

LEAP_LENGTH = 2048
LEAP_HOPS = 6  # of LONG_HOP between two spectra: 32 ms from the end of one to the beginning of the next
_LEAP_LOWEST, _LEAP_BINS = 8, 769  # 63 Hz to 6 kHz
_LEAP_WEIGHT = 0.25  # power of the magnitude: bass is not all
_LEAST_LEAP = 48  # samples at 12 kHz, 4 ms


def leaps(y: tf.Tensor) -> tf.Tensor:
    """How much more alike cross-spectra are at another time than at the same, and how alike at the same: [b, hops of
    `LONG_HOP`, 4].

    Of four spectra at equal distances the middle two lie across the moment. A moment at which nothing was left out has
    the first number below 0 and the others near 1 as far as the music is steady; an onset has all of them near 0.
    """
    hops = tf.shape(y)[1] // LONG_HOP
    distance = LEAP_HOPS * LONG_HOP
    before = (3 * distance + LEAP_LENGTH - LONG_HOP) // 2
    behind = 3 * distance + LEAP_LENGTH - LONG_HOP - before
    frames = tf.signal.frame(tf.pad(y, [[0, 0], [before, behind]]), LEAP_LENGTH, LONG_HOP)
    spectrum = tf.signal.rfft(frames * tf.constant(hann(LEAP_LENGTH)), [2 * LEAP_LENGTH])[..., :_LEAP_BINS]
    cross = tf.math.conj(spectrum[:, :-LEAP_HOPS]) * spectrum[:, LEAP_HOPS:]
    band = tf.constant((np.arange(_LEAP_BINS) >= _LEAP_LOWEST).astype(np.float32))
    magnitude = tf.abs(cross)
    unit = cross / tf.cast(magnitude + TINY, tf.complex64)

    def weighted(one: int, other: int) -> tuple[tf.Tensor, tf.Tensor]:
        """The difference of the phases of two cross-spectra, weighted, and how alike they are at the same time."""
        first, second = ((unit[:, at:][:, :hops], magnitude[:, at:][:, :hops]) for at in (one, other))
        weight = band * tf.pow(tf.minimum(first[1], second[1]) + TINY, _LEAP_WEIGHT)
        weight /= tf.reduce_sum(weight, axis=-1, keepdims=True)
        product = first[0] * tf.math.conj(second[0]) * tf.cast(weight, tf.complex64)
        return product, tf.reduce_sum(tf.math.real(product), axis=-1)

    def leap(product: tf.Tensor, same: tf.Tensor) -> tf.Tensor:
        likeness = tf.signal.irfft(product) * (_LEAP_BINS - 1)
        return tf.reduce_max(likeness[..., _LEAST_LEAP:-_LEAST_LEAP], axis=-1) - same

    past, future = weighted(LEAP_HOPS, 0), weighted(LEAP_HOPS, 2 * LEAP_HOPS)
    both = tf.minimum(leap(*past), leap(*future))
    return tf.stack([both, past[1], future[1], weighted(0, 2 * LEAP_HOPS)[1]], axis=-1)
