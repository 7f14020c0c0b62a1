"""Events ask for more than a decision where clean recordings would hold some."""

import numpy as np
import pytest
import tensorflow as tf

from trainers.calibration import calibrate, logit
from trainers.defects.event_levels import FALSE_PER_MINUTE, LEAST_MINUTES, MARGIN, learn_event_levels
from trainers.tag_tree import TagTree

CEILINGS = np.full(2, 16.0)


def clean(recordings: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((recordings, 2))


@pytest.mark.parametrize("minutes", [5.0, 30.0])
def test_clean_recordings_hold_no_more_events_than_allowed(minutes: int) -> None:
    scores = clean(400)
    levels = learn_event_levels(scores, minutes, CEILINGS)
    allowed = int(FALSE_PER_MINUTE * minutes)
    assert ((scores >= levels).sum(axis=0) <= allowed).all()
    assert ((scores >= levels - MARGIN - 1e-6).sum(axis=0) == allowed + 1).all()


def test_deciding_is_enough_where_no_clean_recording_is_decided() -> None:
    levels = learn_event_levels(clean(50) - 10.0, 5.0, CEILINGS)
    assert levels.dtype == np.float32
    assert (levels == 0.0).all()


@pytest.mark.parametrize("recordings", [0, 3])
def test_deciding_is_enough_where_too_little_is_clean_to_learn_from(recordings: int) -> None:
    assert (learn_event_levels(clean(recordings) + 9.0, LEAST_MINUTES - 0.1, CEILINGS) == 0.0).all()


@pytest.mark.parametrize("threshold", [-8.0, 0.0, 3.0, 13.0])
def test_a_certain_recording_has_events_although_a_clean_one_was_as_certain(threshold: float) -> None:
    thresholds = np.full(2, threshold, np.float32)
    ceilings = logit(np.ones(2)) - thresholds
    levels = learn_event_levels(ceilings[np.newaxis], LEAST_MINUTES, ceilings)
    nearly_certain = calibrate(tf.constant([[1.0, 1.0 - 4e-7]]), thresholds, TagTree.of(("click", "hum"), {}))
    assert (nearly_certain >= tf.sigmoid(tf.constant(levels))).numpy().all()


def test_a_level_that_can_be_reached_stays_above_the_worst_clean_recording() -> None:
    levels = learn_event_levels(np.array([[3.0, 13.0]]), LEAST_MINUTES, CEILINGS)
    np.testing.assert_allclose(levels, np.array([3.0, 13.0]) + MARGIN)
