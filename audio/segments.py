"""Power of short segments of a signal, streamed: what loudness, silence and bandwidth are measured on.

The signal is cut into segments of 100 ms with short cross-fades whose squares sum to one, and each segment is
transformed once. By Parseval's theorem the power of the K-weighted signal is then a weighted sum of squares, so that
no filter runs over the samples: about a third of the cost of the recursive filter at 44.1 kHz. Two channels ride in
one complex transform: ``|Z(f)|^2 + |Z(-f)|^2 = 2 (|L(f)|^2 + |R(f)|^2)``.
"""

from dataclasses import dataclass

import numpy as np
import pyloudnorm
import scipy.fft
import scipy.signal

SEGMENT_S = 0.1
FADE_S = 0.03
LOWEST_HZ = 20.0  # what lies below (a DC offset) counts as silence
SPECTRUM_EVERY = 4  # of the segments, one in so many goes into the mean spectrum
BATCH_SAMPLES = 1 << 16  # transformed at a time: what the cache holds, and below what OpenBLAS starts threads for
# ITU-R BS.1770-4, table 3: left, right, centre, two surrounds; with six channels and more the fourth is the LFE.
CHANNEL_GAINS = (1.0, 1.0, 1.0, 1.41, 1.41)


@dataclass(frozen=True)
class Powers:
    """What `Segments` measured; 1.0 is the power of a square wave at full scale.

    Attributes
    ----------
    k_power : np.ndarray [segments], K-weighted power, summed over channels with BS.1770's gains.
    power : np.ndarray [segments], power above 20 Hz, mean over channels.
    frequencies : np.ndarray [bins], Hz, from 0 to half the sample rate.
    spectrum : np.ndarray [bins], mean power a bin, mean over channels; sums to the mean power of the signal.
    """

    k_power: np.ndarray
    power: np.ndarray
    frequencies: np.ndarray
    spectrum: np.ndarray


def channel_gains(channels: int) -> np.ndarray:
    """Weight of each channel's power in the loudness: np.ndarray [channels]."""
    if channels <= len(CHANNEL_GAINS):
        return np.array(CHANNEL_GAINS[:channels])
    return np.array((1.0, 1.0, 1.0, 0.0) + (1.41,) * (channels - 4))


def k_weighting(sample_rate: int, frequencies: np.ndarray) -> np.ndarray:
    """Power response of BS.1770's K weighting, with pyloudnorm's filter coefficients.

    Parameters
    ----------
    sample_rate : Hz
    frequencies : np.ndarray [n], Hz

    Returns
    -------
    np.ndarray [n], ``|H(f)|^2``
    """
    response = np.ones(len(frequencies))
    for stage in pyloudnorm.Meter(sample_rate)._filters.values():
        response *= np.abs(scipy.signal.freqz(stage.b, stage.a, worN=frequencies, fs=sample_rate)[1]) ** 2
    return response


class Segments:
    """Cuts a stream into segments and measures their power.

    Parameters
    ----------
    sample_rate : Hz
    channels : channels of every block

    Attributes
    ----------
    hop : samples between segments.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.sample_rate, self.channels = sample_rate, channels
        self.hop = max(round(SEGMENT_S * sample_rate), 1)
        fade = round(FADE_S * sample_rate)
        self.size = self.hop + fade
        self._n_fft = scipy.fft.next_fast_len(self.size, real=channels != 2)
        self._window = np.ones(self.size, np.float32)
        self._window[:fade] = np.sin(np.pi / 2 * (np.arange(fade) + 0.5) / fade)
        self._window[self.size - fade :] = self._window[:fade][::-1]
        bins = np.arange(self._n_fft) if channels == 2 else np.arange(self._n_fft // 2 + 1)
        self._frequencies = np.minimum(bins, self._n_fft - bins) * sample_rate / self._n_fft
        scale = np.full(len(bins), 1.0 / (self.hop * self._n_fft))
        if channels != 2:
            scale[1 : (self._n_fft + 1) // 2] *= 2
        heard = [k_weighting(sample_rate, self._frequencies), self._frequencies >= LOWEST_HZ]
        weights = scale * np.stack(heard)  # of real and imaginary part alike
        self._weights = np.repeat(weights.T, 2, axis=0).astype(np.float32)
        self._scale = scale
        self._gains = channel_gains(channels)
        self._spectrum = np.zeros(2 * len(bins))
        self._spectrum_count = self._count = 0
        self._closing = False
        self._samples = 0
        self._rest = np.zeros((fade // 2, channels), np.float32)
        self._powers: list[np.ndarray] = []

    def push(self, block: np.ndarray) -> None:
        """Take the next samples: np.ndarray [channels, samples], float32."""
        self._samples += block.shape[1]
        joined = np.concatenate([self._rest, block.T], dtype=np.float32)
        count = max((len(joined) - self.size) // self.hop + 1, 0)
        batch = max(BATCH_SAMPLES // self._n_fft, 1)
        for start in range(0, count, batch):
            self._measure(joined[start * self.hop :], min(batch, count - start))
        self._rest = joined[count * self.hop :].copy()

    def _measure(self, joined: np.ndarray, count: int) -> None:
        signals = [joined.view(np.complex64)[:, 0]] if self.channels == 2 else list(joined.T)
        transform = scipy.fft.fft if self.channels == 2 else scipy.fft.rfft
        powers = np.zeros((count, 2))
        # Segments at the ends of the recording hold its edges, which sound like clicks: they are not sampled.
        first = (SPECTRUM_EVERY // 2 - self._count) % SPECTRUM_EVERY
        sampled = slice(first, 0 if self._closing else count, SPECTRUM_EVERY)
        if self._closing and self._spectrum_count == 0:
            sampled = slice(0, count)  # a recording of a few segments
        for signal, gain in zip(signals, self._gains, strict=False):
            cut = np.lib.stride_tricks.as_strided(
                signal, (count, self.size), (self.hop * signal.strides[0], signal.strides[0]), writeable=False
            )
            spectrum = transform(cut * self._window, n=self._n_fft, axis=1).view(np.float32)
            np.square(spectrum, out=spectrum)
            powers += (spectrum @ self._weights) * (gain, 1.0)
            self._spectrum += spectrum[sampled].sum(axis=0)
        self._spectrum_count += len(range(*sampled.indices(count)))
        self._powers.append(powers)
        self._count += count

    def finish(self) -> Powers:
        """Close the stream: the last segment is filled up with silence, or left out where it is not half full."""
        if self._samples == 0:
            raise ValueError("no samples were given")
        count = max(round(self._samples / self.hop), 1)
        missing = (count - self._count - 1) * self.hop + self.size - len(self._rest)
        samples, self._closing = self._samples, True
        self.push(np.zeros((self.channels, max(missing, 0)), np.float32))
        powers = np.concatenate(self._powers)[:count] * max(self.hop / samples, 1.0)
        pairs = self._spectrum.reshape(-1, 2).sum(axis=1) * self._scale / (self._spectrum_count * self.channels)
        if self.channels == 2:
            half = self._n_fft // 2 + 1
            folded = pairs[:half].copy()
            folded[1 : (self._n_fft + 1) // 2] += pairs[: self._n_fft // 2 : -1]
            pairs = folded
        return Powers(powers[:, 0], powers[:, 1] / self.channels, self._frequencies[: len(pairs)], pairs)
