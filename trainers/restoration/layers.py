"""Causal layers with explicit state: a piece of a sequence in, its outputs out, and what the next piece must know.

Conventions
-----------
``layer(x, state)`` takes x [b, frames, ...] with a known number of frames and a state [b, state size] and gives outputs
for these frames and the state behind them; so frames one by one, in pieces or all at once give the same outputs. The
state before the first frame is zeros.
"""

from typing import TypeAlias

import keras
import numpy as np
from keras import ops

Tensor: TypeAlias = keras.KerasTensor
Shape = tuple[int | None, ...]


class Stateful(keras.layers.Layer):
    """A layer whose outputs depend on earlier frames through `state_size` numbers."""

    state_size: int


class FirstState(keras.layers.Layer):
    """The state before the first frame: zeros [b, size], for an input [b, ...]."""

    def __init__(self, size: int, name: str) -> None:
        super().__init__(name=name, trainable=False)
        self.size = size

    def call(self, x: Tensor) -> Tensor:
        """As many as the input has examples."""
        return ops.zeros((ops.shape(x)[0], self.size), "float32")


class RunningMean(Stateful):
    """Exponentially weighted mean of what was heard so far, corrected for its beginning: ``sum a^(t-s) x_s / sum
    a^(t-s)``.

    Parameters
    ----------
    frames : time constant; ``a = exp(-1 / frames)``
    size : numbers in a frame
    """

    def __init__(self, frames: float, size: int, name: str) -> None:
        super().__init__(name=name, trainable=False)
        self.keep = float(np.exp(-1 / frames))
        self.state_size = size + 1

    def call(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """[b, frames, size] to the same shape."""
        length = x.shape[1]
        age = np.arange(length)[:, None] - np.arange(length)[None]
        weights = np.where(age >= 0, (1 - self.keep) * self.keep ** np.maximum(age, 0), 0.0).astype(np.float32)
        decay = (self.keep ** np.arange(1, length + 1)).astype(np.float32)
        counted = ops.concatenate([x, ops.ones_like(x[..., :1])], axis=-1)
        if length == 1:
            sums = (1 - self.keep) * counted + self.keep * state[:, None]
        else:
            sums = ops.matmul(ops.cast(weights, x.dtype), counted)
            sums = sums + ops.cast(decay, x.dtype)[None, :, None] * state[:, None]
        return sums[..., :-1] / sums[..., -1:], sums[:, -1]


class RunningFloor(Stateful):
    """The lowest value so far, which rises slowly: ``m_t = min(x_t, m_(t-1) + rise)``, a floor of noise under music
    (after minimum statistics, Martin 2001).

    Parameters
    ----------
    rise : a frame
    size : numbers in a frame
    """

    CEILING = 50.0
    """Where the floor is before the first frame; the state is the distance to it."""

    def __init__(self, rise: float, size: int, name: str) -> None:
        super().__init__(name=name, trainable=False)
        self.rise = rise
        self.state_size = size

    def call(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """[b, frames, size] to the same shape."""
        length = x.shape[1]
        before = self.CEILING - state[:, None]
        if length == 1:
            floor = ops.minimum(x, before + self.rise)
        else:
            slope = ops.cast(self.rise * np.arange(1, length + 1, dtype=np.float32), x.dtype)[None, :, None]
            floor = x - slope  # without the rise, the floor is the lowest value so far: a doubling scan
            step = 1
            while step < length:
                floor = ops.concatenate([floor[:, :step], ops.minimum(floor[:, step:], floor[:, :-step])], axis=1)
                step *= 2
            floor = ops.minimum(floor, before) + slope
        return floor, self.CEILING - floor[:, -1]


class CausalConv(Stateful):
    """A convolution over this frame and the one before, and over frequency, which it may halve.

    Parameters
    ----------
    filters : channels out
    bands, channels : of the input
    width : of the kernel over frequency, odd
    stride : over frequency, 1 or 2
    """

    FRAMES = 2

    def __init__(self, filters: int, bands: int, channels: int, width: int, stride: int, name: str) -> None:
        super().__init__(name=name)
        self.filters, self.bands, self.channels, self.width, self.stride = filters, bands, channels, width, stride
        self.state_size = (self.FRAMES - 1) * bands * channels

    def build(self, x_shape: Shape, state_shape: Shape) -> None:
        """Make the weights."""
        shape = (self.FRAMES, self.width, self.channels, self.filters)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="he_normal")
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """[b, frames, bands, channels] to [b, frames, bands / stride, filters]."""
        before = ops.reshape(state, (-1, self.FRAMES - 1, self.bands, self.channels))
        heard = ops.concatenate([before, x], axis=1)
        side = self.width // 2
        y = ops.pad(heard, [[0, 0], [0, 0], [side, side], [0, 0]])
        y = ops.conv(y, self.kernel, strides=(1, self.stride), padding="valid")
        last = ops.reshape(heard[:, 1 - self.FRAMES :], (-1, self.state_size))
        return y[:, :, : self.bands // self.stride] + self.bias, last


class Recurrent(Stateful):
    """A GRU (Cho et al. 2014) over time."""

    def __init__(self, units: int, name: str) -> None:
        super().__init__(name=name)
        self.state_size = units
        self.gru = keras.layers.GRU(units, return_sequences=True, return_state=True, name="gru")

    def build(self, x_shape: Shape, state_shape: Shape) -> None:
        """Make the weights."""
        self.gru.build(x_shape)

    def call(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """[b, frames, channels] to [b, frames, units]."""
        if x.shape[1] == 1:  # without a loop, which TFLite would need a second graph for
            y, _ = self.gru.cell(x[:, 0], [state])
            return y[:, None], y
        y, last = self.gru(x, initial_state=state)
        return y, last
