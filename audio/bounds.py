"""What an audio file may be at most, and what it says it is: checked before anything is decoded."""

import os
import stat
from dataclasses import dataclass
from os import PathLike

from audio.errors import PASSING, AudioError, naming


@dataclass(frozen=True)
class Limits:
    """Bounds on a file; one that crosses them is refused with an `AudioError`.

    Attributes
    ----------
    max_duration_s : seconds, checked on the header and again while decoding.
    max_channels : channels.
    min_sample_rate, max_sample_rate : Hz, both allowed.
    max_bytes : size of the file.
    """

    max_duration_s: float = 4 * 3600.0
    max_channels: int = 8
    min_sample_rate: int = 4000
    max_sample_rate: int = 384_000
    max_bytes: int = 4 << 30


LIMITS = Limits()


@dataclass(frozen=True)
class AudioInfo:
    """What a file promises.

    Attributes
    ----------
    sample_rate : Hz.
    channels : channels.
    frames : samples a channel, as the header says, or counted where the format has no such field.
    duration_s : ``frames / sample_rate``.
    container : lower-case name of the file format (``wav``, ``mp3``, ``ogg``, ``flac``, ``mov``...).
    """

    sample_rate: int
    channels: int
    frames: int
    duration_s: float
    container: str


def open_regular(path: str | PathLike[str], limits: Limits = LIMITS) -> int:
    """Open a regular file for reading and return its descriptor, which the caller closes.

    Nothing blocks: a FIFO or a device is opened without waiting for a writer, seen and refused.

    Raises
    ------
    AudioError
        The file is missing, unreadable, not a regular file, empty, or larger than ``limits.max_bytes``.
    OSError
        The disk or the machine fails (`audio.errors.PASSING`).
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        raise AudioError(path, "does not exist") from None
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in PASSING:
            raise
        raise AudioError(path, f"cannot be opened: {getattr(error, 'strerror', None) or error}") from None
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise AudioError(path, "is a folder, not an audio file")
        if not stat.S_ISREG(status.st_mode):
            raise AudioError(path, "is not a regular file (a pipe, socket or device)")
        if status.st_size == 0:
            raise AudioError(path, "is empty (0 bytes)")
        if status.st_size > limits.max_bytes:
            raise AudioError(path, f"has {status.st_size} bytes; at most {limits.max_bytes} are read")
    except AudioError:
        os.close(descriptor)
        raise
    return descriptor


def check_readable(path: str | PathLike[str]) -> None:
    """Read a file that a decoder gave up, to its end: the disk may have failed, which no decoder tells from damage.

    Raises
    ------
    OSError
        The file's bytes cannot be read.
    """
    with naming(path), open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


def check(path: str | PathLike[str], info: AudioInfo, limits: Limits) -> None:
    """Hold what a header says against the limits.

    Raises
    ------
    AudioError
        A value is out of bounds, or the file holds no samples.
    """
    if not limits.min_sample_rate <= info.sample_rate <= limits.max_sample_rate:
        raise AudioError(
            path,
            f"has a sample rate of {info.sample_rate} Hz; it must be from {limits.min_sample_rate} to "
            f"{limits.max_sample_rate} Hz",
        )
    if not 1 <= info.channels <= limits.max_channels:
        raise AudioError(path, f"has {info.channels} channels; it must have from 1 to {limits.max_channels}")
    if info.frames <= 0:
        raise AudioError(path, "holds no samples")
    if info.duration_s > limits.max_duration_s:
        raise AudioError(path, f"says it lasts {info.duration_s:.0f} s; at most {limits.max_duration_s:.0f} s are read")
