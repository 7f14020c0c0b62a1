"""Events ask for more than a decision where clean recordings would hold some."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from trainers.calibration import calibrate, logit
from trainers.defects import event_levels
from trainers.defects.event_levels import (
    LEAST_MINUTES,
    MARGIN,
    PARTS,
    SLACK,
    Clean,
    _shares,
    best_levels,
    learn_event_levels,
)
from trainers.defects.events import bridge, count_events
from trainers.tag_tree import TagTree

CEILINGS = np.full(2, 16.0)


def learn(scores: np.ndarray, labels: np.ndarray, minutes: float, allowed: float, ceilings: np.ndarray) -> np.ndarray:
    """Levels learnt of recordings of one window each, clean ones with one event of each defect, and other ones."""
    has = labels.any(axis=1)
    return learn_event_levels(windows(scores[~has], minutes), scores[has], labels[has], allowed, ceilings)


def best(scores: np.ndarray, labels: np.ndarray, allowed: int) -> np.ndarray:
    """The best levels of the same recordings, whatever they would do on others."""
    has = labels.any(axis=1)
    having = [scores[labels[:, defect], defect] for defect in range(scores.shape[1])]
    return best_levels(windows(scores[~has], 1.0), having, allowed, CEILINGS)[allowed]


def windows(scores: np.ndarray, minutes: float) -> Clean:
    """Clean recordings of one window with one event of each defect, which last so long all together."""
    count = len(scores)
    return Clean(np.arange(count), scores, np.ones(scores.shape, int), np.full(count, minutes / max(count, 1)))


def clean(recordings: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    scores = np.random.default_rng(seed).standard_normal((recordings, 2))
    return scores, np.zeros(scores.shape, bool)


def with_faulty(scores: np.ndarray, *faulty: tuple[float, int]) -> tuple[np.ndarray, np.ndarray]:
    """Clean recordings, and others: what each scores for the one defect that it has."""
    labels = np.eye(2, dtype=bool)[[defect for _, defect in faulty]]
    added = np.array([[score] for score, _ in faulty]) * labels
    return np.concatenate([scores, added]), np.concatenate([np.zeros(scores.shape, bool), labels])


@pytest.mark.parametrize("minutes", [5.0, 30.0])
def test_clean_recordings_hold_no_more_events_than_allowed_of_all_defects_together(minutes: float) -> None:
    scores, _ = clean(400)
    rng = np.random.default_rng(1)
    scores, labels = with_faulty(scores, *((2.0 + 2.0 * rng.random(), number % 2) for number in range(100)))
    allowed = int(0.1 * minutes)
    assert (scores[:400] >= learn(scores, labels, minutes, 0.1, CEILINGS)).sum() <= allowed
    levels = best(scores, labels, allowed)
    assert (scores[:400] >= levels).sum() <= allowed
    assert (scores[:400] >= levels - MARGIN - 1e-6).sum() == allowed + 2


def test_albums_that_nothing_was_learnt_of_hold_hardly_more_events_than_allowed() -> None:
    """Ten are. The best levels of some albums tell 18.8 in others on average, those that are learnt 12.8."""
    learnt, fitted = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        albums = 6.0 * rng.standard_normal((2 * PARTS, 1, 2)) + rng.standard_normal((2 * PARTS, 10, 2))
        known, unknown = (half.reshape(-1, 2) for half in np.split(albums - 6.0, 2))
        scores, labels = with_faulty(known, *((12.0 * rng.random(), number % 2) for number in range(100)))
        learnt.append(np.sum(unknown >= learn(scores, labels, 100.0, 0.1, CEILINGS)))
        fitted.append(np.sum(unknown >= best(scores, labels, 10)))
    assert np.mean(learnt) < 14.0 < 18.0 < np.mean(fitted)


def test_what_is_wrong_in_one_album_is_expected_of_another() -> None:
    """Ten clean recordings are wrong where nine events may be told. In albums of their own each is expected by the
    others, and eight are told; in one album nothing else makes one expect them, and none is.
    """
    wrong = np.linspace(5.0, 4.1, 10)
    apart, together = np.full((2, 200, 2), -5.0)
    apart[::20, 0], together[70:80, 0] = wrong, wrong
    levels = [learn(*with_faulty(clean, (9.0, 0), (4.7, 0)), 90.0, 0.1, CEILINGS)[0] for clean in (apart, together)]
    np.testing.assert_allclose(levels, [4.2 + MARGIN, 5.0 + MARGIN], rtol=1e-6)


def test_the_allowed_ones_go_where_they_keep_most_events() -> None:
    """Three may be wrong: one keeps both that click; of those that hum a second and a third keep one each."""
    scores = np.full((100, 2), -5.0)
    scores[:4, 0] = 9.0, 1.0, 0.9, 0.8
    scores[4:8, 1] = 8.0, 6.0, 4.0, 2.0
    scores, labels = with_faulty(scores, (2.0, 0), (3.0, 0), (7.0, 1), (5.0, 1), (3.0, 1), (-1.0, 1))
    found = best(scores, labels, 3)
    np.testing.assert_allclose(found, [1.0 + MARGIN, 4.0 + MARGIN])

    def reached(levels: tuple[float, ...]) -> float:
        return float(np.sum((labels & (scores >= levels)).sum(axis=0) / labels.sum(axis=0)))

    heights = [0.0, *np.unique(scores[:100][scores[:100] > 0]) + MARGIN]
    affordable = (pair for pair in itertools.product(heights, heights) if (scores[:100] >= pair).sum() <= 3)
    assert reached(tuple(found)) == max(map(reached, affordable))


def test_what_only_helps_twice_is_not_passed_over_for_what_helps_a_little_at_once() -> None:
    """Two may be wrong: both of the clicks, though the first alone keeps none, for a fourth of what hums each."""
    scores = np.full((100, 2), -5.0)
    scores[:2, 0] = 9.0, 8.0
    scores[2:4, 1] = 9.0, 8.5
    scores, labels = with_faulty(scores, (5.0, 0), (5.0, 0), (9.2, 1), (4.0, 1), (20.0, 1), (20.0, 1))
    np.testing.assert_allclose(best(scores, labels, 2), [0.0, 9.0 + MARGIN])


def test_of_levels_that_keep_as_many_those_with_the_fewest_false_ones_are_taken() -> None:
    """Sums of tenths and thirds that are the same but for their rounding."""
    reached = np.array([[1, 1, 3, 7, 10], [0, 2, 4, 4, 5], [0, 2, 2, 3, 3]]) / np.array([[10], [6], [3]])
    shares = _shares(reached)[4]
    assert sum(reached[number, share] for number, share in enumerate(shares)) == pytest.approx(0.1 + 4 / 3)
    assert sum(shares) == 3


def test_many_that_are_allowed_are_dealt_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """They keep hardly less than what is dealt one by one, and hold what they promise as well."""
    rng = np.random.default_rng(2)
    scores, labels = with_faulty(rng.normal(0.0, 2.0, (5000, 2)), *((8.0 * rng.random(), n % 2) for n in range(400)))
    clean = windows(scores[:5000], 1.0)
    having = [scores[labels[:, defect], defect] for defect in range(2)]
    kept = []
    for steps in (400, 40):
        monkeypatch.setattr(event_levels, "_STEPS", steps)
        levels = best_levels(clean, having, 400, CEILINGS)
        assert len(levels) == steps + 1
        told = [(clean.scores >= level).sum() for level in levels]
        assert (told <= np.arange(steps + 1) * (400 // steps)).all()
        kept.append(np.mean([np.mean(of >= level) for of, level in zip(having, levels[-1], strict=True)]))
    assert kept[0] - 0.02 < kept[1] <= kept[0] < 1.0


def test_false_events_that_a_ceiling_forces_are_of_the_allowed_ones() -> None:
    clean_scores = np.array([[14.0, float(number % 4)] for number in range(20)])
    scores, labels = with_faulty(clean_scores, (15.0, 0), (2.8, 1))
    levels = learn(scores, labels, 30.0, 0.1, np.array([14.5, 16.0]))
    np.testing.assert_allclose(levels, [14.5 - SLACK, 3.0 + MARGIN])


def test_nothing_is_allowed_that_keeps_no_event() -> None:
    scores, labels = with_faulty(np.linspace(-2.0, 2.0, 80).repeat(2).reshape(80, 2), (9.0, 0), (9.0, 1))
    np.testing.assert_allclose(learn(scores, labels, 100.0, 0.1, CEILINGS), 2.0 + MARGIN)


def test_events_are_counted_and_not_windows() -> None:
    """Two may be told: not the four of the surest window of clicks, nor the next behind it; both hums, of one each. A
    window without an active frame tells none, however sure.
    """
    clean_scores = np.array([[9.0, 9.0], [8.0, 7.0], [7.0, 6.0], [-1.0, -1.0]])
    events = np.array([[0, 1], [4, 1], [1, 1], [1, 1]])
    scores = np.array([[8.6, 0.0], [0.0, 6.8]])
    told = windows(clean_scores, 20.0)._replace(events=events)
    levels = best_levels(told, [scores[:1, 0], scores[1:, 1]], 2, CEILINGS)[2]
    np.testing.assert_allclose(levels, [8.0 + MARGIN, 6.0 + MARGIN])


def test_pauses_within_an_event_do_not_make_two() -> None:
    lines = ["xx..x...x.", "x.x.x.x.x.", "..........", "xxxxxxxxxx"]
    active = np.array([[mark == "x" for mark in line] for line in lines])
    counts = count_events(np.stack([active, active], axis=-1), pauses=(2, 1)).numpy()
    assert counts.tolist() == [[2, 3], [1, 1], [0, 0], [1, 1]]
    for window, line in enumerate(active):
        bridged = bridge(tf.constant(np.stack([line, line], axis=-1)), (2, 1)).numpy()
        starts = bridged & ~np.concatenate([np.zeros((1, 2), bool), bridged[:-1]])
        assert counts[window].tolist() == starts.sum(axis=0).tolist()


def test_deciding_is_enough_where_every_clean_recording_may_be_wrong() -> None:
    scores, labels = with_faulty(np.ones((100, 2)), (0.5, 0), (0.5, 1))
    assert (learn(scores, labels, 10.0, np.inf, CEILINGS) == 0.0).all()


def test_deciding_is_enough_where_no_clean_recording_is_decided() -> None:
    scores, labels = clean(50)
    levels = learn(scores - 10.0, labels, 5.0, 0.1, CEILINGS)
    assert levels.dtype == np.float32
    assert (levels == 0.0).all()


@pytest.mark.parametrize("recordings", [0, 3])
def test_deciding_is_enough_where_too_little_is_clean_to_learn_from(recordings: int) -> None:
    scores, labels = clean(recordings)
    assert (learn(scores + 9.0, labels, LEAST_MINUTES - 0.1, 0.1, CEILINGS) == 0.0).all()


@pytest.mark.parametrize("threshold", [-8.0, 0.0, 3.0, 13.0])
def test_a_certain_recording_has_events_although_a_clean_one_was_as_certain(threshold: float) -> None:
    thresholds = np.full(2, threshold, np.float32)
    ceilings = logit(np.ones(2)) - thresholds
    levels = learn(ceilings[np.newaxis], np.zeros((1, 2), bool), LEAST_MINUTES, 0.1, ceilings)
    nearly_certain = calibrate(tf.constant([[1.0, 1.0 - 4e-7]]), thresholds, TagTree.of(("click", "hum"), {}))
    assert (nearly_certain >= tf.sigmoid(tf.constant(levels))).numpy().all()


def test_a_level_that_can_be_reached_stays_above_the_worst_clean_recording() -> None:
    levels = learn(np.array([[3.0, 13.0]]), np.zeros((1, 2), bool), LEAST_MINUTES, 0.1, CEILINGS)
    np.testing.assert_allclose(levels, np.array([3.0, 13.0]) + MARGIN)
