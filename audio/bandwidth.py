"""The highest frequency that carries energy: where an encoder's low-pass or an old sample rate ends a recording."""

import numpy as np
import scipy.fft

from audio.mel import hann

# One frame of about 50 ms is looked at every second.
FRAME_S = 0.05
EVERY_S = 1.0
# A band of 250 Hz carries energy if its mean power is at most 80 dB below the strongest band, and above the rounding
# noise of 16-bit audio (-121 dBFS a band at 44.1 kHz, -108 with dither at 8 kHz). What lies above the low-pass of an
# mp3 or the old Nyquist frequency of a well upsampled file is 90 to 110 dB down; dark music reaches 75 dB.
BAND_HZ = 250.0
BAND_RANGE_DB = 80.0
BAND_FLOOR_DBFS = -105.0


class MeanSpectrum:
    """Averages the power spectrum of frames taken from a stream at regular times.

    Parameters
    ----------
    sample_rate : Hz
    channels : channels of every block
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.sample_rate, self.channels = sample_rate, channels
        self.n_fft = 1 << max(round(np.log2(FRAME_S * sample_rate)), 6)
        self._every = round(EVERY_S * sample_rate)
        self._next = (self._every - self.n_fft) // 2  # the edge of a recording sounds like a click
        self._position = 0
        self._rest = np.zeros((channels, 0), np.float32)
        self._power = np.zeros(self.n_fft // 2 + 1)
        self._frames = 0

    def push(self, block: np.ndarray) -> None:
        """Take the next samples: np.ndarray [channels, samples], float32."""
        end = self._position + block.shape[1]
        while self._next + self.n_fft <= end:
            begin = self._next - self._position
            frame = block[:, max(begin, 0) : begin + self.n_fft]
            if begin < 0:
                frame = np.concatenate([self._rest[:, begin:], frame], axis=1)
            self._add(frame)
            self._next += self._every
        tail = block if block.shape[1] >= self.n_fft else np.concatenate([self._rest, block], axis=1)
        self._rest = tail[:, -self.n_fft :].copy()
        self._position = end

    def _add(self, frame: np.ndarray) -> None:
        frame = np.ascontiguousarray(frame, np.float32)
        frame = frame - frame.mean(axis=1, keepdims=True)  # a DC offset is no band
        spectrum = scipy.fft.rfft(frame * hann(self.n_fft), axis=1)
        self._power += np.sum(spectrum.real**2 + spectrum.imag**2, axis=0)
        self._frames += 1

    def finish(self) -> np.ndarray:
        """Mean power a bin, mean over channels: np.ndarray [n_fft // 2 + 1]; it sums to the power of the signal
        without its DC offset.

        A recording too short for one frame is padded with silence.
        """
        if self._frames == 0:
            padded = np.zeros((self.channels, self.n_fft), np.float32)
            padded[:, : self._rest.shape[1]] = self._rest
            self._add(padded)
        hann_power = 3 / 8  # the mean square of the window
        mean = self._power / (self._frames * self.channels * self.n_fft**2 * hann_power)
        mean[1:-1] *= 2
        return mean


def bandwidth(spectrum: np.ndarray, sample_rate: int) -> float:
    """Upper edge, in Hz, of the highest 250 Hz band that carries energy; 0.0 if none does.

    Parameters
    ----------
    spectrum : np.ndarray [bins], power a bin from 0 Hz to half the sample rate, as `MeanSpectrum.finish`
    sample_rate : Hz
    """
    frequencies = np.linspace(0, sample_rate / 2, len(spectrum))
    bands = np.bincount((frequencies[1:-1] // BAND_HZ).astype(int), spectrum[1:-1])
    levels = 10 * np.log10(np.maximum(bands, 1e-30))
    carrying = np.flatnonzero(levels >= max(levels.max() - BAND_RANGE_DB, BAND_FLOOR_DBFS))
    return float(min((carrying[-1] + 1) * BAND_HZ, sample_rate / 2)) if len(carrying) else 0.0
