"""Which recordings get how many takes, and cards for the takes: dealt, so that every split holds all."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from catalog.recording import SPLITS, Recording, Split

Card = TypeVar("Card")


class Chosen(NamedTuple):
    """A take that is to be made.

    Attributes
    ----------
    source : the recording.
    split : of the source.
    row : of the source, from 0.
    number, takes : which of how many takes of the source this is.
    """

    source: Recording
    split: Split
    row: int
    number: int
    takes: int


def choose(
    sources: Iterable[tuple[Recording, Split]],
    *,
    seed: int,
    per_recording: int,
    training_takes: int | None,
    limit: int | None,
) -> list[Chosen]:
    """The takes of recordings, those of a recording one after the other.

    Parameters
    ----------
    sources : recordings with their splits
    seed : of the draw
    per_recording : takes of a recording at most
    training_takes : of one of the split ``train``; without, `per_recording` as well
    limit : takes in all at most; first the first takes of recordings drawn at random, then their second ones

    Returns
    -------
    list of Chosen
        In the order of the recordings.
    """
    rows = list(sources)
    training = per_recording if training_takes is None else training_takes
    most = [training if split == "train" else per_recording for _, split in rows]
    order = np.random.default_rng([seed, 1]).permutation(len(rows))
    numbered = [(number, int(row)) for number in range(max(most, default=0)) for row in order if number < most[row]]
    wanted = sorted((row, number) for number, row in numbered[:limit])
    takes = Counter(row for row, _ in wanted)
    return [Chosen(*rows[row], row=row, number=number, takes=takes[row]) for row, number in wanted]


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
