"""Which recordings get how many takes, and cards for the takes: dealt, so that every split holds all."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from catalog.errors import CatalogError
from catalog.recording import SPLITS, Recording, Split

Card = TypeVar("Card")
Source = tuple[Recording | None, Split]
"""A recording and its split. Of one that cannot be used, a file that is missing, the split alone: it has its place in
the draw and gets its cards, so that all others have theirs whether it is there or not."""


class Chosen(NamedTuple):
    """A take that is to be made.

    Attributes
    ----------
    source : the recording; None where it cannot be used.
    split : of the source.
    row : of the source in its catalog, from 0.
    number, takes : which of how many takes of the source this is.
    """

    source: Recording | None
    split: Split
    row: int
    number: int
    takes: int


def takes_by_split(
    per_recording: int, *, training_takes: int | None = None, validation_takes: int | None = None
) -> dict[Split, int]:
    """How many takes a recording of each split gets.

    Parameters
    ----------
    per_recording : of one of a split for which nothing else is said
    training_takes, validation_takes : of one of the splits ``train`` and ``validation``

    Raises
    ------
    CatalogError
        A number is below 1.
    """
    named = {"per_recording": per_recording, "training_takes": training_takes, "validation_takes": validation_takes}
    for name, count in named.items():
        if count is not None and count < 1:
            raise CatalogError(f"{name}={count} must be at least 1")
    special: dict[Split, int | None] = {"train": training_takes, "validation": validation_takes}
    return {split: per_recording if (own := special.get(split)) is None else own for split in SPLITS}


def choose(
    sources: Iterable[Source | None], *, seed: int, takes: Mapping[Split, int], limit: int | None
) -> list[Chosen]:
    """The takes of recordings, those of a recording one after the other.

    Parameters
    ----------
    sources : every row of the catalog; None for one that nobody can read, which gets no take
    seed : of the draw
    takes : of a recording of each split at most (`takes_by_split`)
    limit : takes in all at most; first the first takes of recordings drawn at random, then their second ones

    Returns
    -------
    list of Chosen
        In the order of the recordings.
    """
    rows = list(sources)
    read = {row: source for row, source in enumerate(rows) if source is not None}
    most = {row: takes[split] for row, (_, split) in read.items()}
    order = [row for row in np.random.default_rng([seed, 1]).permutation(len(rows)).tolist() if row in read]
    numbered = [(number, row) for number in range(max(most.values(), default=0)) for row in order if number < most[row]]
    wanted = sorted((row, number) for number, row in numbered[:limit])
    made = Counter(row for row, _ in wanted)
    return [Chosen(*read[row], row=row, number=number, takes=made[row]) for row, number in wanted]


class Dealer(Generic[Card]):
    """Deals cards, in each split from a pack of its own that is shuffled anew when it is used up.

    Parameters
    ----------
    pack : makes the cards of a round of a split
    seed : of the shuffling
    """

    def __init__(self, pack: Callable[[Split], list[Card]], seed: int) -> None:
        self._pack = pack
        self._generators = {split: np.random.default_rng([seed, 2, index]) for index, split in enumerate(SPLITS)}
        self._cards: dict[Split, list[Card]] = {split: [] for split in SPLITS}

    def deal(self, split: Split) -> Card:
        """The next card of a split."""
        if not self._cards[split]:
            cards = self._pack(split)
            self._cards[split] = [cards[place] for place in self._generators[split].permutation(len(cards))]
        return self._cards[split].pop()
