"""The order in which a training comes by rows."""

import numpy as np
import pytest

from trainers.batches import Walk


def rows_of(walk: Walk, examples: int, batch_size: int) -> np.ndarray:
    return np.concatenate([walk.step(step, batch_size) for step in range(-(-examples // batch_size))])[:examples]


@pytest.mark.parametrize("batch_size", [3, 8, 25])
def test_an_epoch_sees_every_row_once(batch_size: int) -> None:
    seen = rows_of(Walk(np.ones(10, np.int64), seed=1), 20, batch_size)
    for epoch in (seen[:10], seen[10:]):
        np.testing.assert_array_equal(np.sort(epoch), np.arange(10))
    assert seen[:10].tolist() != seen[10:].tolist()


@pytest.mark.parametrize("batch_size", [3, 8, 25])
def test_an_epoch_sees_one_row_of_each_recording_and_epochs_see_all_of_them_in_turn(batch_size: int) -> None:
    counts = np.array([1, 4, 2, 3])
    recording = np.repeat(np.arange(4), counts)
    seen = rows_of(Walk(counts, seed=1), 4 * 12, batch_size)
    for epoch in seen.reshape(12, 4):
        np.testing.assert_array_equal(np.sort(recording[epoch]), np.arange(4))
    np.testing.assert_array_equal(np.bincount(seen), 12 / counts[recording])


def test_recordings_do_not_all_begin_at_their_first_row() -> None:
    first = Walk(np.full(50, 10), seed=0).step(0, 50) % 10
    assert len(set(first)) > 5
