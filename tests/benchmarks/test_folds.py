import numpy as np
import pytest

from benchmarks.folds import artist_folds, rotate


def _library(artists: int = 40, tags: int = 6) -> tuple[list[str], np.ndarray]:
    generator = np.random.default_rng(0)
    sizes = generator.integers(1, 12, artists)
    style = generator.random((artists, tags)) < 0.3
    member = np.repeat(np.arange(artists), sizes)
    return [f"artist {n}" for n in member], style[member] & (generator.random((len(member), tags)) < 0.8)


@pytest.mark.parametrize("folds", [3, 5])
def test_an_artist_lies_in_one_fold_and_tags_are_spread_evenly(folds: int) -> None:
    artists, labels = _library()
    fold = artist_folds(artists, labels, folds)
    assert set(fold) == set(range(folds))
    for artist in set(artists):
        assert len({f for f, a in zip(fold, artists, strict=True) if a == artist}) == 1
    shares = np.stack([labels[fold == f].sum(axis=0) for f in range(folds)]) / labels.sum(axis=0)
    np.testing.assert_allclose(shares, 1 / folds, atol=0.16)
    np.testing.assert_allclose(np.bincount(fold) / len(fold), 1 / folds, atol=0.05)


def test_another_seed_is_another_division_and_the_same_seed_the_same() -> None:
    artists, labels = _library()
    first = artist_folds(artists, labels, 5)
    np.testing.assert_array_equal(artist_folds(artists, labels, 5), first)
    assert (artist_folds(artists, labels, 5, seed=1) != first).any()


def test_too_few_folds_or_artists_are_refused() -> None:
    artists, labels = _library(artists=4)
    for folds in (2, 5):
        with pytest.raises(ValueError, match=f"folds={folds} must be from 3 to the number of artists, 4"):
            artist_folds(artists, labels, folds)


def test_each_recording_is_judged_once_by_what_did_not_learn_or_choose_from_its_artist() -> None:
    artists, labels = _library()
    parts = rotate(artist_folds(artists, labels, 5))
    np.testing.assert_array_equal(np.sort(np.concatenate([part.judged for part in parts])), np.arange(len(artists)))
    for part in parts:
        everything = np.concatenate([part.train, part.validation, part.judged])
        np.testing.assert_array_equal(np.sort(everything), np.arange(len(artists)))
        names = [{artists[n] for n in numbers} for numbers in (part.train, part.validation, part.judged)]
        assert not names[2] & (names[0] | names[1])
        assert not names[0] & names[1]
