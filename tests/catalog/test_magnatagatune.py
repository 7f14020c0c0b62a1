"""MagnaTagATune in its published layout becomes a catalog beside its clips."""

from pathlib import Path

import pytest

from catalog.errors import CatalogError
from catalog.format import Recording, open_catalog
from catalog.magnatagatune import import_magnatagatune

TAGS = ["no voice", "singer", "choral", "hip hop", "guitar"]
CLIPS = [  # clip_id, folder, tags
    ("2", "f", ["no voice", "choral"]),
    ("6", "0", []),
    ("10", "b", ["singer", "hip hop"]),
    ("11", "c", ["guitar"]),
    ("12", "d", ["guitar"]),
]


def quoted(*cells: str) -> str:
    return "\t".join(f'"{cell}"' for cell in cells) + "\n"


def clip_path(clip_id: str, folder: str) -> str:
    return f"{folder}/band_{clip_id}-album-01-song_{clip_id}-30-59.mp3"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """The two tables, and sixteen folders with a file a clip."""
    annotations = quoted("clip_id", *TAGS, "mp3_path")
    clips = quoted(
        "clip_id",
        "track_number",
        "title",
        "artist",
        "album",
        "url",
        "segmentStart",
        "segmentEnd",
        "original_url",
        "mp3_path",
    )
    for folder in "0123456789abcdef":
        (tmp_path / folder).mkdir()
    for clip_id, folder, tags in CLIPS:
        path = clip_path(clip_id, folder)
        annotations += quoted(clip_id, *("1" if tag in tags else "0" for tag in TAGS), path)
        clips += quoted(
            clip_id, "1", f"Song {clip_id}", f"Band {clip_id}", "Album", "http://x", "30", "59", "http://y", path
        )
        (tmp_path / path).write_bytes(b"mp3")
    clips += quoted("99", "1", "Without a clip", "Band", "Album", "http://x", "0", "0", "http://y", "")
    (tmp_path / "annotations_final.csv").write_text(annotations)
    (tmp_path / "clip_info_final.csv").write_text(clips)
    return tmp_path


def test_every_annotated_clip_is_a_recording(published: Path) -> None:
    imported = import_magnatagatune(published)
    assert (imported.recordings, imported.problems) == (len(CLIPS), ())
    assert imported.catalog.path == published / "catalog.csv"
    rows = [row for row in open_catalog(imported.catalog.path).rows() if isinstance(row, Recording)]
    assert [(row.id, row.tags) for row in rows] == [(clip_id, tuple(tags)) for clip_id, _, tags in CLIPS]
    assert (rows[0].artist, rows[0].album, rows[0].title, rows[0].licence) == (
        "Band 2",
        "Album",
        "Song 2",
        "CC-BY-NC-SA-3.0",
    )


def test_the_split_goes_by_folder(published: Path) -> None:
    import_magnatagatune(published)
    rows = [row for row in open_catalog(published / "catalog.csv").rows() if isinstance(row, Recording)]
    assert [row.split for row in rows] == ["test", "train", "train", "validation", "test"]
    import_magnatagatune(published, test_split="eval")
    rows = [row for row in open_catalog(published / "catalog.csv").rows() if isinstance(row, Recording)]
    assert rows[0].split == "eval"


def test_tables_and_clips_may_lie_apart(published: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    tables = tmp_path_factory.mktemp("tables")
    for name in ("annotations_final.csv", "clip_info_final.csv"):
        (published / name).rename(tables / name)
    assert import_magnatagatune(tables, published).recordings == len(CLIPS)
    assert (published / "catalog.csv").exists()


def test_a_wrong_line_is_left_out_and_told(published: Path) -> None:
    with open(published / "annotations_final.csv", "a", encoding="utf-8") as table:
        table.write(
            quoted("13", "1") + quoted("14", *"00000", "../../secret.mp3") + quoted("15", *"00001", clip_path("6", "0"))
        )
    imported = import_magnatagatune(published)
    assert imported.recordings == len(CLIPS) + 1
    assert [str(problem) for problem in imported.problems] == [
        'annotations_final.csv: row 7: "13" has 2 cells, but there are 7 columns',
        "annotations_final.csv: row 8, column path: \"../../secret.mp3\" climbs out of the catalog's folder with '..'",
    ]


def test_a_cell_of_a_hundred_thousand_characters_is_of_its_line_alone(published: Path) -> None:
    with open(published / "annotations_final.csv", "a", encoding="utf-8") as table:
        table.write(quoted("16", *"00001", "0/" + 140_000 * "x" + ".mp3"))
    imported = import_magnatagatune(published)
    assert imported.recordings == len(CLIPS)
    (problem,) = map(str, imported.problems)
    assert problem.startswith('annotations_final.csv: row 7, column path: "0/xxx')
    assert problem.endswith('xxx..." has more than 4096 characters')
    assert len(problem) < 200


def test_a_file_name_that_no_file_can_have_is_left_out_and_told(published: Path) -> None:
    with open(published / "annotations_final.csv", "a", encoding="utf-8") as table:
        table.write(quoted("16", *"00001", "0/" + 300 * "x" + ".mp3"))
    imported = import_magnatagatune(published)
    assert imported.recordings == len(CLIPS)
    (problem,) = map(str, imported.problems)
    assert problem.startswith('annotations_final.csv: row 7, column path: "0/xxx')
    assert problem.endswith("cannot be reached: File name too long")


def test_a_byte_order_mark_is_no_part_of_the_first_column(published: Path) -> None:
    for table in published.glob("*.csv"):
        table.write_text(table.read_text(), encoding="utf-8-sig")
    imported = import_magnatagatune(published)
    assert (imported.recordings, imported.problems) == (len(CLIPS), ())


def test_a_quote_that_stands_alone_costs_a_clip_its_annotations_but_not_its_artist(published: Path) -> None:
    annotations, clips = (published / name for name in ("annotations_final.csv", "clip_info_final.csv"))
    annotations.write_text(annotations.read_text().replace('"6"\t"0"', '"6"\t"0'))
    clips.write_text(clips.read_text().replace('"Song 2"', '"The "Song" 2"').replace('"Song 10"', '"Song 10'))
    imported = import_magnatagatune(published)
    (problem,) = map(str, imported.problems)
    assert problem.startswith('annotations_final.csv: row 3: ""6"\\t"0\\t')
    assert problem.endswith("is not a row: a cell begins with a quote that does not end it")
    found = {row.id: row for row in open_catalog(published / "catalog.csv").rows() if isinstance(row, Recording)}
    assert (found["2"].title, found["2"].artist) == ('The "Song" 2', "Band 2")
    assert (found["10"].title, found["10"].artist) == ("Song 10", "Band 10")


def test_a_missing_table_and_a_strange_one_are_one_line(published: Path) -> None:
    (published / "annotations_final.csv").write_text("a\tb\n")
    with pytest.raises(CatalogError, match="from clip_id to mp3_path"):
        import_magnatagatune(published)
    (published / "clip_info_final.csv").unlink()
    with pytest.raises(CatalogError, match=r"clip_info_final\.csv: cannot be read"):
        import_magnatagatune(published)
    assert not (published / "catalog.csv").exists()
