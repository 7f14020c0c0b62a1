"""What the importers of separated recordings share: stems that are added up block by block, and names of songs."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from audio.errors import AudioError
from audio.files import blocks, probe, write

ALIGNMENT_S = 0.01
"""Files of a song may differ in length by this much."""


def sum_files(parts: Iterable[Path]) -> tuple[np.ndarray, int]:
    """The sum of equally long files of one rate.

    Returns
    -------
    y : np.ndarray [channels, samples], float32, as long as the shortest; may lie beyond +-1.0
    sample_rate : Hz

    Raises
    ------
    AudioError
        A file cannot be decoded, or differs from the first in rate, in channels, or in length by more than 10 ms.
    """
    first, *others = parts
    info = probe(first)
    total = np.concatenate(list(blocks(first)), axis=1)
    for part in others:
        here = probe(part)
        if (here.sample_rate, here.channels) != (info.sample_rate, info.channels):
            raise AudioError(
                part,
                f"has {here.sample_rate} Hz and {here.channels} channels, {first.name} has {info.sample_rate} Hz and "
                f"{info.channels}: the files of a song must be alike",
            )
        total = add(part, total, blocks(part), info.sample_rate)
    return total, info.sample_rate


def add(path: Path, total: np.ndarray, pieces: Iterator[np.ndarray], sample_rate: int) -> np.ndarray:
    """`total` [channels, samples] with `pieces` of the file `path` added in place, cut to the shorter of the two."""
    place = 0
    for y in pieces:
        end = min(place + y.shape[1], total.shape[1])
        total[:, place:end] += y[:, : max(end - place, 0)]
        place += y.shape[1]
    if abs(place - total.shape[1]) > ALIGNMENT_S * sample_rate:
        raise AudioError(
            path,
            f"lasts {place / sample_rate:.3f} s and the others {total.shape[1] / sample_rate:.3f} s: the files of a "
            f"song must be equally long to {ALIGNMENT_S} s",
        )
    return total[:, :place]


def write_sum(target: Path, parts: Iterable[Path]) -> None:
    """Write the sum of files as 32-bit float wav, which has no full scale to be clipped at, if it is not there yet."""
    if not target.is_file():
        y, sample_rate = sum_files(parts)
        write(target, y, sample_rate=sample_rate, subtype="FLOAT")


def artist_and_title(name: str) -> tuple[str | None, str]:
    """``"Artist - Title"`` taken apart; a name without a dash between blanks is a title."""
    artist, dash, title = name.partition(" - ")
    return (artist.strip() or None, title.strip() or name) if dash else (None, name)
