"""What comes again in a recording: an accompaniment repeats itself, a voice over it hardly ever does.

REPET-SIM (Rafii & Pardo 2012) takes what the frames most like a frame have in common for the background, and masks with
it. Here it is no answer but one more thing that the network is shown: few songs teach a network little that holds for
others, and that music repeats holds for nearly all.
"""

import tensorflow as tf

ALIKE = 10
"""Frames that are taken to be like a frame."""
APART_S = 0.3
"""The least time between a frame and one that is taken to repeat it: a held note is not its own repetition."""
_FORBIDDEN = -1.0


def frames_alike(magnitude: tf.Tensor, apart: int) -> tf.Tensor:
    """The frames that are most like each frame by the cosine of their spectra, as weights.

    Parameters
    ----------
    magnitude : float32 [..., frames, bins], 0 or more
    apart : frames between a frame and one that is like it, at least

    Returns
    -------
    float32 [..., frames, frames]. A row sums to one over the `ALIKE` frames that are most like its own, or more where
    several are equally like it, or as many as there are; it is zero where no frame is far enough.
    """
    unit = tf.math.l2_normalize(magnitude, axis=-1)
    likeness = tf.matmul(unit, unit, transpose_b=True)
    number = tf.range(tf.shape(magnitude)[-2])
    far = tf.abs(number[:, tf.newaxis] - number) >= apart
    likeness = tf.where(far, likeness, _FORBIDDEN)
    least = tf.math.top_k(likeness, tf.minimum(ALIKE, tf.shape(magnitude)[-2])).values[..., -1:]
    alike = tf.cast(far & (likeness >= least), tf.float32)
    return tf.math.divide_no_nan(alike, tf.reduce_sum(alike, axis=-1, keepdims=True))
