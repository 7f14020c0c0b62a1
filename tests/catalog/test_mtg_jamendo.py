"""MTG-Jamendo in its published layout becomes a catalog beside its tracks."""

from pathlib import Path

import pytest

from catalog.errors import CatalogError
from catalog.format import Recording, open_catalog
from catalog.mtg_jamendo import import_mtg_jamendo
from catalog.published import Imported

HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"
TRACKS = {
    214: ("train", ["genre---punkrock"]),
    382: ("validation", ["genre---ambient", "instrument---piano", "mood/theme---relaxing"]),
    3112: ("test", ["genre---rock", "mood/theme---summer"]),
}


def track_line(number: int, tags: list[str]) -> str:
    cells = [
        f"track_{number:07}",
        f"artist_{number % 11:06}",
        f"album_{number % 5:06}",
        f"{number % 100:02}/{number}.mp3",
        "124.6",
    ]
    return "\t".join([*cells, *tags]) + "\n"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """The tables of one subset with its split 0, and the tracks."""
    splits = tmp_path / "data" / "splits" / "split-0"
    splits.mkdir(parents=True)
    for name in ("train", "validation", "test"):
        lines = [track_line(number, tags) for number, (split, tags) in TRACKS.items() if split == name]
        (splits / f"autotagging_top50tags-{name}.tsv").write_text(HEADER + "".join(lines))
    every = "".join(track_line(number, tags) for number, (_, tags) in TRACKS.items())
    (tmp_path / "data" / "autotagging_top50tags.tsv").write_text(HEADER + every)
    for number in TRACKS:
        track = tmp_path / "audio" / f"{number % 100:02}" / f"{number}.mp3"
        track.parent.mkdir(parents=True)
        track.write_bytes(b"mp3")
    return tmp_path


def imported_rows(imported: Imported) -> list[Recording]:
    return [row for row in open_catalog(imported.catalog.path).rows() if isinstance(row, Recording)]


def test_tracks_keep_their_tags_and_published_splits(published: Path) -> None:
    imported = import_mtg_jamendo(published, published / "audio", subset="autotagging_top50tags")
    rows = imported_rows(imported)
    assert imported.catalog.path == published / "audio" / "catalog.csv"
    assert [(row.id, row.path, row.split) for row in rows] == [
        ("track_0000214", "14/214.mp3", "train"),
        ("track_0000382", "82/382.mp3", "validation"),
        ("track_0003112", "12/3112.mp3", "test"),
    ]
    assert [row.tags for row in rows] == [("punkrock",), ("ambient", "piano", "relaxing"), ("rock", "summer")]
    assert rows[0].artist == "artist_000005"


def test_the_test_set_can_serve_the_gate(published: Path) -> None:
    subset = "autotagging_top50tags"
    rows = imported_rows(import_mtg_jamendo(published, published / "audio", subset=subset, test_split="eval"))
    assert [row.split for row in rows] == ["train", "validation", "eval"]


def test_the_low_quality_archive_is_found(published: Path) -> None:
    for track in (published / "audio").rglob("*.mp3"):
        track.rename(track.with_suffix(".low.mp3"))
    rows = imported_rows(import_mtg_jamendo(published, published / "audio", subset="autotagging_top50tags"))
    assert [row.path for row in rows] == ["14/214.low.mp3", "82/382.low.mp3", "12/3112.low.mp3"]


def test_without_splits_the_whole_table_is_taken(published: Path) -> None:
    (published / "data" / "splits").rename(published / "elsewhere")
    rows = imported_rows(import_mtg_jamendo(published, published / "audio", subset="autotagging_top50tags"))
    assert [row.split for row in rows] == [None] * len(TRACKS)


def test_wrong_and_repeated_lines_are_left_out_and_told(published: Path) -> None:
    for name in ("train", "test"):
        table = published / "data" / "splits" / "split-0" / f"autotagging_top50tags-{name}.tsv"
        table.write_text(table.read_text() + "track_1\tartist_1\n" + track_line(214, ["genre---rock"]))
    imported = import_mtg_jamendo(published, published / "audio", subset="autotagging_top50tags")
    assert imported.recordings == len(TRACKS)
    assert imported_rows(imported)[0].tags == ("punkrock",)
    repeated = 'row 4, column id: "track_0000214" was already used in row 1 of catalog.csv'
    assert str(imported).splitlines()[1:] == [
        'autotagging_top50tags-train.tsv: row 3: "track_1" has 2 cells, at least 6 are wanted',
        f"autotagging_top50tags-train.tsv: {repeated}",
        'autotagging_top50tags-test.tsv: row 3: "track_1" has 2 cells, at least 6 are wanted',
        f"autotagging_top50tags-test.tsv: {repeated}",
    ]


def test_a_file_name_that_no_file_can_have_is_left_out_and_told(published: Path) -> None:
    table = published / "data" / "splits" / "split-0" / "autotagging_top50tags-train.tsv"
    for number, name in enumerate((300 * "x", "a\x00b")):
        table.write_text(table.read_text() + f"track_{number}\tartist\talbum\t14/{name}.mp3\t3\tgenre---rock\n")
    imported = import_mtg_jamendo(published, published / "audio", subset="autotagging_top50tags")
    assert imported.recordings == len(TRACKS)
    long, nul = map(str, imported.problems)
    assert long.startswith('autotagging_top50tags-train.tsv: row 3, column path: "14/xxx')
    assert long.endswith('xxx..." cannot be reached: File name too long')
    assert nul.endswith('row 4, column path: "14/a\\x00b.mp3" holds a NUL character')


def test_a_quote_that_stands_alone_is_told(published: Path) -> None:
    table = published / "data" / "splits" / "split-0" / "autotagging_top50tags-train.tsv"
    table.write_text(table.read_text() + 'track_1\tartist\talbum\t14/214.mp3\t3\t"genre---rock\n')
    imported = import_mtg_jamendo(published, published / "audio", subset="autotagging_top50tags")
    (problem,) = map(str, imported.problems)
    assert problem.endswith("is not a row: a cell begins with a quote that does not end it")


def test_a_track_whose_file_is_still_to_come_is_a_recording(published: Path) -> None:
    (published / "audio" / "14" / "214.mp3").unlink()
    imported = import_mtg_jamendo(published, published / "audio", subset="autotagging_top50tags")
    assert (imported.recordings, imported.problems) == (len(TRACKS), ())


def test_a_byte_order_mark_is_no_part_of_the_first_column(published: Path) -> None:
    for table in published.rglob("*.tsv"):
        table.write_text(table.read_text(), encoding="utf-8-sig")
    imported = import_mtg_jamendo(published, published / "audio", subset="autotagging_top50tags")
    assert (imported.recordings, imported.problems) == (len(TRACKS), ())


def test_artists_that_the_published_splits_tear_apart_are_told(published: Path) -> None:
    told = "2 recordings are published in another split than one of the same artist"
    assert told not in str(import_mtg_jamendo(published, published / "audio", subset="autotagging_top50tags"))
    for name in ("validation", "test"):  # tracks of 214's artist
        table = published / "data" / "splits" / "split-0" / f"autotagging_top50tags-{name}.tsv"
        track = 214 + 11 * (1 + (name == "test"))
        table.write_text(table.read_text() + track_line(track, ["genre---rock"]))
    imported = import_mtg_jamendo(published, published / "audio", subset="autotagging_top50tags")
    assert (imported.torn, imported.problems) == (2, ())
    assert told in str(imported).splitlines()


@pytest.mark.parametrize(("subset", "split"), [("autotagging", 0), ("autotagging_top50tags", 1)])
def test_a_table_that_is_not_there_is_named(published: Path, subset: str, split: int) -> None:
    with pytest.raises(CatalogError, match=rf"{subset}-train\.tsv: cannot be read"):
        import_mtg_jamendo(published, published / "audio", subset=subset, split=split)
