"""Ogg pages (Vorbis, Opus, FLAC in Ogg), checked without decoding them.

libsndfile fills a lost page with silence or leaves it out, and takes the length of a file that was cut from the last
page that is left: both in silence. Each page carries a checksum, a sequence number and its own size, which show it.

Reference: RFC 3533, section 6.
"""

import struct
import zlib
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

MAGIC = b"OggS"
HEADER = struct.Struct("<4sBBqIIIB")
BEGIN, END = 2, 4
WINDOW_BYTES = 1 << 20


@dataclass(frozen=True)
class Pages:
    """What the pages say.

    Attributes
    ----------
    pages : whole pages with a right checksum.
    broken_offset : byte of the first page that is damaged, missing or cut, or None.
    links : logical streams one after the other (a chained file has more than one).
    """

    pages: int
    broken_offset: int | None
    links: int


@cache
def _mirror() -> bytes:
    return bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


def checksum(page: bytes) -> int:
    """The CRC of an Ogg page whose checksum field is zero (polynomial 0x04c11db7, most significant bit first).

    zlib's CRC is the same polynomial with all bits in reverse order, so mirrored bytes in and a mirrored word out.
    """
    reflected = zlib.crc32(page.translate(_mirror()), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(reflected.to_bytes(4, "little").translate(_mirror()), "big")


def read_page(file: BinaryIO) -> bytes | None:
    """The page at the file's position, or None where none that is whole and undamaged begins there."""
    head = file.read(HEADER.size)
    if len(head) < HEADER.size or not head.startswith(MAGIC):
        return None
    lacing = file.read(head[26])
    body_size = sum(lacing)
    page = head + lacing + file.read(body_size)
    if len(page) < HEADER.size + head[26] + body_size:
        return None
    if checksum(page[:22] + b"\0\0\0\0" + page[26:]) != int.from_bytes(page[22:26], "little"):
        return None
    return page


def _find(file: BinaryIO, offset: int) -> int | None:
    """Offset of the next page's magic from ``offset`` on."""
    file.seek(offset)
    tail = b""
    while chunk := file.read(WINDOW_BYTES):
        found = (tail + chunk).find(MAGIC)
        if found >= 0:
            return offset - len(tail) + found
        offset += len(chunk)
        tail = chunk[-3:]
    return None


def walk(file: BinaryIO) -> Pages:
    """Check every page from the first to the end of the file; bytes behind the last page (a tag) are no damage."""
    offset: int | None = 0
    pages = links = 0
    broken: int | None = None
    expected: dict[int, int] = {}
    open_streams: set[int] = set()
    file.seek(0)
    while offset is not None:
        page = read_page(file)
        if page is None:
            file.seek(offset)
            begun = file.read(len(MAGIC))
            gap, offset = offset, _find(file, offset + 1)
            if broken is None and (offset is not None or (begun and MAGIC.startswith(begun))):
                broken = gap
            if offset is not None:
                file.seek(offset)
            continue
        _, _, flags, _, serial, sequence, _, _ = HEADER.unpack_from(page)
        if flags & BEGIN:
            links += not open_streams
            open_streams.add(serial)
        elif sequence != expected.get(serial, sequence) and broken is None:
            broken = offset
        expected[serial] = sequence + 1
        if flags & END:
            open_streams.discard(serial)
        pages += 1
        offset += len(page)
    return Pages(pages, broken, links)
