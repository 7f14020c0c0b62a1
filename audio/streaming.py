"""Frames of a stream in numpy: a hop in, a spectrum out; a masked spectrum in, a hop out.

Conventions
-----------
Frames are windowed by the square root of a periodic Hann window before and after, and overlap by half, so that an
unmasked stream comes out as it went in, later by a frame less a hop. Nothing here knows TensorFlow: this is the
host's side of a streaming model, whose inverse transform no TFLite operator holds.
"""

import numpy as np

HOPS = 2
"""Frames that a sample lies in."""


def sqrt_hann(n_fft: int) -> np.ndarray:
    """Analysis and synthesis window, float32 [n_fft]: ``sin(pi n / n_fft)``."""
    return np.sin(np.pi * np.arange(n_fft) / n_fft).astype(np.float32)


class StreamingFrames:
    """The transform of one stream; its only memory is what of the last frames is not over yet.

    Parameters
    ----------
    n_fft : samples in a frame, even

    Attributes
    ----------
    hop : samples that go in and come out at a time.
    delay : samples by which the output is later than the input.
    """

    def __init__(self, n_fft: int) -> None:
        self.n_fft, self.hop = n_fft, n_fft // HOPS
        self.delay = n_fft - self.hop
        self._window = sqrt_hann(n_fft)
        self._heard = np.zeros(n_fft, np.float32)
        self._pending = np.zeros(n_fft, np.float32)

    def analyse(self, block: np.ndarray) -> np.ndarray:
        """Take the next `hop` samples; gives the spectrum of the frame that ends with them, complex64 [bins]."""
        self._heard = np.concatenate([self._heard[self.hop :], block.astype(np.float32)])
        return np.fft.rfft(self._heard * self._window).astype(np.complex64)

    def synthesise(self, spectrum: np.ndarray) -> np.ndarray:
        """Take the frame's spectrum back, complex [bins]; gives the `hop` samples that are final, float32."""
        self._pending += np.fft.irfft(spectrum, self.n_fft).astype(np.float32) * self._window
        done = self._pending[: self.hop].copy()
        self._pending = np.concatenate([self._pending[self.hop :], np.zeros(self.hop, np.float32)])
        return done
