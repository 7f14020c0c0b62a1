"""Which excerpt of which recording gets which defects: dealt like cards, so that every split holds all of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from audio.damage import bursts, clicks, clipping, dropouts, hum, transmission
from catalog.recording import SPLITS, Recording, Split

DEFECTS = (
    clicks.NAME, dropouts.NAME, transmission.CODEC, transmission.SKIP, clipping.NAME, hum.NAME, bursts.NAME,
)  # fmt: skip
ALONE = 2
HARD = (clicks.NAME, transmission.SKIP)
CLEAN = 6


@dataclass(frozen=True)
class Take:
    """One excerpt.

    Attributes
    ----------
    source : the recording.
    split : of the source, and so of its takes.
    row : of the source in its catalog, from 0.
    number, takes : which of how many takes of the source this is; each comes from a part of its own.
    defects : what is done to it; what is heard in the end decides its labels.
    seed : of everything random about it.
    """

    source: Recording
    split: Split
    row: int
    number: int
    takes: int
    defects: tuple[str, ...]
    seed: tuple[int, ...]

    @property
    def name(self) -> str:
        """Name of its file, without suffix."""
        return f"{self.row:06d}-{self.number}"


def deck() -> list[tuple[str, ...]]:
    """A round of cards: each defect alone `ALONE` times (once more if it is `HARD` to hear) and in two pairs, and
    `CLEAN` clean ones.

    Returns
    -------
    list of tuple of str
        Each defect on four of 29 cards, those that are hard to hear on five.
    """
    return [(name,) for name in DEFECTS] * ALONE + [(name,) for name in HARD] + _PAIRS + [()] * CLEAN


_PAIRS = [pair for pair in combinations(DEFECTS, 2) if (DEFECTS.index(pair[1]) - DEFECTS.index(pair[0])) in (2, 5)]


def plan_takes(
    sources: Iterable[tuple[Recording, Split]], *, seed: int, per_recording: int, limit: int | None
) -> list[Take]:
    """The takes of a library.

    Parameters
    ----------
    sources : every recording with its split, in the order of the catalog
    seed : of deals and draws
    per_recording : takes of a recording at most
    limit : takes in all at most; first the first takes of recordings drawn at random, then their second ones

    Returns
    -------
    list of Take
        In the order of the catalog.
    """
    rows = list(enumerate(sources))
    order = np.random.default_rng([seed, 1]).permutation(len(rows))
    wanted = [(number, int(row)) for number in range(per_recording) for row in order][:limit]
    takes: Mapping[int, list[int]] = {row: [] for _, row in wanted}
    for number, row in wanted:
        takes[row].append(number)
    decks = {split: _Deck(seed, index) for index, split in enumerate(SPLITS)}
    return [
        Take(source, split, row, number, len(takes[row]), decks[split].deal(), (seed, row, number))
        for row, (source, split) in rows
        if row in takes
        for number in sorted(takes[row])
    ]


class _Deck:
    """Cards for one split, shuffled anew when they are used up."""

    def __init__(self, seed: int, split: int) -> None:
        self._generator = np.random.default_rng([seed, 2, split])
        self._cards: list[tuple[str, ...]] = []

    def deal(self) -> tuple[str, ...]:
        """The next card."""
        if not self._cards:
            cards = deck()
            self._cards = [cards[place] for place in self._generator.permutation(len(cards))]
        return self._cards.pop()
