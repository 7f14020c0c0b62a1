"""The library that another one is made of: every row has its place, those that cannot be used as well."""

import pickle
from pathlib import Path

import pytest

from catalog.damage import plan as damage
from catalog.derived.dealing import Source, takes_by_split
from catalog.derived.source import open_source
from catalog.format import Catalog
from catalog.noise import plan as noise
from catalog.noise.pool import NoisePool
from catalog.recording import SPLITS, Event, Recording, Word

ROWS = 24


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A catalog without splits, of files that are there."""
    rows = [Recording(id=f"{n}", path=f"{n}.wav", artist=f"artist {n // 2}", tags=("rain",)) for n in range(ROWS)]
    for row in rows:
        (tmp_path / row.path).touch()
    return Catalog.write(tmp_path / "catalog.csv", "tones", rows).path


def opened(path: Path, told: list[str] | None = None, minutes: float | None = None) -> tuple[list[Source | None], int]:
    say = (lambda line: None) if told is None else told.append
    _, sources, limit = open_source(path, kind="noisy", workers=1, excerpt_s=6.0, minutes=minutes, say=say)
    return sources, limit or 3 * ROWS


def plans(path: Path, minutes: float | None) -> list[damage.Take | noise.Take]:
    sources, limit = opened(path, minutes=minutes)
    takes = takes_by_split(2, training_takes=3)
    damaged = damage.plan_takes(sources, seed=0, takes=takes, limit=limit)
    return [*damaged, *noise.plan_takes(sources, NoisePool(None), seed=0, takes=takes, limit=limit)]


@pytest.mark.parametrize("minutes", [None, 3.0])
def test_a_row_whose_file_is_missing_leaves_the_plan_of_all_others_as_it_was(
    source: Path, minutes: float | None
) -> None:
    complete = plans(source, minutes)
    for number in (0, 7, ROWS - 1):
        (source.parent / f"{number}.wav").unlink()
    left = plans(source, minutes)
    assert left == [take for take in complete if take.row not in (0, 7, ROWS - 1)]
    assert all(take.source.id == str(take.row) for take in left)


def test_a_row_that_nobody_can_read_keeps_its_number(source: Path) -> None:
    lines = source.read_bytes().splitlines(keepends=True)
    lines[-ROWS] = b'a stray quote: "\r\n'
    source.write_bytes(b"".join(lines))
    sources, _ = opened(source)
    assert sources[0] is None
    assert [placed and placed[0] and placed[0].id for placed in sources[1:]] == [str(n) for n in range(1, ROWS)]
    assert {take.row for take in plans(source, None)} == set(range(1, ROWS))


def test_each_row_that_is_left_out_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    stems = {"vocals": "v.wav", "accompaniment": "b.wav"}
    rows = [Recording(id="x", path="x.wav", stems=stems), Recording(id="a", path="a.wav", split="eval")]
    path = Catalog.write(tmp_path / "catalog.csv", "tones", rows).path
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines(keepends=True)[-1])
    told: list[str] = []
    sources, _ = opened(path, told)
    assert told == [
        'left out: catalog.csv: row 1, column path: "x.wav" does not exist',
        'left out: catalog.csv: row 3, column id: "a" was already used in row 2',
    ]
    assert [placed and placed[0] and placed[0].id for placed in sources] == [None, "a", None]
    assert sources[0] is not None
    assert sources[0][1] in SPLITS


def test_a_source_holds_what_takes_inherit_and_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    inherited = Recording(id="a", path="a.wav", artist="A", album="B", title="C", package="D", licence="CC0")
    long = {
        "lyrics": "la " * 10_000,
        "words": tuple(Word("la", n, n + 1) for n in range(1000)),
        "labels": tuple(Event("click", n, n + 1) for n in range(1000)),
        "stems": {f"stem {n}": "a.wav" for n in range(100)},
        "tags": tuple(f"tag {n}" for n in range(100)),
        "language": "en",
        "split": "train",
    }
    path = Catalog.write(tmp_path / "catalog.csv", "tones", [inherited.model_copy(update=long)]).path
    sources, _ = opened(path)
    assert sources == [(inherited, "train")]
    assert len(pickle.dumps(sources)) < 1000


def test_a_noise_whose_file_is_missing_changes_the_takes_alone_that_had_it(source: Path) -> None:
    sources: list[Source | None] = [(Recording(id=str(n), path="x.wav"), SPLITS[n % 4]) for n in range(160)]

    def planned(told: list[str]) -> list[noise.Take]:
        return noise.plan_takes(sources, NoisePool(source, told.append), seed=0, takes=takes_by_split(4), limit=None)

    complete = planned([])
    heard = {take.recording.id for take in complete if take.recording is not None}
    assert len(heard) > ROWS // 2
    missing = heard & {"0", "1", "2", "3"}
    for number in missing:
        (source.parent / f"{number}.wav").unlink()
    told: list[str] = []
    left = planned(told)
    assert told == [
        f'left out: catalog.csv: row {int(number) + 1}, column path: "{number}.wav" does not exist'
        for number in sorted(missing)
    ]
    had = [take.recording is not None and take.recording.id in missing for take in complete]
    assert any(had)
    for before, after, changed in zip(complete, left, had, strict=True):
        assert (before != after) == changed
        assert after.tags == before.tags
        assert after.recording is None or after.recording.id not in missing
