"""Keras layers of the tagger."""

import keras
from keras import ops

from trainers.layers import Shape, frame_mask


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
