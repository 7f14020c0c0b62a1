"""Writing audio files that are either whole or not there."""

import io
import os
import secrets
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

import numpy as np
import soundfile

from audio.errors import FULL, AudioError, naming
from audio.pcm import pcm16_bytes

BLOCK_FRAMES = 1 << 15  # libsndfile's Vorbis encoder overflows its stack on much longer writes
FORMATS = {
    ".wav": "WAV", ".flac": "FLAC", ".mp3": "MP3", ".ogg": "OGG", ".opus": "OGG", ".aiff": "AIFF", ".aif": "AIFF",
    ".caf": "CAF", ".au": "AU", ".w64": "W64",
}  # fmt: skip
_MORE_BYTES = 2 << 20  # more than libsndfile writes at once
LOSSY = {".mp3": "MPEG_LAYER_III", ".ogg": "VORBIS", ".opus": "OPUS"}


def write(path: str | PathLike[str], y: np.ndarray, *, sample_rate: int, subtype: str = "PCM_16") -> None:
    """Write an audio file in the format of its suffix, atomically; see `write_blocks`.

    Parameters
    ----------
    y : np.ndarray [channels, samples], float; integer subtypes clip beyond +-1.0
    """
    if y.ndim != 2 or y.shape[0] < 1:
        raise AudioError(path, f"cannot hold an array of shape {y.shape}; [channels, samples] is expected")
    write_blocks(path, [y], sample_rate=sample_rate, channels=y.shape[0], subtype=subtype)


def write_blocks(
    path: str | PathLike[str],
    blocks: Iterable[np.ndarray],
    *,
    sample_rate: int,
    channels: int,
    subtype: str = "PCM_16",
) -> None:
    """Write an audio file in the format of its suffix block by block, atomically.

    The samples go to a temporary file in the same folder, which is flushed to the disk and renamed. Whatever happens on
    the way, in `blocks` too, ``path`` holds the old content or the new.

    Parameters
    ----------
    blocks : np.ndarray [channels, samples] each, float; integer subtypes clip beyond +-1.0
    sample_rate : Hz
    channels : channels of every block
    subtype : libsndfile's name of the sample format (``PCM_16``, ``PCM_24``, ``FLOAT``...); formats that are always
        lossy (mp3, ogg, opus) have one of their own instead of ``PCM_16``.

    Raises
    ------
    AudioError
        The suffix or the combination is unknown, a block has another shape or a value that is not a number, or the file
        cannot be written.
    OSError
        The disk is full; it names `path`.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in FORMATS:
        raise AudioError(path, f"has the suffix {suffix!r}; audio is written as {', '.join(FORMATS)}")
    if subtype == "PCM_16":
        subtype = LOSSY.get(suffix, subtype)
    if not soundfile.check_format(FORMATS[suffix], subtype):
        raise AudioError(path, f"cannot hold subtype={subtype!r}")
    # Fifty characters of UTF-8 and what is added here are no longer than a name may be.
    temporary = target.with_name(f".{target.stem[:50]}-{secrets.token_hex(8)}.part")
    try:
        with naming(path, temporary):
            descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            try:
                with os.fdopen(descriptor, "r+b", buffering=0) as raw:
                    try:
                        _encode(raw.fileno(), path, blocks, sample_rate, channels, subtype)
                    except soundfile.SoundFileError:
                        _grow(raw)
                        raise
                    os.fsync(raw.fileno())
                os.replace(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in FULL:
            raise
        raise AudioError(path, f"cannot be written: {error.strerror or error}") from None
    except soundfile.SoundFileError as error:
        raise AudioError(path, f"cannot be written: {error}") from None


def _encode(
    descriptor: int,
    path: str | PathLike[str],
    blocks: Iterable[np.ndarray],
    sample_rate: int,
    channels: int,
    subtype: str,
) -> None:
    """Write `blocks`, and read the end again.

    libsndfile does not tell what it could not write when it closed a file: of FLAC, Ogg and MP3 the last block.

    Raises
    ------
    soundfile.SoundFileError
        The file cannot be written, or its end is not there.
    """
    container = FORMATS[Path(path).suffix.lower()]
    frames = 0
    with soundfile.SoundFile(descriptor, "w", sample_rate, channels, subtype, format=container, closefd=False) as file:
        for block in blocks:
            _check(path, block, channels)
            for start in range(0, block.shape[1], BLOCK_FRAMES):
                file.write(_interleaved(block[:, start : start + BLOCK_FRAMES], subtype))
            frames += block.shape[1]
    os.lseek(descriptor, 0, os.SEEK_SET)
    with soundfile.SoundFile(descriptor, closefd=False) as file:
        file.seek(max(0, file.frames - BLOCK_FRAMES))
        there = file.tell() + len(file.read(BLOCK_FRAMES))
    if there < frames:
        raise soundfile.SoundFileError(f"{frames} samples were written, {there} are there")


def _grow(raw: io.RawIOBase) -> None:
    """Ask the system itself whether a file can grow, since libsndfile does not tell what is wrong.

    Raises
    ------
    OSError
        It cannot.
    """
    raw.seek(0, os.SEEK_END)
    more = _MORE_BYTES
    while more > 0:  # a full disk takes a part first
        more -= raw.write(bytes(more)) or 0


def _check(path: str | PathLike[str], block: np.ndarray, channels: int) -> None:
    if block.ndim != 2 or block.shape[0] != channels:
        raise AudioError(path, f"cannot hold a block of shape {block.shape}; channels={channels}")
    if not np.isfinite(block).all():
        raise AudioError(path, "was not written: a sample is not a number")


def _interleaved(y: np.ndarray, subtype: str) -> np.ndarray:
    """Samples for libsndfile: np.ndarray [samples, channels].

    16-bit samples are rounded here: libsndfile multiplies by 32767 and divides by 32768, so that what was read would be
    written as something else.
    """
    if subtype == "PCM_16":
        return np.frombuffer(pcm16_bytes(y), "<i2").reshape(-1, y.shape[0]).astype(np.int16)
    return np.ascontiguousarray(y.T, dtype=np.float32)
