"""The denoiser's network: causal convolutions that halve frequency, a recurrent bottleneck, a decoder with skips."""

import math
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from trainers.restoration.layers import CausalConv, FirstState, Recurrent, RunningFloor, RunningMean, Stateful, Tensor
from trainers.restoration.mask import UNCHANGED, held_back, parts_of
from trainers.restoration.task import RestorationHyperparameters

_VIEWS = 4
_NEIGHBOURS = 2
"""Bands that share the convolutions' channels: half of them at twice the channels is cheaper, and as exact."""
_SINGLY = 64
_LOUD = 4.0
"""Normalised logarithms, which have a standard deviation of one, times this are about logarithms of a power."""
_WIDTH = 5
_LEVEL_FRAMES = 60.0
_SMOOTH_FRAMES = 3.0
_SLOW_FRAMES = 40.0
_RISE = 0.02
_SLOPE = 0.1
_KEPT_AT_FIRST = 2.0
_EVEN = 0.05
Run = Callable[[Stateful, Tensor], Tensor]


def _activate(x: Tensor) -> Tensor:
    """Leaky rectifier, its channels then scaled to a mean square of at most one.

    Without this, all weights of a fresh network pull together towards a mask of one, the best that there is before
    anything is known, and overshoot to where the sigmoid answers no gradient any more.
    """
    x = ops.leaky_relu(x, _SLOPE)
    return x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + _EVEN)


def bands_of(bins: int) -> list[tuple[int, int]]:
    """How the bins above the lowest become bands: up to `_SINGLY` one by one, then `_SINGLY` / 2 bands an octave.

    Parameters
    ----------
    bins : of a spectrum, a power of two and one

    Returns
    -------
    list of (bands, bins of each), from low to high: 160 bands of the 512 bins at 16 kHz, singly up to 1 kHz
    """
    bands, width, left = [(min(_SINGLY, bins - 1), 1)], 2, bins - 1 - _SINGLY
    while left > 0:
        bands.append((_SINGLY // 2, width))
        left -= _SINGLY // 2 * width
        width *= 2
    return bands


class Network:
    """The layers, from which models are made that share their weights: for whole segments, for pieces of a stream.

    What a frame is compared with is computed, not learnt: how loud the recording is, what each bin was a moment ago,
    its slow mean and its floor. So differences of level are seen and the level is not, and steady noise shows.

    Parameters
    ----------
    hyperparameters : sizes
    bins : of a spectrum, a power of two and one; the lowest shares the mask of its neighbour
    """

    def __init__(self, hyperparameters: RestorationHyperparameters, bins: int) -> None:
        self.bins, self.parts = bins, parts_of(hyperparameters.mask)
        self.kind = hyperparameters.mask
        self.widths = bands_of(bins)
        bands = sum(count for count, _ in self.widths)
        if bands % (_NEIGHBOURS * 2 ** len(hyperparameters.filters)):
            raise ValueError(f"filters={hyperparameters.filters} halve {bands} bands more often than they can be")
        self.level = RunningMean(_LEVEL_FRAMES, 1, "level")
        self.smooth = RunningMean(_SMOOTH_FRAMES, bands, "smooth")
        self.slow = RunningMean(_SLOW_FRAMES, bands, "slow")
        self.floor = RunningFloor(_RISE, bands, "floor")
        self.encoder, self.decoder = [], []
        sizes = [(bands // _NEIGHBOURS, _NEIGHBOURS * _VIEWS)]
        for number, filters in enumerate(hyperparameters.filters):
            height, channels = sizes[-1]
            self.encoder.append(CausalConv(filters, height, channels, _WIDTH, 2, f"encoder_{number}"))
            sizes.append((height // 2, filters))
        height, channels = sizes[-1]
        units = hyperparameters.recurrent_units
        self.squeeze = keras.layers.Dense(units, name="squeeze")
        self.recurrent = [Recurrent(units, f"recurrent_{n}") for n in range(hyperparameters.recurrent_layers)]
        self.spread = keras.layers.Dense(height * channels, name="spread")
        for number in reversed(range(len(hyperparameters.filters))):
            height, skipped = sizes[number]
            joined = sizes[number + 1][1] + skipped
            filters = skipped if number else hyperparameters.filters[0]
            self.decoder.append(CausalConv(filters, height, joined, 3, 1, f"decoder_{number}"))
        self.head = keras.layers.Dense(
            _NEIGHBOURS * self.parts,
            kernel_initializer="zeros" if self.kind == "cirm" else "glorot_uniform",
            bias_initializer="zeros" if self.kind == "cirm" else keras.initializers.Constant(_KEPT_AT_FIRST),
            name="head",
            dtype="float32",
        )

    @property
    def _stateful(self) -> list[Stateful]:
        """In the order in which their states are packed."""
        return [
            self.level, self.smooth, self.slow, self.floor, *self.encoder, *self.recurrent, *self.decoder,
        ]  # fmt: skip

    @property
    def state_size(self) -> int:
        """Numbers that the next piece of a stream must know."""
        return sum(layer.state_size for layer in self._stateful)

    def _views(self, x: Tensor, run: Run) -> Tensor:
        """What is seen of a frame, [b, frames, bands, views], none of which depends on the recording's level."""
        x = x - run(self.level, ops.mean(x, axis=-1, keepdims=True))
        smooth = run(self.smooth, x)
        floor = run(self.floor, smooth)
        return ops.stack([x, x - floor, smooth - floor, x - run(self.slow, x)], axis=-1)

    def together(self, x: Tensor) -> Tensor:
        """[b, frames, bins - 1] to [b, frames, bands]: about the mean power, in which a tone in a band stays seen."""
        octaves, start = [], 0
        for count, width in self.widths:
            octave = x[..., start : start + count * width]
            bins = ops.reshape(_LOUD * octave, (-1, x.shape[1], count, width))
            octaves.append((ops.logsumexp(bins, axis=-1) - math.log(width)) / _LOUD)
            start += count * width
        return ops.concatenate(octaves, axis=-1)

    def _apart(self, x: Tensor) -> Tensor:
        """[b, frames, bands, parts] to [b, frames, bins - 1, parts]: every bin gets what its band has."""
        starts = np.cumsum([0] + [count for count, _ in self.widths])
        octaves = [
            ops.repeat(x[:, :, start : start + count], width, axis=2)
            for start, (count, width) in zip(starts, self.widths, strict=False)
        ]
        return ops.concatenate(octaves, axis=2)

    def _mask(self, log_magnitude: Tensor, run: Run) -> Tensor:
        """[b, frames, bins] to [b, frames, bins, parts]."""
        frames = log_magnitude.shape[1]
        x = self._views(self.together(log_magnitude[..., 1:]), run)
        x = ops.reshape(x, (-1, frames, x.shape[2] // _NEIGHBOURS, _NEIGHBOURS * _VIEWS))
        skips = []
        for layer in self.encoder:
            skips.append(x)
            x = _activate(run(layer, x))
        height, channels = x.shape[2:]
        memory = _activate(self.squeeze(ops.reshape(x, (-1, frames, height * channels))))
        for recurrent in self.recurrent:
            memory = memory + run(recurrent, memory)
        x = x + ops.reshape(self.spread(memory), (-1, frames, height, channels))
        for layer, skip in zip(self.decoder, reversed(skips), strict=True):
            x = ops.concatenate([ops.repeat(x, 2, axis=2), skip], axis=-1)
            x = _activate(run(layer, x))
        change = self._apart(ops.reshape(self.head(x), (-1, frames, _NEIGHBOURS * x.shape[2], self.parts)))
        mask = change + ops.cast([UNCHANGED, 0.0], "float32") if self.kind == "cirm" else ops.sigmoid(change)
        return ops.concatenate([mask[:, :, :1], mask], axis=2)

    def segment_model(self, frames: int) -> keras.Model:
        """For training: ``log_magnitude`` [b, frames, bins], whole segments, to ``mask`` [b, frames, bins, parts]."""
        inputs = keras.Input((frames, self.bins), name="log_magnitude")
        mask, _ = self._follow(inputs, FirstState(self.state_size, "first_state")(inputs))
        return keras.Model({"log_magnitude": inputs}, {"mask": mask}, name="denoiser")

    def piece_model(self, frames: int, normalise: Callable[[Tensor], Tensor], batch: int | None = None) -> keras.Model:
        """For streams: ``magnitude`` [b, frames, bins] and ``state`` [b, state size], zeros at first, to ``mask``,
        `held_back`, and the next piece's ``state``.

        Parameters
        ----------
        frames : of a piece; 1 for a model without loops
        normalise : magnitudes to what `segment_model` takes
        batch : streams at once; any number unless given
        """
        magnitude = keras.Input((frames, self.bins), batch, name="magnitude")
        state = keras.Input((self.state_size,), batch, name="state")
        mask, behind = self._follow(normalise(magnitude), state)
        mask = held_back(self.kind, mask, magnitude)
        return keras.Model({"magnitude": magnitude, "state": state}, {"mask": mask, "state": behind}, name="stream")

    def _follow(self, log_magnitude: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The mask of a piece, and the packed state behind it."""
        layers, sizes = self._stateful, [layer.state_size for layer in self._stateful]
        starts = {layer.name: sum(sizes[:number]) for number, layer in enumerate(layers)}
        behind: dict[str, Tensor] = {}

        def run(layer: Stateful, x: Tensor) -> Tensor:
            start = starts[layer.name]
            y, behind[layer.name] = layer(x, state[:, start : start + layer.state_size])
            return y

        mask = self._mask(log_magnitude, run)
        return mask, ops.concatenate([ops.cast(behind[layer.name], "float32") for layer in layers], axis=-1)
