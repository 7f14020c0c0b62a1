"""What a wrong mask costs. Losses are per example and know nothing of the others in the batch.

Conventions
-----------
``output`` is the network's, float32 [b, frames, bins, parts] (`trainers.restoration.mask`); ``clean`` and ``mixture``
are complex64 [b, frames, bins].
"""

from collections.abc import Callable, Mapping

import tensorflow as tf

from trainers.restoration.mask import Kind, apply_output, ideal_mask

ENOUGH_DB = 38.0
"""Distance below the mixture's level at which an error is as good as none; what `sdr_loss` is bounded by."""
COMPRESSION = 0.3
_TINY = 1e-8
Loss = Callable[[Kind, tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


def sdr_loss(kind: Kind, output: tf.Tensor, clean: tf.Tensor, mixture: tf.Tensor) -> tf.Tensor:
    """Level of the error under the mixture, ``10 log10(|S - M Y|^2 / |Y|^2)`` in dB, bounded at `ENOUGH_DB`.

    It differs from the negative signal-to-distortion ratio by a constant of each example, which the mask cannot change.
    A decibel counts alike at every level, so that music that was clean is left alone as surely as hiss is taken away.

    Returns
    -------
    float32 [b]
    """
    error = _energy(clean - apply_output(kind, output, mixture))
    level = _energy(mixture) + _TINY
    return 10 / tf.math.log(10.0) * tf.math.log((error + 10 ** (-ENOUGH_DB / 10) * level) / level)


def magnitude_loss(kind: Kind, output: tf.Tensor, clean: tf.Tensor, mixture: tf.Tensor) -> tf.Tensor:
    """Relative squared error of magnitudes compressed by a power of 0.3, in which quiet bins count too (Braun and
    Tashev 2021); phase is not looked at.

    Returns
    -------
    float32 [b]
    """
    estimate = tf.pow(tf.abs(apply_output(kind, output, mixture)) + _TINY, COMPRESSION)
    wanted, whole = (tf.pow(tf.abs(y) + _TINY, COMPRESSION) for y in (clean, mixture))
    return tf.reduce_sum((estimate - wanted) ** 2, [1, 2]) / (tf.reduce_sum(whole**2, [1, 2]) + _TINY)


def mask_loss(kind: Kind, output: tf.Tensor, clean: tf.Tensor, mixture: tf.Tensor) -> tf.Tensor:
    """Squared error of the mask itself (compressed parts of a complex one), weighted with compressed magnitudes: bins
    that hold nothing cost nothing.

    Returns
    -------
    float32 [b]
    """
    error = tf.reduce_sum((output - ideal_mask(kind, clean, mixture)) ** 2, -1)
    weight = tf.pow(tf.abs(mixture) + _TINY, COMPRESSION)
    return tf.reduce_sum(weight * error, [1, 2]) / (tf.reduce_sum(weight, [1, 2]) + _TINY)


def _energy(y: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.math.real(y) ** 2 + tf.math.imag(y) ** 2, [1, 2])


LOSSES: Mapping[str, Loss] = {"sdr": sdr_loss, "magnitude": magnitude_loss, "mask": mask_loss}
