"""Causal frames: the transform that a stream can follow, sample by sample.

Conventions
-----------
Frame ``t`` ends with sample ``(t + 1) * hop - 1``: it holds nothing that a stream has not heard yet. Before the first
sample there is silence, so every sample lies in `HOPS` frames. Analysis and synthesis window are the square root of a
periodic Hann window; the sum of their products over the frames is one, so synthesis is plain overlap-add and, unmasked,
exact. A mask's error does not reach beyond its frame. `audio.streaming` is the same on the host, block by block.
"""

import math

import tensorflow as tf

from audio.streaming import HOPS, sqrt_hann

WINDOW_S = 0.064


def fft_size(sample_rate: int) -> int:
    """Samples in a frame: the largest power of two within 64 ms, 1024 at 16 kHz."""
    return int(2 ** math.floor(math.log2(WINDOW_S * sample_rate)))


def frame_count(samples: int, n_fft: int) -> int:
    """Frames that any of `samples` samples lies in."""
    return -(-samples // (n_fft // HOPS)) + HOPS - 1


def padded(y: tf.Tensor, n_fft: int, frames: int | tf.Tensor) -> tf.Tensor:
    """`y` [..., samples] with silence before it and behind it, as `frames` frames need it."""
    hop = n_fft // HOPS
    samples = tf.shape(y)[-1]
    behind = (frames - 1) * hop + n_fft - (n_fft - hop) - samples
    return tf.pad(y, [(0, 0)] * (y.shape.rank - 1) + [(n_fft - hop, behind)])


def analysis(y: tf.Tensor, n_fft: int) -> tf.Tensor:
    """Spectra of signals that are padded already: float32 [..., samples] to complex64 [..., frames, bins]."""
    return tf.signal.rfft(tf.signal.frame(y, n_fft, n_fft // HOPS) * tf.constant(sqrt_hann(n_fft)))


def synthesis(spectrum: tf.Tensor, n_fft: int) -> tf.Tensor:
    """The inverse of `analysis` but for what other frames would add at both ends: float32 [..., samples]."""
    frames = tf.signal.irfft(spectrum, [n_fft]) * tf.constant(sqrt_hann(n_fft))
    return tf.signal.overlap_and_add(frames, n_fft // HOPS)


def spectrum(waveform: tf.Tensor, n_fft: int) -> tf.Tensor:
    """Spectra of whole signals.

    Parameters
    ----------
    waveform : float32 [..., samples], of known length

    Returns
    -------
    complex64 [..., frames, bins] with `frame_count` frames and ``n_fft // 2 + 1`` bins
    """
    return analysis(padded(waveform, n_fft, frame_count(waveform.shape[-1], n_fft)), n_fft)


def waveform(spectrum: tf.Tensor, n_fft: int, samples: int) -> tf.Tensor:
    """The inverse of `spectrum`: float32 [..., samples]."""
    start = n_fft - n_fft // HOPS
    return synthesis(spectrum, n_fft)[..., start : start + samples]
