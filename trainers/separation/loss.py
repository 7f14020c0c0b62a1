"""What a wrong mask costs. Losses are per example and know nothing of the others in the batch.

Conventions
-----------
Masks and spectra are ``[b, channels, frames, bins]``. The accompaniment's mask is one minus the voice's, so what is
wrong with one is wrong with the other, and one term counts both.
"""

import tensorflow as tf

from audio.masks import COMPRESSION_RANGE, compress

_AXES = [1, 2, 3]


def masked_l1(mask: tf.Tensor, ideal: tf.Tensor, mixture: tf.Tensor) -> tf.Tensor:
    """``sum |M Y - M* Y| / sum |Y|``: L1 between what the mask and what the ideal mask let through.

    Spleeter's loss (Hennequin et al. 2020), relative to the mixture so that quiet songs count like loud ones. Bins that
    hold nothing, padding among them, cost nothing.

    Parameters
    ----------
    mask, ideal : float32 or complex64 [b, channels, frames, bins]
    mixture : complex64 [b, channels, frames, bins]

    Returns
    -------
    float32 [b]; 0 for silence
    """
    magnitude = tf.abs(mixture)
    error = tf.reduce_sum(tf.abs(mask - ideal) * magnitude, _AXES)
    return tf.math.divide_no_nan(error, tf.reduce_sum(magnitude, _AXES))


def mask_mse(mask: tf.Tensor, ideal: tf.Tensor, mixture: tf.Tensor) -> tf.Tensor:
    """Mean squared error of the mask itself, every bin alike; of the compressed parts for a complex mask (Williamson,
    Wang & Wang 2016).

    Returns
    -------
    float32 [b]
    """
    del mixture
    if mask.dtype.is_complex:
        difference = (compress(mask) - compress(ideal)) / COMPRESSION_RANGE
        return tf.reduce_mean(tf.reduce_sum(difference**2, -1), _AXES)
    return tf.reduce_mean((mask - ideal) ** 2, _AXES)


LOSSES = {"masked_l1": masked_l1, "mask_mse": mask_mse}
