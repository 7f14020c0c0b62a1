"""Training examples: clean music of one recording under noise of another, at a level of its own. All numbers come from
outside.
"""

from typing import NamedTuple

import tensorflow as tf

from trainers.learner import Tensors

UNIFORMS = 4
_LN_10 = 2.302585


class Mix(NamedTuple):
    """Clean music and the noise that is added to it: float32 [b, samples]."""

    clean: tf.Tensor
    noise: tf.Tensor


def mix(
    rows: Tensors,
    others: Tensors,
    uniforms: tf.Tensor,
    *,
    clean_share: float,
    snr_low_db: float,
    snr_high_db: float,
    gain_db: float,
) -> Mix:
    """Music of `rows` with noise of `others`.

    What a recording chain adds belongs to the music that went through it: a row that `owns_noise` keeps its own, and so
    does one whose other would have lent that. A silent noise stays silent.

    Parameters
    ----------
    rows, others : ``clean``, ``noise`` float32 [b, samples]; ``owns_noise`` bool [b]
    uniforms : float32 [b, UNIFORMS] in [0, 1)
    clean_share : of examples, without noise
    snr_low_db, snr_high_db : range of signal-to-noise ratios
    gain_db : largest change of the level of the whole

    Returns
    -------
    Mix
    """
    own = (rows["owns_noise"] | others["owns_noise"])[:, tf.newaxis]
    clean, noise = rows["clean"], tf.where(own, rows["noise"], others["noise"])
    snr_db = snr_low_db + (snr_high_db - snr_low_db) * uniforms[:, 0]
    ratio = tf.math.divide_no_nan(_power(clean), _power(noise))
    loudness = tf.sqrt(ratio * tf.exp(-_LN_10 / 10 * snr_db)) * tf.cast(uniforms[:, 1] >= clean_share, tf.float32)
    sign = tf.where(uniforms[:, 2] < 0.5, -1.0, 1.0)
    sign = tf.where(own[:, 0], 1.0, sign)
    gain = tf.exp(_LN_10 / 20 * gain_db * (2 * uniforms[:, 3] - 1))[:, tf.newaxis]
    return Mix(gain * clean, gain * noise * (loudness * sign)[:, tf.newaxis])


def _power(y: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(y**2, axis=-1)
