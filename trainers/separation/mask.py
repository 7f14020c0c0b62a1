"""The three masks that the network's output can mean: how each is read, what is right, and where it starts."""

from typing import Literal

import tensorflow as tf

from audio.masks import (
    complex_ratio_mask,
    compress,
    decompress,
    ideal_ratio_mask,
    phase_sensitive_mask,
)

Kind = Literal["irm", "psm", "cirm"]


def parts_of(kind: Kind) -> int:
    """Numbers that a mask has in each bin: real part and imaginary part, or one."""
    return 2 if kind == "cirm" else 1


def read_mask(kind: Kind, logits: tf.Tensor) -> tf.Tensor:
    """The mask that the network means.

    Real masks are a sigmoid. The complex one is linear and bounded as its compression bounds it, at about 145.

    Parameters
    ----------
    logits : float32 [..., parts]

    Returns
    -------
    float32 or complex64 [...]
    """
    if kind == "cirm":
        return decompress(compress(tf.complex(logits[..., 0], logits[..., 1])))
    return tf.sigmoid(logits[..., 0])


def ideal_mask(kind: Kind, vocals: tf.Tensor, mixture: tf.Tensor) -> tf.Tensor:
    """The mask of this kind that the stems have, float32 or complex64 [..., frames, bins].

    Parameters
    ----------
    vocals, mixture : complex64 [..., frames, bins]
    """
    if kind == "irm":
        return ideal_ratio_mask(vocals, mixture - vocals)
    if kind == "psm":
        return phase_sensitive_mask(vocals, mixture)
    return complex_ratio_mask(vocals, mixture)


def first_bias(kind: Kind) -> tuple[float, ...]:
    """Bias of the logits of a fresh network: half of everything is voice."""
    return (0.5, 0.0) if kind == "cirm" else (0.0,)
