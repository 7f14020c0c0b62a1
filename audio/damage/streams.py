"""Encoded streams as chains of units that can be damaged: mp3 frames, Ogg packets, ADTS frames of AAC.

A unit is what a network loses or a disk garbles. Streams are written and read by the real encoders and decoders: mp3,
Vorbis and Opus by libsndfile, AAC by the ffmpeg program where that is on PATH.
"""

import io
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import soundfile
import soxr

from audio import mpeg, ogg
from audio.errors import DaCapoError
from audio.ffmpeg import find_ffmpeg
from audio.writing import BLOCK_FRAMES

_MPEG_RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
RATES = {
    "mp3": _MPEG_RATES,
    "ogg": (*_MPEG_RATES, 64_000, 88_200, 96_000, 176_400, 192_000),
    "opus": (48_000,),
    "aac": (*_MPEG_RATES, 64_000, 88_200, 96_000),
}
"""Hz that a codec knows, ascending."""
AAC_DELAY = 1024  # samples that ffmpeg's encoder puts before the signal, of which ADTS has no word
_FORMATS = {"mp3": ("MP3", "MPEG_LAYER_III"), "ogg": ("OGG", "VORBIS"), "opus": ("OGG", "OPUS")}
_LACING = 27
_CRC = slice(22, 26)
_STALL_S = 60.0


def codecs() -> tuple[str, ...]:
    """The codecs that this machine can write and read: ``mp3``, ``ogg``, ``opus``, and ``aac`` where ffmpeg is."""
    return (*_FORMATS, "aac") if find_ffmpeg() else tuple(_FORMATS)


class Stream(Protocol):
    """An encoded signal, cut into its units.

    Attributes
    ----------
    units : how many can be damaged; headers are not among them.
    """

    @property
    def units(self) -> int:
        """How many can be damaged."""
        ...

    def garbled(self, units: Iterable[int], rng: np.random.Generator) -> bytes:
        """The stream with random bytes in these units, their headers whole."""

    def without(self, units: Iterable[int]) -> bytes:
        """The stream without these units."""


@dataclass(frozen=True)
class Codec:
    """An encoder and its decoder at a rate.

    Parameters
    ----------
    name : one of `codecs`
    rate : Hz of the signals that come and go
    compression : 0 (best) to 1 (smallest), libsndfile's scale; of AAC 192 to 32 kbit/s
    """

    name: str
    rate: int
    compression: float

    @property
    def coded_rate(self) -> int:
        """Hz inside the codec: the least of `RATES` that loses nothing, else the highest."""
        rates = RATES[self.name]
        return next((rate for rate in rates if rate >= self.rate), rates[-1])

    def to_coded(self, y: np.ndarray) -> np.ndarray:
        """A signal at the rate inside the codec."""
        return y if self.coded_rate == self.rate else soxr.resample(y, self.rate, self.coded_rate)

    def from_coded(self, y: np.ndarray) -> np.ndarray:
        """The inverse of `to_coded`."""
        return y if self.coded_rate == self.rate else soxr.resample(y, self.coded_rate, self.rate)

    def encode(self, y: np.ndarray) -> bytes:
        """Encode samples [n] at `coded_rate`.

        Raises
        ------
        DaCapoError
            The encoder fails.
        """
        if self.name == "aac":
            kbps = round(192 - 160 * self.compression)
            arguments = ["-f", "f32le", "-ar", str(self.coded_rate), "-ac", "1", "-i", "pipe:0"]
            return _ffmpeg(
                [*arguments, "-c:a", "aac", "-aac_pns", "0", "-b:a", f"{kbps}k", "-f", "adts", "pipe:1"], y.tobytes()
            )
        container, subtype = _FORMATS[self.name]
        buffer = io.BytesIO()
        try:
            with soundfile.SoundFile(
                buffer, "w", self.coded_rate, 1, subtype, format=container, compression_level=self.compression
            ) as file:
                for start in range(0, len(y), BLOCK_FRAMES):
                    file.write(np.clip(y[start : start + BLOCK_FRAMES], -1.0, 1.0))
        except soundfile.SoundFileError as error:
            raise self._failure(error) from None
        return buffer.getvalue()

    def decode(self, data: bytes) -> np.ndarray:
        """Decode as far as the decoder gets, damage or not: samples [n] at `coded_rate`.

        Raises
        ------
        DaCapoError
            The decoder gives nothing.
        """
        if self.name == "aac":
            raw = _ffmpeg(["-i", "pipe:0", "-f", "f32le", "-ar", str(self.coded_rate), "-ac", "1", "pipe:1"], data)
            return np.frombuffer(raw, "<f4")[AAC_DELAY:].astype(np.float32)
        try:
            y, _ = soundfile.read(io.BytesIO(data), dtype="float32")
        except soundfile.SoundFileError as error:
            raise self._failure(error) from None
        return np.asarray(y, np.float32)

    def _failure(self, error: soundfile.SoundFileError) -> DaCapoError:
        reason = error.error_string if isinstance(error, soundfile.LibsndfileError) else str(error)
        return DaCapoError(f"codec={self.name} at {self.coded_rate} Hz: {reason.removeprefix('Error : ')}")

    def stream(self, data: bytes) -> Stream:
        """The units of an encoded signal."""
        if self.name == "mp3":
            return FrameStream(data, mpeg_frames(data), header_bytes=36)
        if self.name == "aac":
            return FrameStream(data, adts_frames(data), header_bytes=9)
        return OggStream(data)


@dataclass(frozen=True)
class FrameStream:
    """Frames one after the other, each with a header of its own.

    Attributes
    ----------
    data : the stream.
    bounds : offset of each frame that can be damaged, then the end of the last.
    header_bytes : of a frame that are left whole, so that the decoder takes the rest for audio.
    """

    data: bytes
    bounds: tuple[int, ...]
    header_bytes: int

    @property
    def units(self) -> int:
        """Frames."""
        return len(self.bounds) - 1

    def garbled(self, units: Iterable[int], rng: np.random.Generator) -> bytes:
        """Random bytes behind the headers of these frames."""
        data = bytearray(self.data)
        for unit in units:
            start = min(self.bounds[unit] + self.header_bytes, self.bounds[unit + 1])
            data[start : self.bounds[unit + 1]] = rng.bytes(self.bounds[unit + 1] - start)
        return bytes(data)

    def without(self, units: Iterable[int]) -> bytes:
        """All but these frames."""
        gone = set(units)
        kept = [self.data[a:b] for unit, (a, b) in enumerate(pairwise(self.bounds)) if unit not in gone]
        return self.data[: self.bounds[0]] + b"".join(kept) + self.data[self.bounds[-1] :]


def mpeg_frames(data: bytes) -> tuple[int, ...]:
    """Offsets of the frames of an mp3 behind the first, which may be a Xing header, and the end of the last."""
    bounds, offset = [], 0
    while (frame := mpeg.parse(data[offset : offset + 4])) and offset + frame.size <= len(data):
        offset += frame.size
        bounds.append(offset)
    return tuple(bounds)


def adts_frames(data: bytes) -> tuple[int, ...]:
    """Offsets of the ADTS frames of an AAC stream and the end of the last (ISO/IEC 13818-7, section 6.2)."""
    bounds, offset = [0], 0
    while data[offset : offset + 1] == b"\xff" and len(data) >= offset + 7:
        size = (data[offset + 3] & 3) << 11 | data[offset + 4] << 3 | data[offset + 5] >> 5
        if size < 7 or offset + size > len(data):
            break
        offset += size
        bounds.append(offset)
    return tuple(bounds)


class OggStream:
    """The packets of one logical stream that begin and end in one page, but for the headers' pages and the last one.

    Damaged pages get a right checksum again, as bytes do that were garbled before they were put into pages; a page with
    a wrong one is lost whole, which is what `without` with all its packets does.
    """

    def __init__(self, data: bytes) -> None:
        self._pages: list[_Page] = []
        file = io.BytesIO(data)
        while page := ogg.read_page(file):
            self._pages.append(_Page.of(page))
        self._places = [
            (number, packet)
            for number, page in enumerate(self._pages[:-1])
            if page.granule > 0
            for packet in range(1, len(page.packets) - 1)
        ]

    @property
    def units(self) -> int:
        """Packets."""
        return len(self._places)

    def garbled(self, units: Iterable[int], rng: np.random.Generator) -> bytes:
        """Random bytes behind the first of these packets, which says what kind of packet it is."""
        packets = [list(page.packets) for page in self._pages]
        for number, place in (self._places[unit] for unit in units):
            whole = packets[number][place]
            packets[number][place] = whole[:1] + rng.bytes(max(0, len(whole) - 1))
        return b"".join(page.holding(held) for page, held in zip(self._pages, packets, strict=True))

    def without(self, units: Iterable[int]) -> bytes:
        """All but these packets."""
        gone = {self._places[unit] for unit in units}
        return b"".join(
            page.holding([packet for place, packet in enumerate(page.packets) if (number, place) not in gone])
            for number, page in enumerate(self._pages)
        )


@dataclass(frozen=True)
class _Page:
    """A page of Ogg (RFC 3533, section 6): its header, and the packets, or parts of packets, in it.

    Attributes
    ----------
    continues : whether the last of them goes on in the next page.
    """

    head: bytes
    packets: tuple[bytes, ...]
    continues: bool

    @classmethod
    def of(cls, page: bytes) -> "_Page":
        """Take the bytes of a page apart."""
        lacing = page[_LACING : _LACING + page[26]]
        packets, at, size = [], _LACING + len(lacing), 0
        for value in lacing:
            size += value
            if value < 255:
                packets.append(page[at : at + size])
                at, size = at + size, 0
        continues = lacing[-1:] == b"\xff"
        if continues:
            packets.append(page[at:])
        return cls(page[:_LACING], tuple(packets), continues)

    @property
    def granule(self) -> int:
        """Samples at the end of the page; 0 in pages of headers, -1 where no packet ends."""
        return int.from_bytes(self.head[6:14], "little", signed=True)

    def holding(self, packets: Sequence[bytes]) -> bytes:
        """The page with these packets in place of its own, and a right checksum."""
        lacing = b""
        for number, packet in enumerate(packets):
            lacing += b"\xff" * (len(packet) // 255)
            if not (self.continues and number == len(packets) - 1):
                lacing += bytes((len(packet) % 255,))
        page = bytearray(self.head[:26] + bytes((len(lacing),)) + lacing + b"".join(packets))
        page[_CRC] = bytes(4)
        page[_CRC] = ogg.checksum(bytes(page)).to_bytes(4, "little")
        return bytes(page)


def _ffmpeg(arguments: list[str], data: bytes) -> bytes:
    program = find_ffmpeg()
    if program is None:
        raise DaCapoError("codec=aac needs ffmpeg, which is not on PATH")
    command = [program, "-hide_banner", "-nostdin", "-v", "quiet", "-threads", "1", "-flags", "+bitexact", *arguments]
    try:
        done = subprocess.run(command, input=data, stdout=subprocess.PIPE, timeout=_STALL_S, check=False)
    except subprocess.TimeoutExpired:
        raise DaCapoError(f"codec=aac: ffmpeg did not end in {_STALL_S} s") from None
    if not done.stdout:
        raise DaCapoError(f"codec=aac: ffmpeg gave nothing (status {done.returncode})")
    return done.stdout
