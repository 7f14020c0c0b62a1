"""Writing audio files that are either whole or not there."""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

import numpy as np
import soundfile

from audio.errors import AudioError
from audio.pcm import pcm16_bytes

BLOCK_FRAMES = 1 << 15  # libsndfile's Vorbis encoder overflows its stack on much longer writes
FORMATS = {
    ".wav": "WAV", ".flac": "FLAC", ".mp3": "MP3", ".ogg": "OGG", ".opus": "OGG", ".aiff": "AIFF", ".aif": "AIFF",
    ".caf": "CAF", ".au": "AU", ".w64": "W64",
}  # fmt: skip
_MORE = 1 << 20  # bytes; more than a block takes
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
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in FORMATS:
        raise AudioError(path, f"has the suffix {suffix!r}; audio is written as {', '.join(FORMATS)}")
    if subtype == "PCM_16":
        subtype = LOSSY.get(suffix, subtype)
    if not soundfile.check_format(FORMATS[suffix], subtype):
        raise AudioError(path, f"cannot hold subtype={subtype!r}")
    try:
        temporary = target.with_name(f".{target.stem[:100]}-{secrets.token_hex(8)}.part")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    except OSError as error:
        raise AudioError(path, f"cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "r+b") as raw, _system_errors(descriptor):
            with soundfile.SoundFile(
                raw.fileno(), "w", sample_rate, channels, subtype, format=FORMATS[suffix], closefd=False
            ) as file:
                for block in blocks:
                    if block.ndim != 2 or block.shape[0] != channels:
                        raise AudioError(path, f"cannot hold a block of shape {block.shape}; channels={channels}")
                    if not np.isfinite(block).all():
                        raise AudioError(path, "was not written: a sample is not a number")
                    for start in range(0, block.shape[1], BLOCK_FRAMES):
                        file.write(_interleaved(block[:, start : start + BLOCK_FRAMES], subtype))
            os.fsync(raw.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise AudioError(path, f"cannot be written: {error.strerror}") from None
    except soundfile.SoundFileError as error:
        raise AudioError(path, f"cannot be written: {error}") from None
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _system_errors(descriptor: int) -> Iterator[None]:
    """Raises as OSError what the system refused: libsndfile says "System error." of a full disk, and not which."""
    try:
        yield
    except soundfile.SoundFileError:
        os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, _MORE)
        raise


def _interleaved(y: np.ndarray, subtype: str) -> np.ndarray:
    """Samples for libsndfile: np.ndarray [samples, channels].

    16-bit samples are rounded here: libsndfile multiplies by 32767 and divides by 32768, so that what was read would be
    written as something else.
    """
    if subtype == "PCM_16":
        return np.frombuffer(pcm16_bytes(y), "<i2").reshape(-1, y.shape[0]).astype(np.int16)
    return np.ascontiguousarray(y.T, dtype=np.float32)
