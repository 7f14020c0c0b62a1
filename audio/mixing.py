"""What changes between one mix and the next: level, tape speed, which side is left. In TensorFlow, on batches.

Conventions
-----------
Signals are float32 ``[b, channels, samples]``; every example has numbers of its own, ``[b]``, which come from outside.
"""

import math

import tensorflow as tf


def amplify(y: tf.Tensor, gain_db: tf.Tensor) -> tf.Tensor:
    """``10^(gain / 20) y``.

    Parameters
    ----------
    y : float32 [b, channels, samples]
    gain_db : float32 [b]
    """
    return y * tf.exp(gain_db * (math.log(10.0) / 20.0))[:, tf.newaxis, tf.newaxis]


def swap_channels(y: tf.Tensor, swap: tf.Tensor) -> tf.Tensor:
    """Channels in reverse order where asked: left and right of a stereo signal change sides.

    Parameters
    ----------
    y : float32 [b, channels, samples]
    swap : bool [b]
    """
    return tf.where(swap[:, tf.newaxis, tf.newaxis], tf.reverse(y, [1]), y)


def varispeed(y: tf.Tensor, speed: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """A loop of tape that runs faster or slower and starts somewhere: pitch and tempo change together.

    Sample ``t`` of the result is ``y(shift * samples + speed * t)`` on the loop, between samples by the cubic through
    four neighbours (Catmull and Rom 1974). Up to 1.1 the aliasing stays below what loops add at their joint.

    Parameters
    ----------
    y : float32 [b, channels, samples]
    speed : float32 [b], above 0; 1 with a whole shift gives back the samples
    shift : float32 [b] in [0, 1), share of the loop

    Returns
    -------
    float32 [b, channels, samples]
    """
    samples = tf.shape(y)[-1]
    start = tf.floor(shift * tf.cast(samples, tf.float32))
    # Places are float64: in float32 those of the last of 264,600 samples would be wrong by a 64th of a sample.
    place = tf.cast(speed[:, tf.newaxis], tf.float64) * tf.range(tf.cast(samples, tf.float64))
    whole = tf.floor(place)
    x = tf.cast(place - whole, tf.float32)[:, tf.newaxis]
    first = tf.cast(whole, tf.int32) + tf.cast(start, tf.int32)[:, tf.newaxis]
    a, b, c, d = (tf.gather(y, tf.math.floormod(first + step, samples), axis=2, batch_dims=1) for step in (-1, 0, 1, 2))
    return b + 0.5 * x * (c - a + x * (2.0 * a - 5.0 * b + 4.0 * c - d + x * (3.0 * (b - c) + d - a)))
