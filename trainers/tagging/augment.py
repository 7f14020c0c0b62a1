"""Random changes of a log-mel that leave its tags true: level, tone colour, missing stripes. All numbers come from
outside.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from audio.mel import N_MELS
from trainers.tagging.features import Constants, denormalise, normalise

_BANDS = 6
UNIFORMS = 1 + _BANDS + 4
_SCALE = 10_000.0


def _curves() -> np.ndarray:
    """Linear interpolation from `_BANDS` nodes over the mel bands: float32 [nodes, 96]."""
    nodes = np.linspace(0, N_MELS - 1, _BANDS)
    return np.stack([np.interp(np.arange(N_MELS), nodes, row) for row in np.eye(_BANDS)]).astype(np.float32)


def equalise(log_mel: tf.Tensor, gain_db: tf.Tensor) -> tf.Tensor:
    """What ``log10(1 + 10000 mel)`` becomes when each band is louder by `gain_db`.

    Parameters
    ----------
    log_mel : float32 [b, frames, 96], not normalised
    gain_db : float32 [b, 96]
    """
    scaled_power = tf.pow(10.0, log_mel) - 1.0
    louder = tf.maximum(scaled_power, 0.0) * tf.pow(10.0, gain_db / 10.0)[:, tf.newaxis]
    return tf.math.log1p(louder) / np.log(10.0).astype(np.float32)


def _stripe(length: int, share: float, uniforms: Sequence[tf.Tensor]) -> tf.Tensor:
    """1 with a stripe of zeros of up to ``share * length``: float32 [b, length]."""
    width = uniforms[0] * share * length
    start = uniforms[1] * (length - width)
    place = tf.range(length, dtype=tf.float32)[tf.newaxis]
    return tf.where((place >= start[:, tf.newaxis]) & (place < (start + width)[:, tf.newaxis]), 0.0, 1.0)


def augment(
    spectrum: tf.Tensor,
    uniforms: tf.Tensor,
    constants: Constants,
    *,
    gain_db: float,
    equalizer_db: float,
    masked_bands: float,
    masked_frames: float,
) -> tf.Tensor:
    """A changed copy of each example.

    Parameters
    ----------
    spectrum : float32 [b, frames, 96], normalised
    uniforms : float32 [b, UNIFORMS] in [0, 1)
    constants : statistics of the training split
    gain_db, equalizer_db : largest change of the level of all bands, and of each of six points along the bands
    masked_bands, masked_frames : widest stripe set to the mean, as a share

    Returns
    -------
    float32 [b, frames, 96], normalised
    """
    signed = 2.0 * uniforms - 1.0
    curve = gain_db * signed[:, :1] + equalizer_db * tf.matmul(signed[:, 1 : 1 + _BANDS], _curves())
    changed = normalise(equalise(denormalise(spectrum, constants), curve), constants)
    bands = _stripe(N_MELS, masked_bands, (uniforms[:, -4], uniforms[:, -3]))
    frames = _stripe(spectrum.shape[1], masked_frames, (uniforms[:, -2], uniforms[:, -1]))
    return changed * bands[:, tf.newaxis] * frames[:, :, tf.newaxis]
