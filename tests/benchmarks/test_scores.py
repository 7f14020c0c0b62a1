import numpy as np
import pytest

from benchmarks.scores import METRICS, System, judge, precision_recall, ranking
from trainers.average_precision import average_precision


def _problem(seed: int, recordings: int = 60) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.random(recordings) < 0.3
    scores = np.round(generator.normal(size=recordings) + labels, 1)  # with ties
    return scores, labels


@pytest.mark.parametrize("seed", range(5))
def test_a_recording_drawn_twice_counts_as_two_recordings(seed: int) -> None:
    scores, labels = _problem(seed)
    counts = np.random.default_rng(seed).integers(0, 3, (1, len(scores)))
    drawn = np.repeat(np.arange(len(scores)), counts[0])
    once = np.ones((1, len(drawn)), dtype=np.int64)
    np.testing.assert_allclose(ranking(scores, labels, counts), ranking(scores[drawn], labels[drawn], once))
    weighted = precision_recall(scores > 0.5, labels, counts)
    np.testing.assert_allclose(weighted, precision_recall(scores[drawn] > 0.5, labels[drawn], once))


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_the_trainers(seed: int) -> None:
    scores, labels = _problem(seed)
    _, average = ranking(scores, labels, np.ones((1, len(scores)), dtype=np.int64))
    assert average[0] == pytest.approx(average_precision(scores, labels))


def test_roc_auc_is_the_share_of_pairs_in_order() -> None:
    scores, labels = _problem(7)
    pairs = scores[labels][:, np.newaxis] - scores[~labels]
    area, _ = ranking(scores, labels, np.ones((1, len(scores)), dtype=np.int64))
    assert area[0] == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))


def test_figures_without_meaning_are_nan() -> None:
    scores, labels = np.array([0.1, 0.9]), np.array([True, False])
    only_tagged, none_drawn = np.array([[1, 0]]), np.array([[0, 1]])
    assert np.isnan(ranking(scores, labels, only_tagged)[0])
    assert np.isnan(precision_recall(labels, labels, none_drawn)).all()
    assert precision_recall(~labels & labels, labels, only_tagged)[0] == 0


def test_a_system_equals_itself_and_a_better_one_wins() -> None:
    generator = np.random.default_rng(0)
    labels = generator.random((80, 3)) < 0.4
    weak = System("weak", generator.normal(size=(80, 3)), generator.random((80, 3)) < 0.5)
    strong = System("strong", labels + 0.1 * generator.normal(size=(80, 3)), labels)
    artists = [str(n // 4) for n in range(80)]
    one, other = (judge([system], labels, artists, resamples=300) for system in (strong, weak))
    for metric in range(len(METRICS)):
        assert one.minus(one, metric).high == 0
        assert one.minus(other, metric).low > 0
        assert one.macro(metric).value == pytest.approx(1)


@pytest.mark.parametrize("seed", range(3))
def test_figures_over_folds_do_not_see_the_scale_of_a_folds_scores(seed: int) -> None:
    scores, labels = _problem(seed)
    folds = np.arange(len(scores)) % 3
    counts = np.random.default_rng(seed).integers(0, 3, (4, len(scores)))
    rescaled = scores * (1 + folds) - 100.0 * folds
    np.testing.assert_allclose(ranking(rescaled, labels, counts, folds), ranking(scores, labels, counts, folds))
    assert (ranking(rescaled, labels, counts)[0] != ranking(scores, labels, counts)[0]).any()


def test_figures_over_folds_weigh_folds_by_pairs_and_by_tagged_recordings() -> None:
    scores, labels = _problem(11)
    folds = (np.arange(len(scores)) >= 20).astype(int)
    areas, averages, pairs, tagged = [], [], [], []
    for fold in range(2):
        s, t = scores[folds == fold], labels[folds == fold]
        area, average = ranking(s, t, np.ones((1, len(s)), dtype=np.int64))
        areas.append(area[0])
        averages.append(average[0])
        pairs.append(t.sum() * (~t).sum())
        tagged.append(t.sum())
    area, average = ranking(scores, labels, np.ones((1, len(scores)), dtype=np.int64), folds)
    assert area[0] == pytest.approx(np.average(areas, weights=pairs))
    assert average[0] == pytest.approx(np.average(averages, weights=tagged))


def test_a_fold_without_the_tag_ranks_nothing() -> None:
    scores, labels = _problem(4)
    more_scores, more_labels = np.append(scores, [9.0, 8.0]), np.append(labels, [False, False])
    folds = np.append(np.zeros(len(scores), int), [1, 1])
    one, two = (np.ones((1, n), dtype=np.int64) for n in (len(scores), len(more_scores)))
    np.testing.assert_allclose(ranking(more_scores, more_labels, two, folds), ranking(scores, labels, one))


def test_figures_of_trainings_are_the_mean_of_each_trainings_on_every_resample() -> None:
    generator = np.random.default_rng(1)
    labels = generator.random((40, 2)) < 0.4
    artists = [str(n // 4) for n in range(40)]
    repeated = [System("ours", generator.normal(size=(40, 2)), generator.random((40, 2)) < 0.5) for _ in range(3)]
    each = [judge([system], labels, artists, resamples=50) for system in repeated]
    together = judge(repeated, labels, artists, resamples=50)
    np.testing.assert_allclose(together.values, np.mean([one.values for one in each], axis=0))
    np.testing.assert_allclose(together.samples, np.mean([one.samples for one in each], axis=0))
    alone = judge(repeated[:1], labels, artists, resamples=50)
    np.testing.assert_array_equal(alone.samples, each[0].samples)
