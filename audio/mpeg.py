"""MPEG audio frames (mp3, mp2), counted without decoding them.

libmpg123 takes an mp3's length from its Xing header or, without one, from the bit rate of the first frame; a wrong
estimate cuts the decode short and a damaged stretch is skipped, both in silence. The frames themselves tell: each
header gives its own size, so the chain of headers from first to last says how much there is and where it breaks.

Reference: ISO/IEC 11172-3, section 2.4.1.3 and 2.4.2.3 (header); ISO/IEC 13818-3 (lower sampling rates).
"""

import re
from dataclasses import dataclass
from functools import cache
from io import SEEK_END
from typing import BinaryIO

WINDOW_BYTES = 1 << 20
# kbit/s by (lower sampling rates, layer); index 0 is the free format, which gives no size and is not followed.
BIT_RATES = {
    (False, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (False, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (False, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (True, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (True, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (True, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by version bits
_SYNC = re.compile(rb"\xff[\xe2-\xff]")


@dataclass(frozen=True)
class Frame:
    """One frame header: size in bytes, samples a channel, Hz, and the offset at which a Xing header would stand."""

    layer: int
    size: int
    samples: int
    sample_rate: int
    channels: int
    xing_offset: int


@dataclass(frozen=True)
class Stream:
    """What the chain of frames says.

    Attributes
    ----------
    first, header, frame : offset, bytes and fields of the first frame, which may be a Xing header.
    frames : whole frames found, a Xing header's own frame not counted; None where they were not counted.
    audio : offset of the first frame that holds audio: `first`, or behind the Xing header.
    promised_frames, promised_bytes : what the Xing header says, or None.
    break_offset : byte at which the chain first breaks, or None; tags between frames and rubbish behind the last
        frame are no break. `break_s` is the same in seconds of audio.
    lost_frames : frames that would fit into the bytes skipped in all breaks.
    """

    first: int
    header: bytes
    frame: Frame
    frames: int | None
    audio: int
    promised_frames: int | None
    promised_bytes: int | None
    break_offset: int | None
    break_s: float
    lost_frames: float


def parse(header: bytes) -> Frame | None:
    """Read a frame header of four bytes; None where it is none, or of the free format."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    rate_index, frequency_index = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer == 4 or rate_index in (0, 15) or frequency_index == 3:
        return None
    low = version != 3
    sample_rate = SAMPLE_RATES[version][frequency_index]
    bit_rate = 1000 * BIT_RATES[low, layer][rate_index - 1]
    padding = header[2] >> 1 & 1
    mono = header[3] >> 6 == 3
    if layer == 1:
        return Frame(1, (12 * bit_rate // sample_rate + padding) * 4, 384, sample_rate, 2 - mono, 0)
    samples = 576 if layer == 3 and low else 1152
    side_info = {(False, False): 32, (False, True): 17, (True, False): 17, (True, True): 9}[low, mono]
    return Frame(layer, samples // 8 * bit_rate // sample_rate + padding, samples, sample_rate, 2 - mono, 4 + side_info)


@cache
def _sizes(version_layer: int, frequency: int) -> dict[bytes, int]:
    """Frame size by the first three header bytes, for every header that may follow one of this kind."""
    sizes = {}
    for protection in (0, 1):
        for other in range(256):
            if other & 0x0C == frequency:
                start = bytes((0xFF, version_layer | protection, other))
                frame = parse(start + b"\0")
                if frame:
                    sizes[start] = frame.size
    return sizes


def _tag_size(window: bytes, i: int) -> int:
    """Bytes of the ID3, APE or Lyrics3 tag at ``window[i:]``, 0 where there is none."""
    if window.startswith(b"ID3", i) and len(window) >= i + 10:
        a, b, c, d = window[i + 6 : i + 10]
        footer = 10 if window[i + 5] & 0x10 else 0
        return 10 + (a << 21 | b << 14 | c << 7 | d) + footer if max(a, b, c, d) < 128 else 0
    if window.startswith(b"TAG", i):
        return 128
    if window.startswith(b"APETAGEX", i) and len(window) >= i + 16:
        return 32 + int.from_bytes(window[i + 12 : i + 16], "little")
    return 0


def find_first(file: BinaryIO) -> tuple[int, bytes] | None:
    """Offset and bytes of the first frame, or None where the file does not begin like an mp3.

    The frame stands at the start or behind ID3 tags (zeros may follow those), and another of its kind follows it.
    """
    file.seek(0)
    window, offset = file.read(4096), 0
    while size := _tag_size(window, 0):
        offset += size
        file.seek(offset)
        window = file.read(4096)
    if offset and not window.strip(b"\0"):
        return None
    zeros = len(window) - len(window.lstrip(b"\0")) if offset else 0
    offset += zeros
    frame = parse(window[zeros : zeros + 4])
    if frame is None:
        return None
    file.seek(offset)
    window = file.read(frame.size + 4)
    following = parse(window[frame.size :])
    if len(window) == frame.size + 4 and (following is None or following.sample_rate != frame.sample_rate):
        return None
    return offset, window[: frame.size]


def _xing(first: bytes, frame: Frame) -> tuple[bool, int | None, int | None]:
    """Whether the first frame is a Xing (Info) or VBRI header, its frame count and its byte count."""
    at = frame.xing_offset
    if first[at : at + 4] in (b"Xing", b"Info"):
        flags = int.from_bytes(first[at + 4 : at + 8], "big")
        fields = [int.from_bytes(first[at + 8 + 4 * k : at + 12 + 4 * k], "big") for k in range(2)]
        frames = fields.pop(0) if flags & 1 else None
        return True, frames, fields[0] if flags & 2 else None
    if first[36:40] == b"VBRI":
        return True, int.from_bytes(first[50:54], "big"), int.from_bytes(first[46:50], "big")
    return False, None, None


class _Chain:
    """The state of a walk along the frames, window by window."""

    def __init__(self, sizes: dict[bytes, int], start: int, size: int) -> None:
        self.sizes, self.offset, self.size = sizes, start, size
        self.count, self.lost, self.end = 0, 0, start
        self.gap: int | None = None
        self.break_offset: int | None = None
        self.break_count = 0

    def follow(self, window: bytes) -> None:
        """Advance `offset` as far as the window shows; it moves by one byte at least."""
        base, i = self.offset, 0
        whole = base + len(window) >= self.size
        stop = len(window) if whole else len(window) - 16
        sizes = self.sizes
        while i < stop:
            length = sizes.get(window[i : i + 3])
            if length and self.gap is not None:
                follower = i + length
                if follower + 3 > len(window) and not whole:
                    break  # the next window shows both headers
                if follower + 3 <= len(window) and window[follower : follower + 3] not in sizes:
                    length = None  # looks like a header, but no frame follows it
            if length:
                if self.gap is not None:
                    self._close_gap(base + i)
                self.count += 1
                i += length
                self.end = base + i
            elif self.gap is None and (tag := _tag_size(window, i)):
                i += tag
            else:
                if self.gap is None:
                    self.gap = base + i
                found = _SYNC.search(window, i + 1)
                i = found.start() if found else len(window)
        self.offset = max(base + i, base + 1)

    def _close_gap(self, offset: int) -> None:
        assert self.gap is not None
        if self.break_offset is None:
            self.break_offset, self.break_count = self.gap, self.count
        self.lost += offset - self.gap
        self.gap = None


def walk(file: BinaryIO, *, count: bool = True) -> Stream | None:
    """Follow the chain of frames from the first to the end of the file; None where it does not begin like an mp3.

    Parameters
    ----------
    count : walk in any case; else only where a Xing header does not give the number of frames, or describes less than
        the file holds (two mp3 files joined).
    """
    found = find_first(file)
    if found is None:
        return None
    first, header = found
    frame = parse(header)
    assert frame is not None
    is_xing, promised_frames, promised_bytes = _xing(header, frame)
    audio = first + frame.size if is_xing else first
    size = file.seek(0, SEEK_END)
    chain = _Chain(_sizes(header[1] & 0xFE, header[2] & 0x0C), audio, size)
    counted = count or promised_frames is None or (promised_bytes or size) < 0.99 * (size - first)
    while counted and chain.offset < chain.size:
        file.seek(chain.offset)
        chain.follow(file.read(WINDOW_BYTES))
    return Stream(
        first=first,
        header=header,
        frame=frame,
        frames=chain.count - (chain.end > chain.size) if counted else None,
        audio=audio,
        promised_frames=promised_frames,
        promised_bytes=promised_bytes,
        break_offset=chain.break_offset,
        break_s=chain.break_count * frame.samples / frame.sample_rate,
        lost_frames=chain.lost * chain.count / max(chain.end - audio - chain.lost, 1),
    )


def counted_header(stream: Stream) -> bytes:
    """A Xing frame that tells the counted frames, to stand before ``stream.audio`` in place of a missing or wrong one.

    Its bit rate, 128 kbit/s or 80 at the lower sampling rates, leaves room for the header.
    """
    start = bytearray(stream.header[:4])
    start[1] |= 1  # no checksum
    start[2] = (start[2] & 0x0C) | (9 << 4)
    frame = parse(bytes(start))
    assert frame is not None
    assert stream.frames is not None
    body = b"Xing" + (1).to_bytes(4, "big") + stream.frames.to_bytes(4, "big")
    return (bytes(start) + bytes(frame.xing_offset - 4) + body).ljust(frame.size, b"\0")
