"""What a wrong mask costs. Losses are per example and know nothing of the others in the batch.

Conventions
-----------
``output`` is the network's, float32 [b, frames, bins, parts] (`trainers.restoration.mask`); ``clean`` and ``mixture``
are complex64 [b, frames, bins]. ``S`` is what the ideal mask of the kind should let through (`target`).
"""

from collections.abc import Callable, Mapping

import tensorflow as tf

from trainers.restoration.mask import Kind, apply_output, ideal_mask, target

ENOUGH_DB = 38.0
"""Distance below the mixture's level at which an error is as good as none to `sdr_loss`, which is bounded by it."""
COMPRESSION = 0.3
_TINY = 1e-8
Loss = Callable[[Kind, tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


def error_loss(kind: Kind, output: tf.Tensor, clean: tf.Tensor, mixture: tf.Tensor) -> tf.Tensor:
    """Root mean square of the error over that of the mixture, ``|S - M Y| / |Y|``.

    Between a squared error, to which only the loudest noise counts, and a logarithm, to which the last trace of an
    error in music that came clean counts more than all the noise elsewhere: that teaches to leave all as it is.

    Returns
    -------
    float32 [b]
    """
    return tf.sqrt(_relative_error(kind, output, clean, mixture) + _TINY)


def sdr_loss(kind: Kind, output: tf.Tensor, clean: tf.Tensor, mixture: tf.Tensor) -> tf.Tensor:
    """Level of the error under the mixture, ``10 log10(|S - M Y|^2 / |Y|^2)`` in dB, bounded at `ENOUGH_DB`.

    It differs from the negative signal-to-distortion ratio against ``S`` by a constant of each example, which the mask
    cannot change.

    Returns
    -------
    float32 [b]
    """
    error = _relative_error(kind, output, clean, mixture)
    return 10 / tf.math.log(10.0) * tf.math.log(error + 10 ** (-ENOUGH_DB / 10))


def magnitude_loss(kind: Kind, output: tf.Tensor, clean: tf.Tensor, mixture: tf.Tensor) -> tf.Tensor:
    """Relative squared error of magnitudes compressed by a power of 0.3, in which quiet bins count too (Braun and
    Tashev 2021); phase is not looked at.

    Returns
    -------
    float32 [b]
    """
    estimate = tf.pow(tf.abs(apply_output(kind, output, mixture)) + _TINY, COMPRESSION)
    wanted, whole = (tf.pow(tf.abs(y) + _TINY, COMPRESSION) for y in (target(kind, clean, mixture), mixture))
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


def _relative_error(kind: Kind, output: tf.Tensor, clean: tf.Tensor, mixture: tf.Tensor) -> tf.Tensor:
    """``|S - M Y|^2 / |Y|^2``, float32 [b]; 0 for silence."""
    return _energy(target(kind, clean, mixture) - apply_output(kind, output, mixture)) / (_energy(mixture) + _TINY)


def _energy(y: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.math.real(y) ** 2 + tf.math.imag(y) ** 2, [1, 2])


LOSSES: Mapping[str, Loss] = {
    "error": error_loss, "sdr": sdr_loss, "magnitude": magnitude_loss, "mask": mask_loss,
}  # fmt: skip
