"""How much a figure moves by chance."""

import math

import numpy as np
import pytest

from trainers.bootstrap_noise import bootstrap_noise


def test_the_noise_of_a_mean_is_its_normal_interval() -> None:
    scores = np.random.default_rng(0).normal(5.0, 2.0, 200)
    noise = bootstrap_noise("mean", [(0.0, score) for score in scores])
    assert noise == pytest.approx(1.96 * scores.std() / math.sqrt(200), rel=0.08)


@pytest.mark.parametrize("figure", ["precision", "recall"])
def test_the_noise_of_a_share_is_that_of_a_binomial(figure: str) -> None:
    hits, misses = [(1.0, 0.9)] * 60, [(1.0, 0.1) if figure == "recall" else (0.0, 0.9)] * 40
    others = [(0.0, 0.2)] * 100
    noise = bootstrap_noise(figure, hits + misses + others)
    assert noise == pytest.approx(1.96 * math.sqrt(0.6 * 0.4 / 100), rel=0.08)


def test_noise_does_not_depend_on_the_order_of_the_recordings() -> None:
    rng = np.random.default_rng(1)
    pairs = [(float(label), float(score)) for label, score in zip(rng.integers(0, 2, 50), rng.random(50), strict=True)]
    assert bootstrap_noise("precision", pairs) == bootstrap_noise("precision", pairs[::-1]) > 0


def test_a_figure_that_is_never_defined_has_no_noise() -> None:
    assert math.isnan(bootstrap_noise("precision", [(1.0, 0.1), (0.0, 0.2)]))
    assert math.isnan(bootstrap_noise("recall", []))


def test_a_figure_that_cannot_move_has_noise_zero() -> None:
    assert bootstrap_noise("recall", [(1.0, 0.9)] * 5) == 0.0


def test_recordings_without_the_score_are_left_out() -> None:
    scores = [(0.0, float(score)) for score in range(20)]
    assert bootstrap_noise("mean", [(0.0, math.nan), *scores, (0.0, math.nan)]) == bootstrap_noise("mean", scores) > 0


def test_a_score_that_is_infinite_somewhere_has_no_noise() -> None:
    assert math.isnan(bootstrap_noise("mean", [(0.0, 1.0), (0.0, math.inf), (0.0, -math.inf)]))
