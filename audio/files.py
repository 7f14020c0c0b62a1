"""Audio files in and out: what a file promises, its samples block by block or at once, and atomic writing.

Arrays are float32 ``[channels, samples]`` at full scale +-1.0. Everything libsndfile reads is read with it, the rest
with ffmpeg where that is on PATH. Memory does not grow with the length of a file, except in `read`.

See Also
--------
audio.integrity : how cut and damaged files are told from whole ones.
audio.resampling : the converter behind ``sample_rate`` and ``channels``.
"""

from collections.abc import Iterator
from contextlib import closing
from math import gcd
from os import PathLike
from typing import Protocol

import numpy as np

from audio.bounds import LIMITS, AudioInfo, Limits, check
from audio.errors import AudioError
from audio.ffmpeg import FfmpegSource, find_ffmpeg
from audio.pcm import pcm16_array, pcm16_bytes
from audio.resampling import Resampler, resampled_length, to_channels
from audio.sndfile import NotAudio, SndfileSource
from audio.writing import write, write_blocks

__all__ = [
    "LIMITS", "AudioError", "AudioInfo", "Limits", "Resampler", "blocks", "pcm16_array", "pcm16_bytes", "probe", "read",
    "to_channels", "write", "write_blocks",
]  # fmt: skip

MAX_SAMPLE = 4.0  # 12 dB beyond full scale: a float file that holds more is scaled otherwise, most often as integers
SEEK_MARGIN_S = 0.1  # decoded before an excerpt, so that codec and resampler have settled when it begins


class Source(Protocol):
    """A decoder at work; `SndfileSource` and `FfmpegSource`."""

    info: AudioInfo
    tolerance_frames: int
    may_hold_nan: bool

    def seek(self, frame: int) -> None: ...

    def read(self, frames: int) -> np.ndarray: ...

    def close(self) -> None: ...


def _open(path: str | PathLike[str], limits: Limits, thorough: bool) -> Source:
    source: Source
    try:
        source = SndfileSource(path, limits, thorough=thorough)
    except NotAudio as error:
        if find_ffmpeg() is None:
            raise AudioError(path, f"{error.reason}; ffmpeg, which reads more, is not on PATH") from None
        source = FfmpegSource(path, limits)
    try:
        check(path, source.info, limits)
    except AudioError:
        source.close()
        raise
    return source


def probe(path: str | PathLike[str], *, limits: Limits = LIMITS) -> AudioInfo:
    """What a file promises, without decoding it.

    Raises
    ------
    AudioError
        The file is missing, empty, not a regular file, not audio, beyond a limit, or its header claims more than its
        bytes hold.
    OSError
        Its disk or the machine fails, which tells nothing about the file.
    """
    with closing(_open(path, limits, thorough=False)) as source:
        return source.info


def blocks(
    path: str | PathLike[str],
    *,
    sample_rate: int | None = None,
    channels: int | None = None,
    block_s: float = 10.0,
    limits: Limits = LIMITS,
) -> Iterator[np.ndarray]:
    """Decode a file block by block; memory does not grow with its length.

    Parameters
    ----------
    sample_rate : Hz to resample to (soxr, high quality); None keeps the file's.
    channels : 1 mixes down by the mean, more copies a mono file; None keeps the file's.
    block_s : seconds decoded at a time; a resampled block is a little shorter or longer.

    Yields
    ------
    np.ndarray [channels, samples], float32, each with samples; a view whose samples are interleaved in memory.

    Raises
    ------
    AudioError
        As `probe`; the file is damaged; after the last block, its decode is shorter than its header promised (by more
        than an encoder's padding, `audio.sndfile.TOLERANCE_FRAMES`) or longer than the limit; a sample is NaN,
        infinite or 12 dB beyond full scale.
    OSError
        As `probe`.
    """
    with closing(_open(path, limits, thorough=True)) as source:
        yield from _convert(path, source, sample_rate, channels, block_s, limits)


def _convert(
    path: str | PathLike[str],
    source: Source,
    sample_rate: int | None,
    channels: int | None,
    block_s: float,
    limits: Limits,
    start: int = 0,
) -> Iterator[np.ndarray]:
    info = source.info
    channels = channels or info.channels
    if channels != info.channels and 1 not in (channels, info.channels):
        raise AudioError(path, f"has {info.channels} channels, from which {channels} cannot be made (1 can)")
    resampler = Resampler(info.sample_rate, sample_rate or info.sample_rate, channels)
    for block in _decode(path, source, max(round(block_s * info.sample_rate), 1), limits, start):
        y = resampler.push(to_channels(block, channels))
        if y.shape[1]:
            yield y
    y = resampler.push(np.empty((channels, 0), np.float32), last=True)
    if y.shape[1]:
        yield y


def _decode(
    path: str | PathLike[str], source: Source, block_frames: int, limits: Limits, start: int
) -> Iterator[np.ndarray]:
    """Blocks at the file's own rate and channels from sample ``start`` on, held against what was promised."""
    info, decoded = source.info, start
    while len(block := source.read(block_frames)):
        if source.may_hold_nan and not (block.max() <= MAX_SAMPLE and block.min() >= -MAX_SAMPLE):  # NaN compares False
            frame, channel = np.argwhere(~(np.abs(block) <= MAX_SAMPLE))[0]
            second = (decoded + int(frame)) / info.sample_rate
            raise AudioError(path, f"holds the sample {block[frame, channel]} at {second:.3f} s; full scale is 1.0")
        decoded += len(block)
        if decoded > limits.max_duration_s * info.sample_rate:
            raise AudioError(path, f"lasts more than {limits.max_duration_s:.0f} s, the most that is read")
        yield block.T
    if decoded + source.tolerance_frames < info.frames:
        raise AudioError(
            path,
            f"is damaged or cut: {decoded / info.sample_rate:.2f} s could be decoded of the {info.duration_s:.2f} s "
            "that its header promises",
        )


def read(
    path: str | PathLike[str],
    *,
    sample_rate: int | None = None,
    channels: int | None = None,
    offset_s: float = 0.0,
    duration_s: float | None = None,
    limits: Limits = LIMITS,
) -> tuple[np.ndarray, int]:
    """Read a file, or an excerpt of it, into memory.

    Parameters
    ----------
    sample_rate, channels : as in `blocks`.
    offset_s, duration_s : the excerpt in seconds; what lies beyond the end is left out. An excerpt is not walked for
        damage outside of it.

    Returns
    -------
    y : np.ndarray [channels, samples], float32, C-contiguous
    sample_rate : int, Hz

    Raises
    ------
    AudioError
        As `blocks`; or ``offset_s`` lies at or beyond the end.
    OSError
        As `probe`.
    """
    if not offset_s >= 0 or (duration_s is not None and not duration_s > 0):
        raise AudioError(path, f"has no excerpt at offset_s={offset_s}, duration_s={duration_s}; 0 or more, above 0")
    whole = offset_s == 0.0 and duration_s is None
    with closing(_open(path, limits, thorough=whole)) as source:
        rate = sample_rate or source.info.sample_rate
        start, first, last = _excerpt(path, source.info, rate, offset_s, duration_s)
        if start:
            source.seek(start)
        block_s = 10.0 if last is None else min(10.0, last / rate + SEEK_MARGIN_S)
        parts: list[np.ndarray] = []
        samples = 0
        for block in _convert(path, source, sample_rate, channels, block_s, limits, start):
            parts.append(block)
            samples += block.shape[1]
            if last is not None and samples >= last:
                break
    y = np.empty((channels or source.info.channels, samples), np.float32)
    at = 0
    while parts:
        part = parts.pop(0)
        y[:, at : at + part.shape[1]] = part
        at += part.shape[1]
    return np.ascontiguousarray(y[:, first:last]), rate


def _excerpt(
    path: str | PathLike[str], info: AudioInfo, rate: int, offset_s: float, duration_s: float | None
) -> tuple[int, int, int | None]:
    """Where to begin decoding (samples of the file), and the excerpt in resampled samples from there.

    It begins a margin early and where a sample of both rates falls together, so that an excerpt equals the same stretch
    of the whole file.
    """
    begin = round(offset_s * rate)
    if begin >= resampled_length(info.frames, info.sample_rate, rate):
        raise AudioError(path, f"lasts {info.duration_s:.2f} s; offset_s={offset_s} lies behind its end")
    step = info.sample_rate // gcd(info.sample_rate, rate)
    start = max(int((offset_s - SEEK_MARGIN_S) * info.sample_rate) // step * step, 0)
    first = begin - start * rate // info.sample_rate
    return start, first, None if duration_s is None else first + round(duration_s * rate)
