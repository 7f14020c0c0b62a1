"""Splits keep artists together, are stratified by tag, and never move what was already placed."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import CatalogError
from catalog.format import Catalog
from catalog.problem import Problem
from catalog.recording import Recording, Split
from catalog.splits import DEFAULT_SHARES, SplitAssigner, group_of, with_splits
from catalog.vocabulary import Vocabulary


def library(recordings: int, artists: int, seed: int = 0) -> list[Recording]:
    """Artists of unequal size, each with a genre of its own."""
    rng = np.random.default_rng(seed)
    genres = rng.choice(["rock", "pop", "jazz", "folk"], size=artists, p=[0.5, 0.3, 0.15, 0.05])
    by_artist = (artists * rng.random(recordings) ** 2).astype(int)
    return [
        Recording(
            id=f"r{n}", path="a.wav", artist=f"Artist {a}", tags=(str(genres[a]), str(rng.choice(["fast", "slow"])))
        )
        for n, a in enumerate(by_artist)
    ]


def splits(recordings: list[Recording], seed: int = 0) -> list[Split]:
    assigner = SplitAssigner(seed)
    return [assigner.assign(recording) for recording in recordings]


@settings(max_examples=25, deadline=None)
@given(recordings=st.integers(1, 200), artists=st.integers(1, 40), seed=st.integers(0, 99), cut=st.integers(1, 200))
def test_appended_recordings_move_no_earlier_one(recordings: int, artists: int, seed: int, cut: int) -> None:
    rows = library(recordings, artists, seed)
    assert splits(rows, seed)[:cut] == splits(rows[:cut], seed)


def test_a_file_that_is_away_and_a_tag_that_is_unknown_move_no_other_recording(tmp_path: Path) -> None:
    recordings = [row.model_copy(update={"path": f"{row.id}.wav"}) for row in library(120, 50)]
    for row in recordings:
        (tmp_path / row.path).write_bytes(b"")
    catalog = Catalog.write(tmp_path / "catalog.csv", "library", recordings)
    known = Vocabulary(("fast", "folk", "jazz", "pop", "rock", "slow"))
    whole = placed(catalog, known)
    assert list(whole) == [row.id for row in recordings]
    (tmp_path / recordings[3].path).unlink()
    left = placed(catalog, Vocabulary(tuple(tag for tag in known.tags if tag != "jazz")))
    assert 0 < len(left) < len(recordings) - 1
    assert recordings[3].id not in left
    assert left == {name: whole[name] for name in left}


def placed(catalog: Catalog, vocabulary: Vocabulary) -> dict[str, Split]:
    """The splits of the recordings in which nothing is wrong."""
    rows = with_splits(catalog, SplitAssigner(), vocabulary=vocabulary)
    return {row[0].id: row[1] for row in rows if not isinstance(row, Problem)}


def test_an_artist_is_never_torn_apart() -> None:
    rows = library(600, 80)
    by_artist = defaultdict(set)
    for row, split in zip(rows, splits(rows), strict=True):
        by_artist[row.artist].add(split)
    assert all(len(found) == 1 for found in by_artist.values())


def test_every_tag_comes_near_its_share_in_every_split() -> None:
    rows = library(6000, 1500)
    by_tag: dict[str, Counter[Split]] = defaultdict(Counter)
    for row, split in zip(rows, splits(rows), strict=True):
        for tag in row.tags:
            by_tag[tag][split] += 1
    for counts in by_tag.values():
        for split, share in DEFAULT_SHARES.items():
            assert counts[split] / counts.total() == pytest.approx(share, abs=0.12)
            assert counts[split] > 0


def test_recordings_without_artist_meet_the_shares_closely() -> None:
    rows = [Recording(id=str(n), path="a.wav", tags=("rock" if n % 3 else "pop",)) for n in range(1000)]
    counts = Counter(splits(rows))
    for split, share in DEFAULT_SHARES.items():
        assert counts[split] / 1000 == pytest.approx(share, abs=0.01)


def test_the_catalogs_own_split_wins_and_its_group_follows() -> None:
    assigner = SplitAssigner()
    first = Recording(id="1", path="a.wav", artist="A", split="test")
    assert assigner.assign(first) == "test"
    assert assigner.assign(first.model_copy(update={"id": "2", "split": None})) == "test"
    assert assigner.assign(first.model_copy(update={"id": "3", "split": "train"})) == "train"
    assert assigner.torn == 1
    assert assigner.units == {"split": 2, "artist": 1}


def test_the_unit_falls_back_to_package_and_id() -> None:
    alone = Recording(id="1", path="a.wav")
    assert group_of(alone) == ("id", "1")
    assert group_of(alone.model_copy(update={"package": "Naev"})) == ("package", "naev")
    assert group_of(alone.model_copy(update={"artist": "  ÉLAN  Vital"})) == group_of(
        alone.model_copy(update={"artist": "élan vital"})
    )


def test_one_seed_gives_one_division_and_another_another() -> None:
    rows = library(300, 60)
    assert splits(rows, 1) == splits(rows, 1)
    assert splits(rows, 1) != splits(rows, 2)


@pytest.mark.parametrize("shares", [{"train": 0.5}, {"train": 1.5, "eval": -0.5}, {"all": 1.0}, {}])
def test_shares_that_are_none_are_refused(shares: dict[Split, float]) -> None:
    with pytest.raises(CatalogError, match="sum to 1"):
        SplitAssigner(shares=shares)


def test_a_split_without_a_share_stays_empty() -> None:
    assigner = SplitAssigner(shares={"train": 0.8, "eval": 0.2})
    assert {assigner.assign(row) for row in library(200, 50)} == {"train", "eval"}
