"""Scalars that describe a recording, so that statistics of a library can see its audio.

All are measured on the samples as decoded, at the recording's own rate and channels, before any mixdown or resampling;
tempo and key on a mono excerpt of at most 30 s at 16 kHz. Memory does not grow with the recording.
"""

from dataclasses import dataclass
from os import PathLike

import numpy as np
import soxr

from audio import files, loudness, rhythm, tonality
from audio.bandwidth import MeanSpectrum, bandwidth
from audio.bounds import LIMITS, Limits
from audio.segments import Segments

PEAK_FLOOR_DBFS = -120.0
CLIP_LEVEL = 32767 / 32768  # the largest value of 16-bit audio; beyond it in float and lossy audio
SILENCE_DBFS = -60.0
EXCERPT_S = 30.0


@dataclass(frozen=True)
class Descriptors:
    """What was measured.

    Attributes
    ----------
    duration_s : seconds that were decoded.
    original_sample_rate : Hz, before any resampling.
    channels : before any mixdown.
    loudness_lufs : integrated loudness (ITU-R BS.1770-4), -70 for silence.
    peak_dbfs : largest absolute sample, 0 at full scale, at least -120; lossy and float audio may exceed 0.
    clipped_share : samples at or beyond `CLIP_LEVEL`, of all samples of all channels, 0 to 1.
    dc_offset : mean of the samples, of the channel where it is largest; -1 to 1.
    silence_share : 100 ms frames whose level above 20 Hz (RMS over channels) is below -60 dBFS, 0 to 1.
    bandwidth_hz : highest frequency carrying energy, in steps of 250 Hz; 0 for silence. It shows the low-pass of a
        lossy encoder and the old rate of an upsampled file.
    tempo_bpm : beats a minute, 0 if there are none; None if not asked for.
    key : like ``C major``; None if not asked for or without pitch.
    """

    duration_s: float
    original_sample_rate: int
    channels: int
    loudness_lufs: float
    peak_dbfs: float
    clipped_share: float
    dc_offset: float
    silence_share: float
    bandwidth_hz: float
    tempo_bpm: float | None
    key: str | None


class DescriptorSet:
    """Measures a recording that comes block by block.

    Parameters
    ----------
    sample_rate : Hz, of the blocks
    channels : of every block
    frames : samples a channel the recording will have (`audio.files.AudioInfo.frames`), so that tempo and key are taken
        from its middle; from its beginning where None.
    tempo_and_key : measure these too; they cost about as much as all others together.
    """

    def __init__(
        self, sample_rate: int, channels: int, *, frames: int | None = None, tempo_and_key: bool = True
    ) -> None:
        self.sample_rate, self.channels = sample_rate, channels
        self._segments = Segments(sample_rate, channels)
        self._spectrum = MeanSpectrum(sample_rate, channels)
        self._samples = self._clipped = 0
        self._peak = 0.0
        self._total = np.zeros(channels)
        excerpt = round(EXCERPT_S * sample_rate) if tempo_and_key else 0
        self._excerpt_begin = max((frames or 0) - excerpt, 0) // 2
        self._excerpt_end = self._excerpt_begin + excerpt
        self._excerpt: list[np.ndarray] = []

    def update(self, block: np.ndarray) -> None:
        """Take the next samples.

        Parameters
        ----------
        block : np.ndarray [channels, samples], float32; fastest where samples are interleaved in memory, as
            `audio.files.blocks` gives them
        """
        if block.shape[1] == 0:
            return
        peak = max(float(block.max()), -float(block.min()))
        self._peak = max(self._peak, peak)
        if peak >= CLIP_LEVEL:
            self._clipped += int(np.count_nonzero(np.abs(block) >= CLIP_LEVEL))
        self._total += _sums(block)
        begin, end = self._excerpt_begin - self._samples, self._excerpt_end - self._samples
        if max(begin, 0) < min(end, block.shape[1]):
            self._excerpt.append(files.to_channels(block[:, max(begin, 0) : end], 1)[0])
        self._samples += block.shape[1]
        self._segments.push(block)
        self._spectrum.push(block)

    def result(self) -> Descriptors:
        """The descriptors, after the last block.

        Raises
        ------
        ValueError
            No samples were given.
        """
        powers = self._segments.finish()
        mean = self._total / self._samples
        tempo_bpm = key = None
        if self._excerpt:
            excerpt = np.concatenate(self._excerpt)
            if self.sample_rate != rhythm.SAMPLE_RATE:
                excerpt = soxr.resample(excerpt, self.sample_rate, rhythm.SAMPLE_RATE)
            tempo_bpm, key = rhythm.tempo(excerpt), tonality.key(excerpt)
        return Descriptors(
            duration_s=self._samples / self.sample_rate,
            original_sample_rate=self.sample_rate,
            channels=self.channels,
            loudness_lufs=loudness.integrated(powers.k_power),
            peak_dbfs=max(float(20 * np.log10(max(self._peak, 1e-30))), PEAK_FLOOR_DBFS),
            clipped_share=self._clipped / (self._samples * self.channels),
            dc_offset=float(mean[np.argmax(np.abs(mean))]),
            silence_share=float(np.mean(10 * np.log10(np.maximum(powers.power, 1e-30)) < SILENCE_DBFS)),
            bandwidth_hz=bandwidth(self._spectrum.finish(), self.sample_rate),
            tempo_bpm=tempo_bpm,
            key=key,
        )


def _sums(block: np.ndarray) -> np.ndarray:
    """Sum of each channel: np.ndarray [channels]; two interleaved channels are summed as complex numbers."""
    if block.shape[0] == 2 and block.T.flags.c_contiguous and block.dtype == np.float32:
        total = block.T.view(np.complex64).sum()
        return np.array([total.real, total.imag])
    return block.sum(axis=1)


def describe(path: str | PathLike[str], *, tempo_and_key: bool = True, limits: Limits = LIMITS) -> Descriptors:
    """Decode a file once and measure it.

    Raises
    ------
    audio.errors.AudioError
        As `audio.files.blocks`.
    """
    info = files.probe(path, limits=limits)
    descriptors = DescriptorSet(info.sample_rate, info.channels, frames=info.frames, tempo_and_key=tempo_and_key)
    for block in files.blocks(path, limits=limits):
        descriptors.update(block)
    return descriptors.result()
