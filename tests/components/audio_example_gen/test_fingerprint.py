import json
import os
import sqlite3
import time
from contextlib import closing

import pytest

from audio.errors import DaCapoError
from catalog.format import Catalog
from catalog.recording import Event, Recording
from components.audio_example_gen import fingerprint as module
from components.audio_example_gen.fingerprint import HashIndex, fingerprint, hash_file
from components.audio_example_gen.settings import Settings
from tests.components.audio_example_gen.conftest import ONE_COLUMN

LONG_AGO_NS = 10**18


@pytest.fixture
def take(properties):
    """Takes the fingerprint of a catalog."""

    def take(catalog, **changes):
        settings = Settings.read(properties(catalog, **changes))
        with HashIndex(settings.index_path) as index:
            return fingerprint(settings, index)

    return take


@pytest.fixture
def hashed(monkeypatch):
    """Names of the files that are read to be hashed, as it happens."""
    names = []

    def spy(path):
        names.append(path.name)
        return hash_file(path)

    monkeypatch.setattr(module, "hash_file", spy)
    return names


@pytest.fixture
def later(monkeypatch):
    """The clock is ten seconds ahead, so that no file was changed a moment ago."""
    clock = time.time_ns
    monkeypatch.setattr(module.time, "time_ns", lambda: clock() + 10**10)


@pytest.fixture
def at_once(monkeypatch):
    """The clock stands still, so that every file was changed a moment ago."""
    now = time.time_ns()
    monkeypatch.setattr(module.time, "time_ns", lambda: now)


def change_one_byte(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_one_changed_byte_of_one_file_changes_the_fingerprint(library, take):
    library.add("a")
    path = library.add("b")
    catalog = library.write()
    before = take(catalog)
    change_one_byte(path)
    assert take(catalog) != before


def test_touch_changes_the_date_and_not_the_fingerprint(library, take, hashed):
    path = library.add("a")
    catalog = library.write()
    before = take(catalog)
    os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
    assert take(catalog) == before
    assert hashed == ["a.wav", "a.wav"]


def test_a_clone_elsewhere_has_the_same_fingerprint(library, take, tmp_path):
    library.add("a")
    before = take(library.write())
    library.root.rename(tmp_path / "elsewhere")
    assert take(tmp_path / "elsewhere" / "catalog.csv") == before


def test_csv_and_parquet_of_the_same_rows_have_the_same_fingerprint(library, take):
    library.add("a", lyrics="la", tags=("rock",))
    other = Catalog.write(library.root / "catalog.parquet", "tiny", library.recordings)
    assert take(library.write()) == take(other.path)


@pytest.mark.usefixtures("later")
def test_an_unchanged_file_is_read_once(library, take, hashed):
    library.add("a")
    catalog = library.write()
    assert take(catalog) == take(catalog)
    assert hashed == ["a.wav"]


@pytest.mark.usefixtures("later")
def test_a_change_that_puts_size_and_date_back_is_seen(library, take):
    path = library.add("a")
    catalog = library.write()
    before, date = take(catalog), path.stat()
    time.sleep(0.05)  # a tick of the file system's clock
    change_one_byte(path)
    os.utime(path, ns=(date.st_atime_ns, date.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (date.st_size, date.st_mtime_ns)
    assert take(catalog) != before


def test_a_file_with_an_old_date_that_was_written_a_moment_ago_is_not_trusted(library, take, hashed, at_once):
    os.utime(library.add("a"), ns=(LONG_AGO_NS, LONG_AGO_NS))
    catalog = library.write()
    assert take(catalog) == take(catalog)
    assert hashed == ["a.wav", "a.wav"]


def test_files_that_ffmpeg_might_read_are_tried_again_when_it_comes_or_has_a_new_release(library, take, monkeypatch):
    library.add("a")
    catalog = library.write()
    found = []
    for release in (None, "5.1", "7.1", "7.1"):
        monkeypatch.setattr(module, "ffmpeg_release", lambda release=release: release)
        found.append(take(catalog))
    assert len(set(found[:3])) == 3
    assert found[2] == found[3]


def test_a_file_that_was_changed_a_moment_ago_is_not_trusted(library, take, hashed, at_once):
    library.add("a")
    catalog = library.write()
    assert take(catalog) == take(catalog)
    assert hashed == ["a.wav", "a.wav"]


@pytest.mark.parametrize(
    "change",
    [
        {"id": "b"},
        {"tags": ("rock",)},
        {"lyrics": "la"},
        {"lyrics": ""},
        {"language": "de"},
        {"artist": "Bo"},
        {"split": "test"},
    ],
)
def test_a_changed_cell_that_examples_are_made_from_changes_the_fingerprint(library, take, change):
    library.add("a")
    before = take(library.write())
    library.recordings[0] = library.recordings[0].model_copy(update=change)
    assert take(library.write()) != before


def test_title_and_licence_and_unused_labels_and_stems_do_not_matter(library, take):
    library.add("a")
    library.sound("stem.wav", 1.0)
    before = take(library.write())
    more = {"title": "T", "licence": "CC0", "labels": (Event("click", 0, 1),), "stems": {"vocals": "stem.wav"}}
    library.recordings[0] = library.recordings[0].model_copy(update=more)
    assert take(library.write()) == before
    assert take(library.write(), timed_labels=True) != before


def test_stems_that_change_places_change_the_fingerprint(library, take):
    library.add("a")
    stems = {name: f"{name}.wav" for name in ("vocals", "accompaniment")}
    for number, path in enumerate(stems.values()):
        library.sound(path, 1.0 + number)
    columns = {"audio": json.dumps(ONE_COLUMN | {"columns": list(stems)})}
    library.recordings[0] = library.recordings[0].model_copy(update={"stems": stems})
    before = take(library.write(), **columns)
    swapped = dict(zip(stems, reversed(stems.values()), strict=True))
    library.recordings[0] = library.recordings[0].model_copy(update={"stems": swapped})
    assert take(library.write(), **columns) != before


def test_the_order_of_rows_matters_since_splits_follow_it(library, take):
    library.add("a")
    library.add("b")
    before = take(library.write())
    library.recordings.reverse()
    assert take(library.write()) != before


def test_a_missing_file_counts_as_missing_until_it_is_there(library, take):
    library.add("a")
    path = library.add("b")
    catalog = library.write()
    complete = take(catalog)
    content = path.read_bytes()
    path.unlink()
    assert take(catalog) != complete
    path.write_bytes(content)
    assert take(catalog) == complete


def test_what_lies_outside_of_the_catalogs_folder_is_not_read(library, take, tmp_path, hashed):
    library.add("a")
    (tmp_path / "secret").write_text("secret")
    (library.root / "link.wav").symlink_to(tmp_path / "secret")
    library.recordings.append(Recording(id="b", path="link.wav"))
    take(library.write())
    assert hashed == ["a.wav"]


def test_an_index_that_is_no_sqlite_file_is_named(library, take, tmp_path):
    library.add("a")
    (tmp_path / "broken.sqlite").write_text("not a database, though long enough to be one" * 50)
    with pytest.raises(DaCapoError, match=r"broken\.sqlite.*delete it"):
        take(library.write(), index_path=tmp_path / "broken.sqlite")


def test_a_row_whose_file_is_missing_counts_with_what_it_does_to_the_splits_of_others(library, take):
    library.add("a", artist="Ada")
    gone = library.add("gone", artist="Ada", split="eval")
    gone.unlink()
    found = []
    for changes in ({}, {"split": "train"}, {"artist": "Zoe"}, {"tags": ("rock",)}, {"title": "told by no Example"}):
        kept = library.recordings[1]
        library.recordings[1] = kept.model_copy(update=changes)
        found.append(take(library.write()))
        library.recordings[1] = kept
    assert len(set(found[:4])) == 4
    assert found[4] == found[0]


@pytest.fixture
def many_files(tmp_path):
    """Empty files whose paths take several pages of the index."""
    paths = [tmp_path / f"{number}.{'x' * 200}" for number in range(200)]
    for path in paths:
        path.touch()
    return paths


def test_an_index_that_is_damaged_further_on_is_named(library, take, tmp_path, later, many_files):
    library.add("a")
    damaged = tmp_path / "damaged.sqlite"
    with HashIndex(damaged) as index:
        for path in many_files:
            index.sha256(path)
    content = damaged.read_bytes()
    damaged.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))
    with pytest.raises(DaCapoError, match=r"damaged\.sqlite.*malformed.*it is a cache, delete it$"):
        take(library.write(), index_path=damaged)


def test_an_index_with_a_table_of_other_columns_is_named(library, take, tmp_path, later):
    library.add("a")
    with closing(sqlite3.connect(tmp_path / "older.sqlite")) as older:
        older.execute("CREATE TABLE hashes (path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha256 TEXT)")
    with pytest.raises(DaCapoError, match=r"older\.sqlite.*has 4 columns but 5.*it is a cache, delete it$"):
        take(library.write(), index_path=tmp_path / "older.sqlite")


def test_a_full_disk_is_no_reason_to_delete_the_index(tmp_path, later, many_files):
    with HashIndex(tmp_path / "index.sqlite") as index:
        index._connection.execute("PRAGMA max_page_count = 4")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            list(map(index.sha256, many_files))
