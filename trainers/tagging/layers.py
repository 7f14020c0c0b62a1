"""Keras layers of the tagger. A step is the same on one device and on several: batch statistics are global."""

import keras
import tensorflow as tf
from keras import ops

Shape = tuple[int | None, ...]


class Affine(keras.layers.Layer):
    """``y = gamma x + beta`` on the last axis: what batch normalisation is at inference."""

    def build(self, input_shape: Shape) -> None:
        """Make the weights, [channels]."""
        channels = input_shape[-1]
        self.gamma = self.add_weight(name="gamma", shape=(channels,), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(channels,), initializer="zeros")

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """[..., channels] to [..., channels]."""
        return x * self.gamma + self.beta


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
        """Make the weights, [channels]."""
        shape = (input_shape[-1],)
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")
        self.moving_mean = self.add_weight(name="moving_mean", shape=shape, initializer="zeros", trainable=False)
        self.moving_variance = self.add_weight(name="moving_variance", shape=shape, initializer="ones", trainable=False)

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


class FrameMask(keras.layers.Layer):
    """Sets frames beyond the audio to zero: spectrum [b, time, bands], frames [b, 1] to [b, time, bands]."""

    def call(self, spectrum: keras.KerasTensor, frames: keras.KerasTensor) -> keras.KerasTensor:
        """Mask the spectrum."""
        return spectrum * ops.cast(frame_mask(frames, spectrum.shape[1])[:, :, None], spectrum.dtype)


class MaskedPool(keras.layers.Layer):
    """Mean and maximum over the time steps that hold audio: x [b, time, channels], frames [b, 1] to [b, 2 * channels].

    Parameters
    ----------
    stride : frames in a time step
    """

    def __init__(self, stride: int, name: str) -> None:
        super().__init__(name=name)
        self.stride = stride

    def call(self, x: keras.KerasTensor, frames: keras.KerasTensor) -> keras.KerasTensor:
        """Pool over time."""
        mask = ops.cast(frame_mask(frames, x.shape[1], self.stride)[:, :, None], x.dtype)
        mean = ops.sum(x * mask, axis=1) / ops.sum(mask, axis=1)
        return ops.concatenate([mean, ops.max(ops.where(mask > 0, x, -1e4), axis=1)], axis=-1)

    def compute_output_shape(self, x_shape: Shape, frames_shape: Shape) -> Shape:
        """Twice the channels."""
        return (x_shape[0], 2 * int(x_shape[-1] or 0))


class LearntWhenMissing(keras.layers.Layer):
    """A learnt vector in place of a row that is missing: x [b, units], present [b, 1] of 0 and 1 to [b, units]."""

    def build(self, x_shape: Shape, present_shape: Shape) -> None:
        """Make the vector, [units]."""
        self.missing = self.add_weight(name="missing", shape=(x_shape[-1],), initializer="zeros")

    def call(self, x: keras.KerasTensor, present: keras.KerasTensor) -> keras.KerasTensor:
        """Put the vector where there is nothing."""
        present = ops.cast(present, x.dtype)
        return x * present + self.missing * (1 - present)
