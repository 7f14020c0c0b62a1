"""Channels and sample rates, block by block."""

from math import gcd

import numpy as np
import soxr


def to_channels(y: np.ndarray, channels: int) -> np.ndarray:
    """Change the number of channels: down to one by the mean, up from one by copying.

    Parameters
    ----------
    y : np.ndarray [channels in, samples], float32
    channels : channels out

    Returns
    -------
    np.ndarray [channels, samples], float32; ``y`` itself where nothing is to be done.

    Raises
    ------
    ValueError
        Several channels to several others, which has no one meaning.
    """
    if y.shape[0] == channels:
        return y
    if channels == 1:
        if y.shape[0] == 2:
            return ((y[0] + y[1]) * np.float32(0.5))[np.newaxis]
        return np.asarray(np.mean(y, axis=0, keepdims=True, dtype=np.float32))
    if y.shape[0] == 1:
        return np.repeat(y, channels, axis=0)
    raise ValueError(f"channels={channels} cannot be made of {y.shape[0]}: mix down to 1 or keep {y.shape[0]}")


def resampled_length(frames: int, in_rate: int, out_rate: int) -> int:
    """Samples that `Resampler` gives for ``frames`` samples: ``frames * out_rate / in_rate``, halves rounded up."""
    return (2 * frames * out_rate + in_rate) // (2 * in_rate)


class Resampler:
    """A streaming sample-rate converter (soxr, high quality): blocks in, blocks out, no seam between them.

    Equal to resampling the joined blocks at once: the delay of the filter is taken out, and all outputs together have
    `resampled_length` samples. Same rates pass through untouched.

    Parameters
    ----------
    in_rate, out_rate : Hz
    channels : channels of every block
    """

    def __init__(self, in_rate: int, out_rate: int, channels: int) -> None:
        self.in_rate, self.out_rate, self.channels = in_rate, out_rate, channels
        divisor = gcd(in_rate, out_rate)
        self._stream = None
        if in_rate != out_rate:
            self._stream = soxr.ResampleStream(
                in_rate // divisor, out_rate // divisor, channels, dtype="float32", quality="HQ"
            )

    def push(self, block: np.ndarray, last: bool = False) -> np.ndarray:
        """Give the next samples and take what is ready.

        Parameters
        ----------
        block : np.ndarray [channels, samples], float32; may hold no samples
        last : no block follows; the rest comes out

        Returns
        -------
        np.ndarray [channels, samples out], float32; a view whose samples are interleaved in memory.
        """
        if block.ndim != 2 or block.shape[0] != self.channels:
            raise ValueError(f"block has shape {block.shape}; [{self.channels}, samples] is expected")
        if self._stream is None:
            return block
        return self._stream.resample_chunk(np.ascontiguousarray(block.T, dtype=np.float32), last=last).T
