"""Events ask for more than a decision where clean recordings would hold some."""

import numpy as np
import pytest

from trainers.defects.event_levels import FALSE_PER_MINUTE, LEAST_MINUTES, MARGIN, learn_event_levels


def clean(recordings: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((recordings, 2))


@pytest.mark.parametrize("minutes", [5.0, 30.0])
def test_clean_recordings_hold_no_more_events_than_allowed(minutes: int) -> None:
    scores = clean(400)
    levels = learn_event_levels(scores, minutes)
    allowed = int(FALSE_PER_MINUTE * minutes)
    assert ((scores >= levels).sum(axis=0) <= allowed).all()
    assert ((scores >= levels - MARGIN - 1e-6).sum(axis=0) == allowed + 1).all()


def test_deciding_is_enough_where_no_clean_recording_is_decided() -> None:
    levels = learn_event_levels(clean(50) - 10.0, 5.0)
    assert levels.dtype == np.float32
    assert (levels == 0.0).all()


@pytest.mark.parametrize("recordings", [0, 3])
def test_deciding_is_enough_where_too_little_is_clean_to_learn_from(recordings: int) -> None:
    assert (learn_event_levels(clean(recordings) + 9.0, LEAST_MINUTES - 0.1) == 0.0).all()
