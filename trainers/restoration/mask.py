"""The three masks that the network's output can mean: how each is read, what is right, and what changes nothing."""

from typing import Literal, TypeAlias

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from audio.masks import (
    COMPRESSION_RANGE,
    COMPRESSION_STEEPNESS,
    complex_ratio_mask,
    compress,
    decompress,
    ideal_ratio_mask,
    phase_sensitive_mask,
)

Kind = Literal["irm", "psm", "cirm"]
AnyTensor: TypeAlias = tf.Tensor | keras.KerasTensor
UNCHANGED = float(COMPRESSION_RANGE * np.tanh(0.5 * COMPRESSION_STEEPNESS))
"""The compressed real part of the complex mask 1."""
_SLOPE_THERE = COMPRESSION_RANGE * COMPRESSION_STEEPNESS / 2
"""Of the compression at 0: a compressed mask differs from one by about this times what the mask differs by."""
TRACE = 0.005
"""Share of a frame's energy: 23 dB below it. See `held_back`."""
_SILENCE = 1e-4
_MANY = 100.0
"""Traces, of which all is taken out."""


def parts_of(kind: Kind) -> int:
    """Numbers that a mask has in each bin: compressed real part and imaginary part, or one."""
    return 2 if kind == "cirm" else 1


def apply_output(kind: Kind, output: tf.Tensor, mixture: tf.Tensor) -> tf.Tensor:
    """The mixture through the mask in the network's output.

    Parameters
    ----------
    output : float32 [..., parts]
    mixture : complex64 [...]

    Returns
    -------
    complex64 [...]
    """
    if kind == "cirm":
        return decompress(output) * mixture
    mask = output[..., 0]  # part by part: a real mask needs the real part of the gradient alone
    return tf.complex(mask * tf.math.real(mixture), mask * tf.math.imag(mixture))


def held_back(kind: Kind, output: AnyTensor, magnitude: AnyTensor) -> AnyTensor:
    """The output of a trained network, held back in frames of which it would take hardly anything out.

    A trace, `TRACE` of the frame's energy and less, is as often music as noise on recordings that no training has
    heard, and where there is no noise at all every trace is music. Where the network would take a share ``x`` of the
    energy out, the mask differs from one by ``x^2 / (x^2 + TRACE^2)`` of what the network says.

    Training goes without: a mask near 1 would get no gradient any more. No number on the way is too large or too small
    for float16, in which delegates of TFLite may compute.

    Parameters
    ----------
    output : float32 [b, frames, bins, parts]
    magnitude : of the mixture, float32 [b, frames, bins]

    Returns
    -------
    float32 [b, frames, bins, parts]
    """
    unchanged, slope = ([UNCHANGED, 0.0], _SLOPE_THERE) if kind == "cirm" else ([1.0], 1.0)
    change = ops.cast(output, "float32") - ops.convert_to_tensor(unchanged, "float32")
    magnitude = ops.cast(magnitude, "float32")
    power = ops.square(magnitude / (ops.max(magnitude, axis=-1, keepdims=True) + _SILENCE))
    removed = ops.sum(power * ops.sum(ops.square(change / slope), axis=-1), axis=-1, keepdims=True)
    traces = removed / (ops.sum(power, axis=-1, keepdims=True) + _SILENCE) / TRACE
    trust = ops.square(ops.minimum(traces, _MANY))
    trust = ops.expand_dims(trust / (trust + 1.0), -1)
    return ops.convert_to_tensor(unchanged, "float32") + trust * change


def target(kind: Kind, clean: tf.Tensor, mixture: tf.Tensor) -> tf.Tensor:
    """What a network with this mask should let through, complex64 [..., frames, bins].

    For the ratio mask it is what the ideal one lets through. Of the others it is the clean music: the phase-sensitive
    mask is the real mask in [0, 1] that comes nearest to it, the complex one reaches it.
    """
    if kind == "irm":
        return apply_output(kind, ideal_mask(kind, clean, mixture), mixture)
    return clean


def read_mask_np(output: np.ndarray) -> np.ndarray:
    """The mask in the network's output on the host, where the number of parts says the kind: real or complex [...]."""
    if output.shape[-1] == 1:
        return output[..., 0]
    share = np.clip(output / COMPRESSION_RANGE, -1 + 1e-6, 1 - 1e-6)
    parts = 2 / COMPRESSION_STEEPNESS * np.arctanh(share)
    return np.asarray(parts[..., 0] + 1j * parts[..., 1])


def ideal_mask(kind: Kind, clean: tf.Tensor, mixture: tf.Tensor) -> tf.Tensor:
    """The mask of this kind that clean music has in its mixture, as the network gives it: float32 [..., frames, bins,
    parts].

    Parameters
    ----------
    clean, mixture : complex64 [..., frames, bins]
    """
    if kind == "cirm":
        return compress(complex_ratio_mask(clean, mixture))
    if kind == "psm":
        return phase_sensitive_mask(clean, mixture)[..., tf.newaxis]
    return ideal_ratio_mask(clean, mixture - clean)[..., tf.newaxis]
