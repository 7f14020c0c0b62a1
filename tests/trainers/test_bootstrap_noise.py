"""How much a figure moves by chance."""

import math
from collections.abc import Iterable

import numpy as np
import pytest

from trainers.bootstrap_noise import Judged, artist_of, bootstrap_noise


def alone(pairs: Iterable[tuple[float, float]]) -> list[Judged]:
    """Recordings of as many artists."""
    return [Judged(str(number), *pair) for number, pair in enumerate(pairs)]


def test_the_noise_of_a_mean_is_its_normal_interval() -> None:
    scores = np.random.default_rng(0).normal(5.0, 2.0, 200)
    noise = bootstrap_noise("mean", alone((0.0, score) for score in scores))
    assert noise == pytest.approx(1.96 * scores.std() / math.sqrt(200), rel=0.08)


@pytest.mark.parametrize("figure", ["precision", "recall"])
def test_the_noise_of_a_share_is_that_of_a_binomial(figure: str) -> None:
    hits, misses = [(1.0, 0.9)] * 60, [(1.0, 0.1) if figure == "recall" else (0.0, 0.9)] * 40
    others = [(0.0, 0.2)] * 100
    noise = bootstrap_noise(figure, alone(hits + misses + others))
    assert noise == pytest.approx(1.96 * math.sqrt(0.6 * 0.4 / 100), rel=0.08)


def test_noise_does_not_depend_on_the_order_of_the_recordings() -> None:
    rng = np.random.default_rng(1)
    pairs = [(float(label), float(score)) for label, score in zip(rng.integers(0, 2, 50), rng.random(50), strict=True)]
    recordings = [Judged(str(number % 20), *pair) for number, pair in enumerate(pairs)]
    for figure in ("precision", "mean"):
        assert bootstrap_noise(figure, recordings) == bootstrap_noise(figure, recordings[::-1]) > 0


def test_recordings_of_an_artist_that_are_all_alike_are_one_piece_of_evidence() -> None:
    scores = np.random.default_rng(2).normal(5.0, 2.0, 20)
    one = bootstrap_noise("mean", alone((0.0, score) for score in scores))
    ten = bootstrap_noise("mean", [Judged(str(n), 0.0, score) for n, score in enumerate(scores) for _ in range(10)])
    assert ten == pytest.approx(one)


def test_one_artist_says_nothing_of_others() -> None:
    assert math.isnan(bootstrap_noise("mean", [Judged("a", 0.0, 1.0), Judged("a", 0.0, 3.0)]))


def test_a_figure_that_is_never_defined_has_no_noise() -> None:
    assert math.isnan(bootstrap_noise("precision", alone([(1.0, 0.1), (0.0, 0.2)])))
    assert math.isnan(bootstrap_noise("recall", []))


def test_a_figure_that_cannot_move_has_noise_zero() -> None:
    assert bootstrap_noise("recall", alone([(1.0, 0.9)] * 5)) == 0.0


def test_recordings_without_the_score_are_left_out() -> None:
    scores = alone((0.0, float(score)) for score in range(20))
    without = [Judged(artist, 0.0, math.nan) for artist in ("0", "other")]
    assert bootstrap_noise("mean", [*without, *scores]) == bootstrap_noise("mean", scores) > 0


def test_a_score_that_is_infinite_somewhere_has_no_noise() -> None:
    assert math.isnan(bootstrap_noise("mean", alone([(0.0, 1.0), (0.0, math.inf), (0.0, -math.inf)])))


def test_a_recording_without_an_artist_is_its_packages_or_its_own() -> None:
    some, nothing = np.array([b"same"], dtype=object), np.array([], dtype=object)
    named = [
        artist_of({"artist": some, "package": some, "id": some}),
        artist_of({"artist": nothing, "package": some, "id": some}),
        artist_of({"id": some}),
    ]
    assert len(set(named)) == 3
    assert named[1] == artist_of({"package": some, "id": np.array([b"other"], dtype=object)})
