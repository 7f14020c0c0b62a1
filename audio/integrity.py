"""Whether a file holds what its header promises, seen before it is decoded.

Decoders are built to play on: libsndfile shortens a cut wav to what is there, libmpg123 skips damaged frames, a lost
Ogg page becomes silence. Training data should rather be set aside than be silently shorter than its labels. Not seen
here are damage inside an mp3 frame whose header is whole (it is heard as a click, the length is kept) and a cut in
the few old formats without lengths (VOC, NIST); what the decoder then gives less than promised is still noticed in
`audio.files`.
"""

import os
import re
from dataclasses import dataclass
from os import PathLike
from typing import BinaryIO

from audio import mpeg, ogg
from audio.errors import AudioError

# The most samples a channel that one byte can hold, well above what any encoder reaches: silence in FLAC is 11 bytes
# for 65,535 samples, in Opus 2 bytes for 120 ms at 48 kHz, an mp3 frame of 1152 samples has at least 24 bytes.
FRAMES_PER_BYTE = {"flac": 6000.0, "ogg": 2880.0, "mp3": 48.0}
FRAMES_PER_BYTE_OTHERWISE = 8192.0
# "data : 1000 (should be 500)" in libsndfile's log: the header's size, then the one that the file's length allows.
_LOG_SIZE = re.compile(r"^\s*([\w ]+?)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)
_LOG_FRAMES = re.compile(r"frame count (\d+) does not match value from 'ds64' chunk of (\d+)")
SIZE_SLACK_BYTES = 64  # writers differ in what they count as part of the outermost chunk


@dataclass(frozen=True)
class Mpeg:
    """What `inspect` learnt of an mp3: its chain of frames, and whether libsndfile would misjudge its length."""

    stream: mpeg.Stream
    recount: bool


def _is_placeholder(size: int) -> bool:
    """Sizes that programs write when they stream and do not know the length yet."""
    return size == 0 or size >= 0xFFFFF000 or 0x7FFFF000 <= size <= 0x80000000


def check_log(path: str | PathLike[str], log: str, frames: int, sample_rate: int) -> None:
    """Find in libsndfile's log that a header claims more bytes than the file has.

    Parameters
    ----------
    log : `soundfile.SoundFile.extra_info`
    frames : samples a channel that libsndfile saw in the file's true length.
    sample_rate : Hz

    Raises
    ------
    AudioError
        It does.
    """
    for _, claimed, held in _LOG_SIZE.findall(log):
        if not _is_placeholder(int(claimed)) and int(claimed) > int(held) + SIZE_SLACK_BYTES:
            held_s = frames / sample_rate
            raise AudioError(
                path,
                f"is cut: its header promises {claimed} bytes ({held_s * int(claimed) / max(int(held), 1):.1f} s), "
                f"the file holds {held} ({held_s:.1f} s)",
            )
    for held, claimed in _LOG_FRAMES.findall(log):
        if int(claimed) > int(held):
            raise AudioError(
                path,
                f"is cut: its header promises {int(claimed) / sample_rate:.1f} s, "
                f"the file holds {int(held) / sample_rate:.1f} s",
            )


def check_claim(path: str | PathLike[str], container: str, frames: int, sample_rate: int, size: int) -> None:
    """Refuse a header that claims more audio than the bytes of the file could hold in any encoding.

    Raises
    ------
    AudioError
        It does.
    """
    most = FRAMES_PER_BYTE.get(container, FRAMES_PER_BYTE_OTHERWISE) * size
    if frames > most:
        raise AudioError(
            path,
            f"promises {frames / sample_rate:.0f} s, but its {size} bytes can hold at most {most / sample_rate:.1f} s",
        )


def inspect(path: str | PathLike[str], file: BinaryIO, *, thorough: bool) -> Mpeg | None:
    """Walk an mp3's frames or an Ogg file's pages; other formats are left to libsndfile.

    Parameters
    ----------
    thorough : walk to the end of the file; else only what is needed to know the length.

    Returns
    -------
    Mpeg for an mp3, else None.

    Raises
    ------
    AudioError
        The chain of frames or pages is broken, or shorter than the header promises.
    """
    magic = file.read(4)
    if magic == ogg.MAGIC:
        if thorough:
            _check_ogg(path, file)
        return None
    if magic in (b"RIFF", b"fLaC", b"FORM", b"RF64", b"riff", b"caff", b".snd"):
        return None
    stream = mpeg.walk(file, count=thorough)
    if stream is None:
        return None
    return _check_mpeg(path, stream, os.fstat(file.fileno()).st_size)


def _check_ogg(path: str | PathLike[str], file: BinaryIO) -> None:
    pages = ogg.walk(file)
    if pages.broken_offset is not None:
        raise AudioError(path, f"is damaged or cut: an Ogg page is broken at byte {pages.broken_offset}")
    if pages.links > 1:
        raise AudioError(path, f"chains {pages.links} Ogg streams; one is read: split the file")


def _check_mpeg(path: str | PathLike[str], stream: mpeg.Stream, size: int) -> Mpeg:
    frame_s = stream.frame.samples / stream.frame.sample_rate
    promised, found, held = stream.promised_frames, stream.frames, size - stream.first
    where = f"damaged at byte {stream.break_offset} ({stream.break_s:.1f} s)"
    if promised is None:
        if stream.lost_frames >= 1:
            raise AudioError(path, f"is {where}: no mp3 frame begins there")
        return Mpeg(stream, recount=stream.frame.layer == 3)
    promise = f"its header promises {promised * frame_s:.1f} s"
    if found is None:
        if stream.promised_bytes and stream.promised_bytes > 1.01 * held + SIZE_SLACK_BYTES:
            raise AudioError(path, f"is cut: {promise} in {stream.promised_bytes} bytes, the file holds {held} bytes")
        return Mpeg(stream, recount=False)
    missing = promised - found
    if missing > 1 or (missing == 1 and stream.break_offset is not None):
        where = "cut" if stream.break_offset is None else where
        raise AudioError(path, f"is {where}: {promise}, {missing * frame_s:.2f} s of that are missing")
    return Mpeg(stream, recount=missing < -1)
