"""Events ask for more than a decision where clean recordings would hold some."""

import numpy as np
import pytest

from trainers.defects.event_levels import FALSE_PER_MINUTE, MARGIN, learn_event_levels

THRESHOLDS = np.array([0.5, -1.0], np.float32)


def clean(recordings: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((recordings, 2))


@pytest.mark.parametrize("minutes", [5.0, 30.0])
def test_clean_recordings_hold_no_more_events_than_allowed(minutes: int) -> None:
    highest = clean(400)
    levels = learn_event_levels(highest, THRESHOLDS, minutes)
    assert ((highest >= THRESHOLDS + levels).sum(axis=0) <= FALSE_PER_MINUTE * minutes).all()
    assert ((highest >= THRESHOLDS + levels - MARGIN - 1e-6).sum(axis=0) == FALSE_PER_MINUTE * minutes // 1 + 1).all()


def test_recordings_that_are_not_decided_ask_for_nothing() -> None:
    assert (learn_event_levels(np.full((60, 2), -np.inf), THRESHOLDS, 6.0) == 0.0).all()


def test_a_level_never_lies_below_the_threshold() -> None:
    levels = learn_event_levels(clean(50) - 10.0, THRESHOLDS, 5.0)
    assert levels.dtype == np.float32
    assert (levels == 0.0).all()


def test_without_clean_recordings_deciding_is_enough() -> None:
    assert (learn_event_levels(np.zeros((0, 2)), THRESHOLDS, 0.0) == 0.0).all()
