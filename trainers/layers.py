"""Keras layers of more than one task. A step is the same on one device and on several: batch statistics are global."""

import keras
import tensorflow as tf
from keras import ops

Shape = tuple[int | None, ...]


class GlobalBatchNorm(keras.layers.Layer):
    """Batch normalisation (Ioffe & Szegedy 2015) over all axes but the last, with the statistics of the global batch.

    Keras' own ``BatchNormalization(synchronized=True)`` sends three reductions between devices at once; they race with
    each other, and sums get mixed up or shapes do not match. One reduction a layer, of sums, squares and count
    together, cannot.

    Parameters
    ----------
    momentum : share of the old in the moving statistics, which are used outside training
    """

    def __init__(self, momentum: float, name: str, epsilon: float = 1e-3) -> None:
        super().__init__(name=name)
        self.momentum, self.epsilon = momentum, epsilon

    def build(self, input_shape: Shape) -> None:
        """Make the weights, [channels]; they are read as float32, since moments in bfloat16 would lose the mean."""
        shape = (input_shape[-1],)
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones", autocast=False)
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros", autocast=False)
        moving = {"trainable": False, "autocast": False}
        self.moving_mean = self.add_weight(name="moving_mean", shape=shape, initializer="zeros", **moving)
        self.moving_variance = self.add_weight(name="moving_variance", shape=shape, initializer="ones", **moving)

    def call(self, x: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """[..., channels] to [..., channels]."""
        if training:
            mean, variance = self._moments(x)
            for moving, current in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + ops.stop_gradient(current) * (1 - self.momentum))
        else:
            mean, variance = ops.convert_to_tensor(self.moving_mean), ops.convert_to_tensor(self.moving_variance)
        scale = self.gamma * ops.rsqrt(variance + self.epsilon)
        return x * ops.cast(scale, x.dtype) + ops.cast(self.beta - mean * scale, x.dtype)

    @staticmethod
    def _moments(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x = tf.cast(x, tf.float32)
        axes, channels = list(range(x.shape.rank - 1)), x.shape[-1]
        count = tf.cast(tf.size(x) // channels, tf.float32)
        sums = tf.concat([tf.reduce_sum(x, axes), tf.reduce_sum(tf.square(x), axes), count[tf.newaxis]], axis=0)
        replica = tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            sums = replica.all_reduce(tf.distribute.ReduceOp.SUM, sums)
        mean = sums[:channels] / sums[-1]
        return mean, tf.maximum(sums[channels:-1] / sums[-1] - tf.square(mean), 0.0)


def frame_mask(frames: keras.KerasTensor, length: int, stride: int = 1) -> keras.KerasTensor:
    """1 where a frame holds audio, [b, length], of frames made of `stride` frames each; `frames` is [b, 1]."""
    starts = ops.arange(length, dtype="float32") * stride
    return ops.cast(starts[None, :] < ops.cast(frames, "float32"), "float32")
