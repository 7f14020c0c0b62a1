"""Power of short segments of a signal, streamed: what loudness and silence are measured on.

No filter runs over the samples, which would cost more than decoding them. Instead

* the signal is split into the mean of every ``decimation`` samples and the rest around that mean. The two are
  orthogonal, so their powers add up; the rest lies high (mostly above 4 kHz), where K weighting is one number;
* the means are cut into segments of 100 ms with short cross-fades whose squares sum to one, and each is transformed. By
  Parseval's theorem the power of the K-weighted signal is a weighted sum of squares;
* two channels ride in one complex transform: ``|Z(f)|^2 + |Z(-f)|^2 = 2 (|L(f)|^2 + |R(f)|^2)``.
"""

from dataclasses import dataclass

import numpy as np
import pyloudnorm
import scipy.fft
import scipy.signal

SEGMENT_S = 0.1
FADE_S = 0.03
LOWEST_RATE = 11_000  # Hz; the means keep at least so many a second
LOWEST_HZ = 20.0  # what lies below counts as silence
DC_REACH_HZ = 1000.0  # how far the feet of a DC offset are taken away
CANCELLED = 1e-4  # share of the power that float32 leaves of a difference with three digits
BATCH_HOPS = 20  # measured at a time: what the cache holds, and below what OpenBLAS starts threads for
# ITU-R BS.1770-4, table 3: left, right, centre, two surrounds; with six channels and more the fourth is the LFE.
CHANNEL_GAINS = (1.0, 1.0, 1.0, 1.41, 1.41)


@dataclass(frozen=True)
class Powers:
    """What `Segments` measured; 1.0 is the power of a square wave at full scale.

    Attributes
    ----------
    k_power : np.ndarray [segments], K-weighted power, summed over channels with BS.1770's gains.
    power : np.ndarray [segments], power above 20 Hz, mean over channels.
    """

    k_power: np.ndarray
    power: np.ndarray


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
    hop : samples between segments, 100 ms give or take ``decimation / 2``.
    decimation : samples in a mean.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.channels = channels
        self.decimation = max(sample_rate // LOWEST_RATE, 1)
        rate = sample_rate / self.decimation
        self._hop = max(round(SEGMENT_S * rate), 1)
        self.hop = self._hop * self.decimation
        fade = round(FADE_S * rate)
        self._size = self._hop + fade
        self._window = np.ones(self._size, np.float32)
        self._window[:fade] = np.sin(np.pi / 2 * (np.arange(fade) + 0.5) / fade)
        self._window[self._size - fade :] = self._window[:fade][::-1]
        self._transform = scipy.fft.fft if channels == 2 else scipy.fft.rfft
        self._n_fft = scipy.fft.next_fast_len(self._size, real=channels != 2)
        dtype = np.complex64 if channels == 2 else np.float32
        window_spectrum = self._transform(self._window.astype(dtype), self._n_fft)
        self._set_weights(sample_rate, rate, len(window_spectrum))
        reach = int(DC_REACH_HZ * self._n_fft / rate)
        self._dc_bins = [slice(0, reach)]
        if channels == 2:
            self._dc_bins.append(slice(self._n_fft - reach, self._n_fft))
        self._dc = window_spectrum / window_spectrum[0].real
        self._gains = channel_gains(channels)
        self._samples = 0
        self._partial, self._filled = np.zeros((self.hop, channels), np.float32), 0  # a hop that is not full
        self._means = np.zeros((self._size + BATCH_HOPS * self._hop, channels), np.float32)
        self._waiting = fade // 2  # means whose segment is not full; before the recording there is silence
        self._low: list[np.ndarray] = []
        self._high: list[np.ndarray] = []

    def _set_weights(self, sample_rate: int, rate: float, bins: int) -> None:
        """What K weighting does to the power of a bin of the means, and to that of the rest around them.

        A tone leaves the share ``kept`` of its power in the means and the rest of it around them, where it is weighted
        by one number: the means get what is missing.
        """
        frequencies = np.minimum(np.arange(bins), self._n_fft - np.arange(bins)) * rate / self._n_fft
        self._high_weight = 0.0
        kept = np.ones(bins)
        if self.decimation > 1:
            above = np.linspace(rate / 2, sample_rate / 2, 64, endpoint=False)
            self._high_weight = float(k_weighting(sample_rate, above).mean())
            phase = np.maximum(np.pi * frequencies / sample_rate, 1e-12)
            kept = (np.sin(self.decimation * phase) / (self.decimation * np.sin(phase))) ** 2
        k_weights = (k_weighting(sample_rate, frequencies) - self._high_weight * (1 - kept)) / kept
        scale = np.full(bins, 1.0 / (self._hop * self._n_fft))
        if self.channels != 2:
            scale[1 : (self._n_fft + 1) // 2] *= 2
        weights = scale * np.stack([k_weights, frequencies >= LOWEST_HZ])
        self._weights = np.repeat(weights.T, 2, axis=0).astype(np.float32)  # real and imaginary parts weigh alike

    def push(self, block: np.ndarray) -> None:
        """Take the next samples: np.ndarray [channels, samples], float32."""
        frames = block.T
        self._samples += len(frames)
        begin = 0
        if self._filled:
            begin = min(self.hop - self._filled, len(frames))
            self._partial[self._filled : self._filled + begin] = frames[:begin]
            self._filled += begin
            if self._filled < self.hop:
                return
            self._measure(self._partial, 1)
        whole = (len(frames) - begin) // self.hop
        for hop in range(0, whole, BATCH_HOPS):
            hops = min(BATCH_HOPS, whole - hop)
            first = begin + hop * self.hop
            self._measure(np.ascontiguousarray(frames[first : first + hops * self.hop], np.float32), hops)
        left = frames[begin + whole * self.hop :]
        self._partial[: len(left)] = left
        self._filled = len(left)

    def _measure(self, samples: np.ndarray, hops: int) -> None:
        """Take whole hops of interleaved samples, at most `BATCH_HOPS`."""
        high = np.zeros((hops, 2))
        end = self._waiting + hops * self._hop
        means = self._means[self._waiting : end]
        for signal, mean, gain in zip(self._signals(samples), self._signals(means), self._gains, strict=False):
            parts = signal.reshape(-1, self.decimation)
            if self.decimation == 1:
                mean[:] = signal
                continue
            np.add(parts[:, 0], parts[:, 1], out=mean)
            for k in range(2, self.decimation):
                mean += parts[:, k]
            mean *= np.float32(1 / self.decimation)
            high += self._rest_power(parts, mean, hops)[:, np.newaxis] * (self._high_weight * gain, 1.0)
        self._high.append(high)
        count = max((end - self._size) // self._hop + 1, 0)
        if count:
            self._low.append(self._spectral(self._means[:end], count))
        self._waiting = end - count * self._hop
        self._means[: self._waiting] = self._means[count * self._hop : end].copy()

    def _rest_power(self, parts: np.ndarray, mean: np.ndarray, hops: int) -> np.ndarray:
        """Power around the means: np.ndarray [hops]; `parts` is [means, decimation], `mean` [means]."""
        total = _energy(parts, hops)
        rest = total - self.decimation * _energy(mean, hops)
        for hop in np.flatnonzero(rest < CANCELLED * total):  # a DC offset or a low tone: the difference is rounding
            span = slice(hop * self._hop, (hop + 1) * self._hop)
            rest[hop] = _energy(parts[span] - mean[span, np.newaxis], 1)[0]
        return rest / self.hop

    def _signals(self, samples: np.ndarray) -> list[np.ndarray]:
        """Views of interleaved samples: the two channels of stereo as one complex signal, else each channel."""
        return [samples.view(np.complex64)[:, 0]] if self.channels == 2 else list(samples.T)

    def _spectral(self, means: np.ndarray, count: int) -> np.ndarray:
        """K-weighted and plain power of ``count`` segments of means: np.ndarray [count, 2]."""
        powers = np.zeros((count, 2))
        for signal, gain in zip(self._signals(means), self._gains, strict=False):
            step = signal.strides[0]
            cut = np.lib.stride_tricks.as_strided(
                signal, (count, self._size), (self._hop * step, step), writeable=False
            )
            spectrum = self._transform(cut * self._window, self._n_fft, axis=1)
            dc = spectrum[:, :1].copy()
            for bins in self._dc_bins:
                spectrum[:, bins] -= dc * self._dc[bins]
            components = spectrum.view(np.float32)
            np.square(components, out=components)
            powers += (components @ self._weights) * (gain, 1.0)
        return powers

    def finish(self) -> Powers:
        """Close the stream: the last segment is filled up with silence, or left out where it is not half full."""
        if self._samples == 0:
            raise ValueError("no samples were given")
        count = max(round(self._samples / self.hop), 1)
        samples = self._samples
        self.push(np.zeros((self.channels, 2 * self.hop - samples % self.hop), np.float32))
        powers = np.concatenate(self._low)[:count] + np.concatenate(self._high)[:count]
        powers *= max(self.hop / samples, 1.0)
        return Powers(powers[:, 0], powers[:, 1] / self.channels)


def _energy(signal: np.ndarray, parts: int) -> np.ndarray:
    """Sum of squared magnitudes of equal parts of a signal: np.ndarray [parts], float64."""
    values = np.ascontiguousarray(signal).view(np.float32).reshape(parts, -1)
    return np.vecdot(values, values).astype(np.float64)
