import numpy as np
import pytest
import tensorflow as tf

from trainers.calibration import best_threshold, calibrate, learn_thresholds, pool_recordings
from trainers.tag_tree import TagTree

TREE = TagTree.of(("pop", "pop/piano", "rock", "pop/synth"), {"pop/piano": "pop", "pop/synth": "pop"})
PARENTS = np.array([0, 0, 2, 0])


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_a_child_is_never_above_its_parent(rng: np.random.Generator) -> None:
    logits = tf.constant(rng.normal(0, 8, (500, 4)), tf.float32)
    probabilities = tf.exp(TREE.log_probabilities(logits)).numpy()
    assert np.all(probabilities <= probabilities[:, PARENTS])


def test_a_childs_score_is_the_product_with_its_parents(rng: np.random.Generator) -> None:
    logits = rng.normal(0, 2, (50, 4)).astype(np.float32)
    own = 1 / (1 + np.exp(-logits))
    product = own * np.where(TREE.is_child, own[:, PARENTS], 1.0)
    np.testing.assert_allclose(tf.exp(TREE.log_probabilities(tf.constant(logits))).numpy(), product, rtol=1e-5)


def test_heads_are_averaged_and_a_child_stays_below_its_parent(rng: np.random.Generator) -> None:
    logits = tf.constant(rng.normal(0, 4, (200, 3, 4)), tf.float32)
    probabilities = TREE.probabilities(logits).numpy()
    each = tf.exp(TREE.log_probabilities(logits)).numpy()
    np.testing.assert_allclose(probabilities, (each[:, 0] + each[:, 1] + each[:, 2]) / 3, rtol=1e-5)
    assert np.all(probabilities <= probabilities[:, PARENTS])


def test_a_child_is_taught_among_its_siblings_only(rng: np.random.Generator) -> None:
    logits = tf.constant(rng.normal(0, 2, (1, 4)), tf.float32)
    without_parent = TREE.loss(logits, tf.constant([[0.0, 0.0, 1.0, 0.0]])).numpy()[0]
    with_parent = TREE.loss(logits, tf.constant([[1.0, 0.0, 0.0, 1.0]])).numpy()[0]
    assert without_parent[1] == without_parent[3] == 0.0
    assert np.all(with_parent > 0)


def test_a_grandchild_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a tag without a parent"):
        TagTree.of(("a", "b", "c"), {"b": "a", "c": "b"})


def test_calibration_keeps_a_child_below_its_parent_whatever_the_thresholds(rng: np.random.Generator) -> None:
    probabilities = tf.exp(TREE.log_probabilities(tf.constant(rng.normal(0, 4, (300, 4)), tf.float32)))
    calibrated = calibrate(probabilities, rng.normal(0, 3, 4).astype(np.float32), TREE).numpy()
    assert np.all(calibrated <= calibrated[:, PARENTS])


def test_the_best_threshold_is_the_middle_one_of_the_highest_f1(rng: np.random.Generator) -> None:
    for _ in range(50):
        scores = rng.integers(0, 12, 40) / 10  # with ties
        labels = (rng.random(40) < 0.3).astype(np.int64)
        allowed = rng.random(40) < 0.8
        found = best_threshold(scores, labels, allowed)
        candidates = np.unique(scores[allowed])
        cuts = [candidates[0] - 1.0, *(candidates[1:] + candidates[:-1]) / 2]
        decisions = [(scores >= cut) & allowed for cut in cuts]
        f1 = np.array([2 * np.sum(decided & (labels > 0)) / (decided.sum() + labels.sum()) for decided in decisions])
        best = np.flatnonzero(f1 == f1.max())
        assert found == cuts[best[len(best) // 2]]


def test_one_half_is_the_decision_of_the_learnt_threshold(rng: np.random.Generator) -> None:
    labels = (rng.random((200, 4)) < 0.4).astype(np.int64)
    labels[:, 1] &= labels[:, 0]
    labels[:, 3] &= labels[:, 0]
    shift = np.array([-3.0, -2.0, 1.0, -4.0])
    logits = 4.0 * labels - 2.0 + shift + rng.normal(0, 0.5, labels.shape)
    probabilities = 1 / (1 + np.exp(-logits))
    probabilities = np.minimum(probabilities, probabilities[:, PARENTS])
    thresholds = learn_thresholds(probabilities, labels, TREE)
    decided = calibrate(tf.constant(probabilities, tf.float32), thresholds, TREE).numpy() >= 0.5
    assert np.mean(decided == (labels > 0)) > 0.95
    assert np.mean((probabilities >= 0.5) == (labels > 0)) < 0.85


def test_segments_are_pooled_by_the_audio_that_they_hold() -> None:
    ids, weights = np.array(["b", "a", "b"]), np.array([1.0, 0.5, 3.0])
    pooled = pool_recordings(ids, weights, np.array([[0.0], [0.7], [1.0]]))
    np.testing.assert_allclose(pooled, [[0.7], [0.75]])
