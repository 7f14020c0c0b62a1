"""Mixtures that nobody recorded: the voice of one song, the accompaniment of the same or of another, at other levels,
speeds and sides. All numbers come from outside.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from audio.mixing import amplify, swap_channels, varispeed

UNIFORMS = 9


class Mix(NamedTuple):
    """The stems of a mixture, float32 [b, channels, samples] each; their sum is the mixture."""

    vocals: tf.Tensor
    accompaniment: tf.Tensor


def mix(songs: Sequence[Mix], uniforms: tf.Tensor, *, mix_songs: float, gain_db: float, speed: float) -> Mix:
    """New stems.

    Where both are of one song they change speed together and keep their place, so that they stay in tune and in time;
    where they are not, each goes its own way.

    Parameters
    ----------
    songs : two segments of an example, from the second of which the accompaniment may be taken
    uniforms : float32 [b, UNIFORMS] in [0, 1)
    mix_songs : share of examples whose stems are of different songs
    gain_db : largest change of the level of a stem
    speed : largest change of pitch and tempo, as a share
    """
    own, other = songs
    apart = uniforms[:, 0] < mix_songs
    accompaniment = tf.where(apart[:, tf.newaxis, tf.newaxis], other.accompaniment, own.accompaniment)
    signed = 2.0 * uniforms - 1.0
    vocals_speed, vocals_shift = tf.pow(1.0 + speed, signed[:, 1]), uniforms[:, 2]
    accompaniment_speed = tf.where(apart, tf.pow(1.0 + speed, signed[:, 3]), vocals_speed)
    accompaniment_shift = tf.where(apart, uniforms[:, 4], vocals_shift)
    vocals = varispeed(own.vocals, vocals_speed, vocals_shift)
    accompaniment = varispeed(accompaniment, accompaniment_speed, accompaniment_shift)
    vocals = swap_channels(amplify(vocals, gain_db * signed[:, 5]), uniforms[:, 6] < 0.5)
    accompaniment = swap_channels(amplify(accompaniment, gain_db * signed[:, 7]), uniforms[:, 8] < 0.5)
    return Mix(vocals, accompaniment)
