"""Several signals read side by side, block by block, however their blocks are cut."""

from collections.abc import Iterable, Iterator

import numpy as np


class SideBySide:
    """Pieces of several signals that begin together and have one length; iterated once.

    Parameters
    ----------
    signals : blocks of each, np.ndarray [channels, samples], all with samples

    Attributes
    ----------
    lengths : samples of each that were read so far; when the iteration is over, all that it has.
    """

    def __init__(self, *signals: Iterable[np.ndarray]) -> None:
        self._signals = [iter(signal) for signal in signals]
        self.lengths = [0 for _ in signals]

    def __iter__(self) -> Iterator[list[np.ndarray]]:
        rests = [self._next(place) for place in range(len(self._signals))]
        while (pieces := [rest for rest in rests if rest is not None]) and len(pieces) == len(rests):
            length = min(piece.shape[1] for piece in pieces)
            yield [piece[:, :length] for piece in pieces]
            rests = [
                piece[:, length:] if piece.shape[1] > length else self._next(place)
                for place, piece in enumerate(pieces)
            ]
        for place in range(len(self._signals)):
            while self._next(place) is not None:
                pass

    def _next(self, place: int) -> np.ndarray | None:
        block = next(self._signals[place], None)
        if block is not None:
            self.lengths[place] += block.shape[1]
        return block
