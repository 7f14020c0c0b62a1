import numpy as np
import pytest
import scipy.stats

from benchmarks.intervals import bootstrap_interval, cluster_counts, mean_interval


def test_every_bootstrap_sample_draws_as_many_clusters_as_there_are() -> None:
    clusters = ["a", "a", "b", "c", "c", "c"]
    counts = cluster_counts(clusters, 200, seed=1)
    assert counts.shape == (200, 6)
    assert np.all(counts[:, 0] + counts[:, 2] + counts[:, 3] == 3)


def test_recordings_of_a_cluster_are_drawn_together() -> None:
    counts = cluster_counts(["a", "b", "a", "b"], 100, seed=2)
    assert np.array_equal(counts[:, 0], counts[:, 2])
    assert np.array_equal(counts[:, 1], counts[:, 3])


def test_equal_seeds_give_equal_samples() -> None:
    clusters = [str(n) for n in range(20)]
    assert np.array_equal(cluster_counts(clusters, 10, seed=3), cluster_counts(clusters, 10, seed=3))
    assert not np.array_equal(cluster_counts(clusters, 10, seed=3), cluster_counts(clusters, 10, seed=4))


def test_nothing_to_draw_from_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 recordings"):
        cluster_counts([], 10, seed=0)


def test_the_bootstrap_of_a_mean_agrees_with_the_normal_interval() -> None:
    values = np.random.default_rng(0).normal(size=400)
    counts = cluster_counts([str(n) for n in range(400)], 4000, seed=0)
    interval = bootstrap_interval(values.mean(), counts @ values / 400)
    half = 1.96 * values.std() / 20
    assert interval.low == pytest.approx(values.mean() - half, abs=0.01)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.01)


def test_clusters_of_equal_recordings_widen_the_interval() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=40), 10)
    alone = cluster_counts([str(n) for n in range(400)], 2000, seed=0) @ values / 400
    together = cluster_counts([str(n // 10) for n in range(400)], 2000, seed=0) @ values / 400
    assert together.std() > 2.5 * alone.std()


def test_undefined_samples_are_left_out() -> None:
    interval = bootstrap_interval(0.5, np.array([np.nan, 0.5, 0.5]))
    assert (interval.low, interval.high) == (0.5, 0.5)
    assert np.isnan(bootstrap_interval(0.5, np.array([np.nan])).low)


def test_the_interval_of_repeats_is_students() -> None:
    values = [0.1, 0.3, 0.2, 0.4, 0.25]
    expected = scipy.stats.t.interval(0.95, 4, loc=np.mean(values), scale=scipy.stats.sem(values))
    interval = mean_interval(values)
    assert (interval.low, interval.high) == pytest.approx(expected)
    assert interval.excludes_zero


def test_one_repeat_has_no_interval() -> None:
    interval = mean_interval([0.7])
    assert interval.value == 0.7
    assert np.isnan(interval.low)
    assert not interval.excludes_zero
