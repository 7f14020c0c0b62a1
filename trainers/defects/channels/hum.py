"""Hum is the only thing below 600 Hz that never stops.

What is measured is, in the morphological opening over time of a spectrum that is two seconds long, how far the
multiples of 50 and 60 Hz stand above their surroundings, and how far everything else does: a held chord has lines as
well.
"""

import numpy as np
import tensorflow as tf

from trainers.defects.channels.floors import POWER_FLOOR, log10
from trainers.defects.frames import FRAME_LENGTH, RATE, short_spectra

HUM_DECIMATION = 16
HUM_N_FFT = 4096  # two seconds of the decimated signal: half a hertz tells 100 Hz from a G of 98
HUM_HARMONICS = 10
MAINS_HZ = (50.0, 60.0)
MAINS_DRIFT = 0.002
HUM_MEMORY = 13  # frames of the opening, 0.8 s
_HUM_TAPS = 257
_AROUND_LINE = (2, 10)  # bins on either side that are the line's, and those that it is compared with


def _decimated(y: tf.Tensor) -> tf.Tensor:
    """What lies below 600 Hz, at a rate `HUM_DECIMATION` times lower: [b, samples // HUM_DECIMATION]."""
    offsets = np.arange(_HUM_TAPS) - _HUM_TAPS // 2
    taps = np.sinc(offsets / HUM_DECIMATION) / HUM_DECIMATION * np.hanning(_HUM_TAPS + 2)[1:-1]
    edge = (_HUM_TAPS - HUM_DECIMATION) // 2
    padded = tf.pad(y, [[0, 0], [edge, _HUM_TAPS - HUM_DECIMATION - edge]])
    kernel = tf.constant(taps[:, np.newaxis, np.newaxis].astype(np.float32))
    return tf.nn.conv1d(padded[..., tf.newaxis], kernel, HUM_DECIMATION, "VALID")[..., 0]


def _hum_bins() -> np.ndarray:
    """Bins that each multiple of the mains may lie in, [multiples, bins]; the outer ones are there more than once."""
    multiples = np.outer(MAINS_HZ, np.arange(1, HUM_HARMONICS + 1)).reshape(-1, 1)
    centres = multiples * HUM_N_FFT * HUM_DECIMATION / RATE
    furthest = np.ceil(MAINS_DRIFT * centres + 0.5)
    widest = int(furthest.max())
    return (np.rint(centres) + np.clip(np.arange(-widest, widest + 1), -furthest, furthest)).astype(np.int64)


def hum(y: tf.Tensor) -> tf.Tensor:
    """How far the multiples of 50 and of 60 Hz stand out of what never stops, and the mean of what stands out at all:
    [b, frames, multiples + 1].
    """
    at = _hum_bins()
    hop = FRAME_LENGTH // HUM_DECIMATION
    spectrum = short_spectra(_decimated(y), HUM_N_FFT, hop)[..., : int(at.max()) + _AROUND_LINE[1] + 1]
    power = log10(tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum)) + POWER_FLOOR)
    eroded = -tf.nn.max_pool1d(-power, HUM_MEMORY, 1, "SAME")
    lasting = tf.nn.max_pool1d(eroded, HUM_MEMORY, 1, "SAME")
    bins = tf.reshape(lasting, [-1, spectrum.shape[-1], 1])
    inner, outer = (2 * width + 1 for width in _AROUND_LINE)
    wide, near = (size * tf.nn.avg_pool1d(bins, size, 1, "SAME") for size in (outer, inner))
    above = lasting - tf.reshape((wide - near) / (outer - inner), tf.shape(lasting))
    lines = tf.reduce_max(tf.gather(above, at, axis=-1), axis=-1)
    return tf.concat([lines, tf.reduce_mean(tf.nn.relu(above), axis=-1, keepdims=True)], axis=-1)
