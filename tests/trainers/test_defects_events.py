"""Frames become events, in the graph."""

from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from trainers.defects.events import BRIDGED, LASTING, bridge, find_events, pauses_of
from trainers.defects.frames import FRAME_S

PAUSES = (BRIDGED, 0, 7)


def slow_bridge(active: np.ndarray) -> np.ndarray:
    filled = active.copy()
    for column, pause in enumerate(PAUSES):
        places = np.flatnonzero(active[:, column])
        for before, after in pairwise(places):
            if after - before - 1 <= pause:
                filled[before:after, column] = True
    return filled


def slow_events(p: np.ndarray, active: np.ndarray, duration_s: float) -> list[tuple[int, float, float, float]]:
    filled = slow_bridge(active)
    events = []
    for column in range(p.shape[1]):
        start = None
        for frame in range(len(p) + 1):
            on = frame < len(p) and filled[frame, column]
            if on and start is None:
                start = frame
            elif not on and start is not None:
                end = min(frame * FRAME_S, duration_s)
                events.append((column, start * FRAME_S, end, float(p[start:frame, column].max())))
                start = None
    return sorted(events, key=lambda event: (event[1], event[0]))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), frames=st.integers(1, 30))
def test_events_are_the_runs_of_active_frames(seed: int, frames: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.random((frames, 3)).astype(np.float32)
    active = rng.random((frames, 3)) < rng.random()
    duration_s = float(np.float32((frames - 0.5) * FRAME_S))
    found = find_events(tf.constant(p), tf.constant(active), tf.constant(duration_s), pauses=PAUSES)
    rows = list(zip(*(column.numpy().tolist() for column in found), strict=True))
    expected = slow_events(p, active, duration_s)
    assert [row[0] for row in rows] == [event[0] for event in expected]
    np.testing.assert_allclose(
        np.array([row[1:] for row in rows]).reshape(-1, 3),
        np.array([event[1:] for event in expected]).reshape(-1, 3),
        rtol=1e-5,
    )


@pytest.mark.parametrize(("defect", "pause"), [("click", BRIDGED), *LASTING.items()])
@pytest.mark.parametrize("longer", [0, 1])
def test_short_pauses_are_bridged_and_longer_ones_are_not(defect: str, pause: int, longer: int) -> None:
    gap = pause + longer
    active = np.zeros((gap + 10, 1), bool)
    active[[2, 3 + gap]] = True
    bridged = bridge(tf.constant(active), pauses_of([defect])).numpy()[:, 0]
    assert bool(bridged[2 : 4 + gap].all()) == (not longer)
    assert bridged[[0, 1]].sum() + bridged[4 + gap :].sum() == 0
