"""Signals side by side, however their blocks are cut."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audio.alignment import SideBySide

Cuts = st.lists(st.integers(1, 9), max_size=8)


@given(cuts=st.lists(Cuts, min_size=1, max_size=3))
def test_pieces_are_the_signals_until_the_shortest_ends_and_all_are_read(cuts: list[list[int]]) -> None:
    signals = [np.arange(2.0 * sum(sizes)).reshape(2, -1) + 100 * n for n, sizes in enumerate(cuts)]
    blocks = [
        np.split(y, np.cumsum(sizes)[:-1], axis=1) if sizes else [] for y, sizes in zip(signals, cuts, strict=True)
    ]
    together = SideBySide(*blocks)
    pieces = list(together)
    assert together.lengths == [sum(sizes) for sizes in cuts]
    assert all(len({piece.shape for piece in row}) == 1 for row in pieces)
    shortest = min(together.lengths)
    for number, y in enumerate(signals):
        joined = np.concatenate([np.empty((2, 0)), *(row[number] for row in pieces)], axis=1)
        np.testing.assert_array_equal(joined, y[:, :shortest])
