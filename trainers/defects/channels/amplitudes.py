"""How samples are spread between zero and a ceiling: dropouts and clipping.

Dropouts are digital silence: the share of samples that are next to zero. Clipping keeps samples next to a ceiling that
many peaks share: the share of samples there, and next to the peak of the frame itself. Music that was not cut has the
fewer samples the higher one looks: where the histogram of a second and a half rises again, peaks were cut, also where
resampling spread them around the level of the cut.
"""

import numpy as np
import tensorflow as tf

from trainers.defects.channels.floors import LEVEL_FLOOR, log10
from trainers.defects.frames import PER_FRAME, fine_frames

CEILING_MEMORY = 25  # frames whose peaks tell the ceiling
_CEILING_RANK = 4
_NEAR_CEILING, _NEAR_OWN_PEAK, _NEAR_ZERO = 0.03, 0.98, 1e-4
_STEPS = np.arange(0.6, 1.15, 0.03)  # of the histogram, beside the ceiling
_SHARE_FLOOR = 3e-4


def _ceiling(own: tf.Tensor) -> tf.Tensor:
    """The level that the peaks of `_CEILING_RANK` frames around reach: peaks, [b, fine frames, 1], to the same shape.

    The highest peak may be a click, which is no ceiling.
    """
    peaks = tf.nn.max_pool1d(own, PER_FRAME, PER_FRAME, "VALID")[..., 0]
    edge = CEILING_MEMORY // 2
    around = tf.signal.frame(tf.pad(peaks, [[0, 0], [edge, edge]]), CEILING_MEMORY, 1)
    ceiling = tf.math.top_k(around, _CEILING_RANK).values[..., -1:]
    return tf.repeat(ceiling, PER_FRAME, axis=1)


def shapes(y: tf.Tensor) -> tf.Tensor:
    """Peak of the frame beside the ceiling, 0.5 at it, and shares of samples near the ceiling, near the frame's own
    peak, and near zero: [b, fine frames, 4].
    """
    blocks = tf.abs(fine_frames(y))
    own = tf.reduce_max(blocks, axis=-1, keepdims=True)
    ceiling = _ceiling(own) + LEVEL_FLOOR

    def share(mask: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.cast(mask, tf.float32), axis=-1)

    near_ceiling = share(tf.abs(blocks - ceiling) <= _NEAR_CEILING * ceiling)
    near_own = share(blocks >= _NEAR_OWN_PEAK * own)
    peak = (own / (own + ceiling))[..., 0]
    return tf.stack([peak, tf.sqrt(near_ceiling), tf.sqrt(near_own), share(blocks < _NEAR_ZERO)], axis=-1)


def pile(y: tf.Tensor) -> tf.Tensor:
    """The steepest rise of the histogram of magnitudes in the frames around towards their ceiling, as a logarithm:
    [b, frames, 1]. Two steps are held against two that lie three below.
    """
    magnitude = tf.abs(fine_frames(y))
    ceiling = _ceiling(tf.reduce_max(magnitude, axis=-1, keepdims=True))
    shares = [tf.reduce_mean(tf.cast(magnitude >= step * ceiling, tf.float32), axis=-1) for step in _STEPS]
    above = tf.nn.avg_pool1d(tf.stack(shares, axis=-1), PER_FRAME, PER_FRAME, "VALID")
    above = tf.nn.avg_pool1d(above, CEILING_MEMORY, 1, "SAME")
    pairs = log10(above[..., :-2] - above[..., 2:] + _SHARE_FLOOR)
    return tf.reduce_max(pairs[..., 3:] - pairs[..., :-3], axis=-1, keepdims=True)
