"""Skips break the phase of every partial at once without anything growing louder.

What is measured is the deviation of a bin from where its two predecessors point (complex-domain onset detection, Bello,
Duxbury, Davies, Sandler 2004), in a short spectrum; and in a long one, which tells partials apart, the phase alone of
those that sounded before and after and were steady until now: the onset of a note adds partials and leaves the old ones
as they were, a splice does not.
"""

import tensorflow as tf

from audio.mel import mel_matrix
from trainers.defects.channels.floors import LEVEL_FLOOR, TINY
from trainers.defects.frames import LONG_N_FFT, N_FFT, RATE

PHASE_BANDS = 8


def phase(spectrum: tf.Tensor) -> tf.Tensor:
    """Deviation from the two frames before, in bands, as a share of their magnitude: [b, frames, PHASE_BANDS]."""
    before = tf.pad(spectrum, [[0, 0], [2, 0], [0, 0]])[:, :-1]
    one, two = before[:, 1:], before[:, :-1]
    scale = tf.cast(tf.abs(one) * tf.abs(two) + TINY, tf.complex64)
    expected = one * one * tf.math.conj(two) / scale
    bands = tf.constant(mel_matrix(RATE, N_FFT, PHASE_BANDS))
    deviation = tf.matmul(tf.abs(spectrum - expected), bands)
    return deviation / (tf.matmul(tf.abs(spectrum) + tf.abs(expected), bands) + LEVEL_FLOOR)


def broken_phase(spectrum: tf.Tensor) -> tf.Tensor:
    """Phase deviation of what goes on and was steady, in bands, 0 to 1: [b, frames, PHASE_BANDS].

    A bin weighs as much as the least of its magnitudes in three frames, and the less the more it had deviated one frame
    ago.
    """
    padded = tf.pad(spectrum, [[0, 0], [3, 0], [0, 0]])
    past = [padded[:, 3 - back :][:, : tf.shape(spectrum)[1]] for back in range(4)]
    magnitudes = [tf.abs(frame) for frame in past]
    units = [frame / tf.cast(size + TINY, tf.complex64) for frame, size in zip(past, magnitudes, strict=True)]

    def deviation(now: int) -> tf.Tensor:
        return tf.abs(units[now] - tf.square(units[now + 1]) * tf.math.conj(units[now + 2])) / 2.0

    steady = tf.square(1.0 - deviation(1))
    weights = tf.minimum(tf.minimum(magnitudes[0], magnitudes[1]), magnitudes[2]) * steady
    bands = tf.constant(mel_matrix(RATE, LONG_N_FFT, PHASE_BANDS))
    return tf.matmul(weights * deviation(0), bands) / (tf.matmul(weights, bands) + LEVEL_FLOOR)
