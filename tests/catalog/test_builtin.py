"""The built-in library on disk: the same bytes always, complete or without a catalog, never over other files."""

import multiprocessing
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from catalog.builtin import SYNTHETIC, build_builtin
from catalog.errors import CatalogError, WorkerKilledError
from catalog.format import open_catalog
from catalog.recording import Recording
from catalog.vocabulary import load_vocabulary
from tests.full_disk import files_of_at_most

SONGS = 3


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_builtin(tmp_path_factory.mktemp("library"), songs=SONGS, workers=2)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_catalog_is_valid_and_tells_all(built: Path) -> None:
    vocabulary = load_vocabulary("schemas/tagging/builtin/tags.yaml")
    rows = list(open_catalog(built).rows(vocabulary=vocabulary))
    assert len(rows) == SONGS
    for row in rows:
        assert isinstance(row, Recording), str(row)
        assert row.artist
        assert row.album
        assert row.title
        assert row.split
        assert (row.package, row.licence, set(row.stems)) == ("builtin", "CC0-1.0", {"vocals", "accompaniment"})
        assert bool(row.words) == bool(row.lyrics)


def test_it_says_that_it_is_synthetic(built: Path) -> None:
    assert "synthetic" in SYNTHETIC
    assert SYNTHETIC in (built.parent / "README.md").read_text("utf-8")


def test_stems_sum_to_the_mix_in_the_files(built: Path) -> None:
    for row in open_catalog(built).rows():
        assert isinstance(row, Recording)
        mix, vocals, accompaniment = (
            soundfile.read(built.parent / path, dtype="int16")[0]
            for path in (row.path, row.stems["vocals"], row.stems["accompaniment"])
        )
        np.testing.assert_array_equal(mix, vocals + accompaniment)


def test_words_are_the_lyrics(built: Path) -> None:
    for row in open_catalog(built).rows():
        assert isinstance(row, Recording)
        if row.words:
            joiner = "" if row.language == "ja" else " "
            assert joiner.join(word.word for word in row.words) == (row.lyrics or "").replace("\n", joiner)


def test_a_broken_build_goes_on_and_the_bytes_know_nothing_of_workers(built: Path, tmp_path: Path) -> None:
    def break_off(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_builtin(tmp_path, songs=SONGS, workers=1, progress=break_off)
    assert not (tmp_path / "catalog.csv").exists()
    early = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.flac")}
    (tmp_path / "audio" / "song-0002.part").write_bytes(b"half a fi")

    seen: list[tuple[int, int]] = []
    catalog = build_builtin(tmp_path, songs=SONGS, workers=1, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, SONGS), (2, SONGS), (3, SONGS)]
    assert early
    assert all(path.stat().st_mtime_ns == changed for path, changed in early.items())
    assert contents(catalog.parent) == contents(built.parent)


def test_a_full_disk_is_told_and_leaves_no_half_file(built: Path, tmp_path: Path) -> None:
    with files_of_at_most(100_000), pytest.raises(OSError, match="File too large") as error:
        build_builtin(tmp_path, songs=SONGS, workers=1)
    assert str(error.value.filename).endswith(".flac")
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} <= {"builtin.json", "lock"}
    assert contents(build_builtin(tmp_path, songs=SONGS, workers=1).parent) == contents(built.parent)


def test_a_second_call_does_nothing(built: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.parent.rglob("*")}
    calls: list[int] = []
    assert build_builtin(built.parent, songs=SONGS, progress=lambda done, total: calls.append(done)) == built
    assert calls == []
    assert {path: path.stat().st_mtime_ns for path in built.parent.rglob("*")} == before


def test_folders_that_were_removed_are_made_again(tmp_path: Path) -> None:
    catalog = build_builtin(tmp_path, songs=1, workers=1)
    for name in ("audio", "stems"):
        shutil.rmtree(tmp_path / name)
    build_builtin(tmp_path, songs=1, workers=1)
    assert all((tmp_path / row.path).is_file() for row in open_catalog(catalog).rows() if isinstance(row, Recording))


def test_another_seed_replaces_an_earlier_build(tmp_path: Path) -> None:
    build_builtin(tmp_path, songs=1, seed=1, workers=1)
    one = (tmp_path / "audio" / "song-0000.flac").read_bytes()
    build_builtin(tmp_path, songs=1, seed=2, workers=1)
    assert (tmp_path / "audio" / "song-0000.flac").read_bytes() != one


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(CatalogError, match="neither empty nor an earlier build"):
        build_builtin(tmp_path, songs=1)
    assert contents(tmp_path) == {"thesis.txt": b"mine"}


def test_a_second_build_is_kept_out_while_one_is_at_work(tmp_path: Path) -> None:
    def again(done: int, total: int) -> None:
        build_builtin(tmp_path, songs=1, workers=1)

    with pytest.raises(CatalogError, match="another build is at work there"):
        build_builtin(tmp_path, songs=1, workers=1, progress=again)
    assert build_builtin(tmp_path, songs=1, workers=1).is_file()


def test_a_build_that_was_killed_at_its_first_step_goes_on(tmp_path: Path) -> None:
    (tmp_path / ".build").mkdir()
    (tmp_path / "builtin.json-0123abcd.part").write_text("{")
    assert build_builtin(tmp_path, songs=1, workers=1).is_file()


def test_a_build_whose_worker_is_killed_says_so_and_goes_on(tmp_path: Path) -> None:
    def kill(done: int, total: int) -> None:
        for worker in multiprocessing.active_children():
            worker.kill()

    with pytest.raises(WorkerKilledError, match="the same command goes on"):
        build_builtin(tmp_path, songs=4, workers=1, progress=kill)
    assert not (tmp_path / "catalog.csv").exists()
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "audio").glob("*.flac")}
    assert made
    build_builtin(tmp_path, songs=4, workers=2)
    assert {path: path.stat().st_mtime_ns for path in made} == made


@pytest.mark.parametrize(
    ("songs", "workers", "name"), [(0, 1, "songs=0"), (10_001, 1, "songs=10001"), (1, 0, "workers=0")]
)
def test_numbers_out_of_range_are_named(tmp_path: Path, songs: int, workers: int, name: str) -> None:
    with pytest.raises(CatalogError, match=name):
        build_builtin(tmp_path, songs=songs, workers=workers)
