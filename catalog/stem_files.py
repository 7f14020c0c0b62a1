"""What the importers of separated recordings share: stems that are added up block by block, and names of songs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio.alignment import SideBySide
from audio.errors import AudioError
from audio.files import AudioInfo, blocks, probe, write_blocks
from catalog.marks import renew
from catalog.wording import counted

ALIGNMENT_S = 0.01
"""Files of a song may differ in length by this much."""


@dataclass(frozen=True)
class Part:
    """A signal that is added up.

    Attributes
    ----------
    path : of the file that it comes from.
    info : its rate and channels.
    signal : its blocks, np.ndarray [channels, samples] each.
    """

    path: Path
    info: AudioInfo
    signal: Iterable[np.ndarray]


def write_total(target: Path, parts: Sequence[Part]) -> None:
    """Write the sum of equally long signals of one rate as 32-bit float wav, which has no full scale to be clipped at.

    It is as long as the shortest; memory does not grow with it.

    Raises
    ------
    AudioError
        A signal cannot be decoded, or differs from the first in rate, in channels, or in length by more than 10 ms.
    """
    first, *others = parts
    info = first.info
    for part in others:
        if (part.info.sample_rate, part.info.channels) != (info.sample_rate, info.channels):
            raise AudioError(
                part.path,
                f"has {part.info.sample_rate} Hz and {counted(part.info.channels, 'channel')}, {first.path.name} has "
                f"{info.sample_rate} Hz and {info.channels}: the files of a song must be alike",
            )
    write_blocks(target, _total(parts), sample_rate=info.sample_rate, channels=info.channels, subtype="FLOAT")


def _total(parts: Sequence[Part]) -> Iterator[np.ndarray]:
    rate = parts[0].info.sample_rate
    together = SideBySide(*(part.signal for part in parts))
    for pieces in together:
        yield np.asarray(np.sum(pieces, axis=0), np.float32)
    for part, samples in zip(parts, together.lengths, strict=True):
        if abs(samples - together.lengths[0]) > ALIGNMENT_S * rate:
            raise AudioError(
                part.path,
                f"lasts {samples / rate:.3f} s and the others {together.lengths[0] / rate:.3f} s: the files of a "
                f"song must be equally long to {ALIGNMENT_S} s",
            )


def write_sum(target: Path, parts: Sequence[Path]) -> None:
    """Write the sum of files (`write_total`), if it is not there or was written here of others (`renew`)."""
    renew(target, parts, lambda: write_total(target, [Part(part, probe(part), blocks(part)) for part in parts]))


def artist_and_title(name: str) -> tuple[str | None, str]:
    """``"Artist - Title"`` taken apart; a name without a dash between blanks is a title."""
    artist, dash, title = name.partition(" - ")
    return (artist.strip() or None, title.strip() or name) if dash else (None, name)
