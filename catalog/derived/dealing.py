"""Which recordings get how many takes, and cards for the takes: dealt, so that every split holds all."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np

from catalog.recording import SPLITS, Split

Card = TypeVar("Card")


def choose(most: Sequence[int], *, seed: int, limit: int | None) -> dict[int, list[int]]:
    """Numbers of the takes of each recording that has any, both in order.

    Parameters
    ----------
    most : takes of each recording at most
    seed : of the draw
    limit : takes in all at most; first the first takes of recordings drawn at random, then their second ones
    """
    order = np.random.default_rng([seed, 1]).permutation(len(most))
    wanted = [(number, int(row)) for number in range(max(most, default=0)) for row in order if number < most[row]][
        :limit
    ]
    takes: dict[int, list[int]] = {}
    for row, number in sorted((row, number) for number, row in wanted):
        takes.setdefault(row, []).append(number)
    return takes


class Dealer(Generic[Card]):
    """Deals cards, in each split from a pack of its own that is shuffled anew when it is used up.

    Parameters
    ----------
    pack : makes the cards of a round
    seed : of the shuffling
    """

    def __init__(self, pack: Callable[[], list[Card]], seed: int) -> None:
        self._pack = pack
        self._generators = {split: np.random.default_rng([seed, 2, index]) for index, split in enumerate(SPLITS)}
        self._cards: dict[Split, list[Card]] = {split: [] for split in SPLITS}

    def deal(self, split: Split) -> Card:
        """The next card of a split."""
        if not self._cards[split]:
            cards = self._pack()
            self._cards[split] = [cards[place] for place in self._generators[split].permutation(len(cards))]
        return self._cards[split].pop()
