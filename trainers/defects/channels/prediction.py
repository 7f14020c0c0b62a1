"""What an autoregressive model of the sound around does not predict: bass does not hide a splice from it."""

import numpy as np
import tensorflow as tf

from trainers.defects.channels.clicks import solitude
from trainers.defects.channels.floors import LEVEL_FLOOR, TINY, log10
from trainers.defects.frames import HOP_LENGTH, short_spectra

AR_ORDER = 24
AR_N_FFT = 1024
_AR_FLOOR = 1e-5


def unpredicted(y: tf.Tensor) -> tf.Tensor:
    """Solitude and crest of what an autoregressive model of the sound around does not predict: [b, fine frames, 2].

    The model of order `AR_ORDER` is that of the autocorrelation method on Hann windows of `AR_N_FFT` samples.
    """
    power = tf.square(tf.abs(short_spectra(y, AR_N_FFT, HOP_LENGTH)))
    correlation = tf.cast(tf.signal.irfft(tf.cast(power, tf.complex64))[..., : AR_ORDER + 1], tf.float64)
    correlation = correlation / (correlation[..., :1] + TINY)
    lags = np.abs(np.arange(AR_ORDER)[:, np.newaxis] - np.arange(AR_ORDER))
    matrix = tf.gather(correlation, lags, axis=-1) + _AR_FLOOR * tf.eye(AR_ORDER, dtype=tf.float64)
    weights = tf.linalg.solve(matrix, correlation[..., 1:, tf.newaxis])[..., 0]
    filters = tf.concat([tf.ones_like(weights[..., :1]), -weights], axis=-1)
    heard = tf.signal.frame(tf.pad(y, [[0, 0], [AR_ORDER, 0]]), HOP_LENGTH + AR_ORDER, HOP_LENGTH)
    length = [2 * HOP_LENGTH]
    product = tf.signal.rfft(heard, length) * tf.signal.rfft(tf.cast(filters, tf.float32), length)
    residual = tf.abs(tf.signal.irfft(product, length)[..., AR_ORDER : AR_ORDER + HOP_LENGTH])
    rms = tf.sqrt(tf.reduce_mean(tf.square(residual), axis=-1))
    crest = log10(tf.reduce_max(residual, axis=-1) + LEVEL_FLOOR) - log10(rms + LEVEL_FLOOR)
    return tf.concat([solitude(tf.reshape(residual, tf.shape(y))), crest[..., tf.newaxis]], axis=-1)
