"""Time-frequency masks: how much of each bin of a mixture belongs to the wanted sound.

Conventions
-----------
``S`` is the wanted sound, ``N`` the rest, ``Y = S + N`` the mixture; all are complex64 spectra of one shape, whose
last axes are ``[frames, bins]``. A bin where a denominator is zero has no owner: the ratio mask gives each side half of
it, so that the two masks sum to one everywhere; the masks relative to the mixture are 0 there. All masks are free of
the level: sounds scaled together have the same masks.

Nothing here is a training target by itself: with the mixture's phase, the ratio mask gives the sound's magnitude up to
interference, the phase-sensitive mask the smallest error that a real mask in [0, 1] can have, the complex mask the
sound itself.
"""

import tensorflow as tf

COMPRESSION_RANGE = 10.0
"""K of `compress` (Williamson, Wang & Wang 2016): the compressed mask lies in (-K, K)."""
COMPRESSION_STEEPNESS = 0.1
"""C of `compress`."""
_HIGHEST = 1.0 - 1e-6
"""Where `decompress` cuts ``|compressed| / K``: a part of about 145."""


def ideal_ratio_mask(target: tf.Tensor, rest: tf.Tensor, *, power: float = 1.0) -> tf.Tensor:
    """The share of the wanted sound, ``|S|^p / (|S|^p + |N|^p)``: of magnitudes for p = 1, of powers for p = 2.

    Parameters
    ----------
    target, rest : complex64 [..., frames, bins]
    power : p, above 0

    Returns
    -------
    float32 [..., frames, bins] in [0, 1]
    """
    wanted, other = tf.abs(target), tf.abs(rest)
    louder = tf.maximum(wanted, other)
    wanted = tf.pow(tf.math.divide_no_nan(wanted, louder), power)  # no power of a tiny number vanishes
    other = tf.pow(tf.math.divide_no_nan(other, louder), power)
    half = tf.fill(tf.shape(louder), 0.5)
    return tf.where(louder > 0.0, tf.math.divide_no_nan(wanted, wanted + other), half)


def phase_sensitive_mask(target: tf.Tensor, mixture: tf.Tensor) -> tf.Tensor:
    """``|S| / |Y| cos(angle S - angle Y)``, truncated to [0, 1] (Erdogan et al. 2015).

    Of all real masks in [0, 1] it leaves the smallest ``|M Y - S|``.

    Parameters
    ----------
    target, mixture : complex64 [..., frames, bins]

    Returns
    -------
    float32 [..., frames, bins] in [0, 1]
    """
    return tf.clip_by_value(tf.math.real(complex_ratio_mask(target, mixture)), 0.0, 1.0)


def complex_ratio_mask(target: tf.Tensor, mixture: tf.Tensor) -> tf.Tensor:
    """``S / Y`` = (Yr Sr + Yi Si) / |Y|^2 + i (Yr Si - Yi Sr) / |Y|^2 (Williamson, Wang & Wang 2016): unbounded.

    Parameters
    ----------
    target, mixture : complex64 [..., frames, bins]

    Returns
    -------
    complex64 [..., frames, bins]; times the mixture it is the target.
    """
    return tf.math.divide_no_nan(target, mixture)


def compress(mask: tf.Tensor) -> tf.Tensor:
    """A complex mask as two bounded numbers that a network can learn: ``K (1 - e^(-C M)) / (1 + e^(-C M))`` of each.

    Parameters
    ----------
    mask : complex64 [...]

    Returns
    -------
    float32 [..., 2] in [-K, K]: compressed real part, compressed imaginary part
    """
    parts = tf.stack([tf.math.real(mask), tf.math.imag(mask)], axis=-1)
    return COMPRESSION_RANGE * tf.tanh(0.5 * COMPRESSION_STEEPNESS * parts)


def decompress(compressed: tf.Tensor) -> tf.Tensor:
    """The inverse of `compress`, ``-1/C log((K - x) / (K + x))``; finite at and beyond +-K.

    Parameters
    ----------
    compressed : float32 [..., 2]

    Returns
    -------
    complex64 [...]
    """
    share = tf.clip_by_value(compressed / COMPRESSION_RANGE, -_HIGHEST, _HIGHEST)
    parts = 2.0 / COMPRESSION_STEEPNESS * tf.atanh(share)
    return tf.complex(parts[..., 0], parts[..., 1])


def apply_mask(mask: tf.Tensor, mixture: tf.Tensor) -> tf.Tensor:
    """``M Y``: the masked mixture, with the mixture's phase where the mask is real.

    Parameters
    ----------
    mask : float32 or complex64 [..., frames, bins]
    mixture : complex64 [..., frames, bins]

    Returns
    -------
    complex64 [..., frames, bins]
    """
    return tf.cast(mask, mixture.dtype) * mixture


def divide(mask: tf.Tensor, mixture: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """``M Y`` and ``(1 - M) Y``, computed as what is left, so that the two sum to the mixture.

    Parameters
    ----------
    mask : float32 or complex64 [..., frames, bins]
    mixture : complex64 [..., frames, bins]

    Returns
    -------
    two complex64 [..., frames, bins]
    """
    target = apply_mask(mask, mixture)
    return target, mixture - target
