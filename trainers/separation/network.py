"""The separator's network: a U-Net over time and frequency with a recurrent bottleneck over time (CRNN U-Net)."""

from typing import Any

import keras
from keras import ops

from trainers.layers import GlobalBatchNorm
from trainers.separation.mask import first_bias, parts_of
from trainers.separation.task import SeparationHyperparameters

_MOMENTUM = 0.95
_KERNEL = (3, 5)
_SLOPE = 0.2


def build_network(hyperparameters: SeparationHyperparameters, *, frames: int, bins: int, channels: int) -> keras.Model:
    """The functional model.

    The encoder halves frequency in every block and time in the first ones; the bottleneck looks along time in both
    directions, all frequencies at once; the decoder mirrors the encoder and gets each block's input by a skip. Its
    last block, which works on every bin of every frame, answers the mask and nothing else: at that size every further
    layer costs a tenth of the step.

    Parameters
    ----------
    hyperparameters : sizes, and the kind of mask
    frames, bins, channels : of a training segment

    Returns
    -------
    keras.Model
        From ``log_magnitude`` [b, frames, bins, views], one view a channel or, with ``repetition``, two, to
        ``{"mask": [b, frames, bins, channels * parts]}``, which `trainers.separation.mask.read_mask` reads.
    """
    views = 2 * channels if hyperparameters.repetition else channels
    inputs = keras.Input((frames, bins, views), name="log_magnitude")
    filters, kind = hyperparameters.filters, hyperparameters.mask
    x, skips = inputs, []
    for block, count in enumerate(filters):
        skips.append(x)
        strides = _strides(hyperparameters, block)
        x = keras.layers.Conv2D(count, _KERNEL, strides, padding="same", use_bias=False, name=f"encoder_{block}")(x)
        x = _activated(x, f"encoder_norm_{block}")
    x = _bottleneck(x, hyperparameters)
    for block in range(len(filters) - 1, 0, -1):
        x = _upsample(filters[block - 1], _strides(hyperparameters, block), f"decoder_{block}", use_bias=False)(x)
        x = _activated(_as_long_as(x, skips[block]), f"decoder_norm_{block}")
        x = ops.concatenate([x, skips[block]], axis=-1)
    mask = _upsample(channels * parts_of(kind), _strides(hyperparameters, 0), "mask", dtype="float32")
    outputs = _as_long_as(mask(x), inputs)
    mask.bias.assign(channels * first_bias(kind))
    return keras.Model({"log_magnitude": inputs}, {"mask": outputs}, name="separator")


def _upsample(count: int, strides: tuple[int, int], name: str, **options: Any) -> keras.layers.Layer:
    """A transposed convolution whose kernel is a multiple of its strides, so that every output hears as many inputs."""
    kernel = tuple(2 * stride if stride > 1 else 3 for stride in strides)
    return keras.layers.Conv2DTranspose(count, kernel, strides, padding="same", name=name, **options)


def _as_long_as(x: keras.KerasTensor, other: keras.KerasTensor) -> keras.KerasTensor:
    """Without the frames and bins that halving rounded up."""
    return x[:, : other.shape[1], : other.shape[2]]


def _strides(hyperparameters: SeparationHyperparameters, block: int) -> tuple[int, int]:
    return (2 if block < hyperparameters.time_halvings else 1, 2)


def _activated(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return ops.leaky_relu(GlobalBatchNorm(_MOMENTUM, name)(x), _SLOPE)


def _bottleneck(x: keras.KerasTensor, hyperparameters: SeparationHyperparameters) -> keras.KerasTensor:
    """What was heard before and after, added to what is heard: [b, time, bands, filters] to the same."""
    _, time, bands, filters = x.shape
    units = hyperparameters.recurrent_units
    y = keras.layers.Reshape((time, bands * filters), name="bands")(x)
    y = keras.layers.Dense(2 * units, activation="relu", name="bottleneck_in")(y)
    y = keras.layers.Bidirectional(keras.layers.GRU(units, return_sequences=True, name="gru"), name="over_time")(y)
    y = keras.layers.Dropout(hyperparameters.dropout, seed=21, name="dropout")(y)
    y = keras.layers.Dense(bands * filters, name="bottleneck_out")(y)
    return ops.relu(x + keras.layers.Reshape((time, bands, filters), name="unbands")(y))
