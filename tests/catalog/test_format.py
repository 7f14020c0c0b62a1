"""A catalog is read as a stream, every wrong cell has a place, and writing is whole or not at all."""

import builtins
import errno
import io
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.format import Catalog, CatalogError, Event, Problem, Recording, Word, open_catalog

SUFFIXES = [".csv", ".parquet"]
HEADER = "# dacapo-catalog: 1\n# library: test\n"
LINE = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda text: text == text.strip()
)
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=60)
TIMED = st.lists(st.tuples(LINE, st.floats(0, 10), st.floats(10, 20)), max_size=3).map(tuple)


def csv(folder: Path, rows: str, *, columns: str = "id,path", files: tuple[str, ...] = ("a.wav",)) -> Catalog:
    for name in files:
        (folder / name).write_bytes(b"sound")
    (folder / "catalog.csv").write_bytes(f"{HEADER}{columns}\n{rows}".encode("utf-8", "surrogateescape"))
    return open_catalog(folder / "catalog.csv")


def read(catalog: Catalog, *, check_files: bool = True) -> tuple[list[str], list[str]]:
    """Ids of the right rows, and the problems as text."""
    rows = list(catalog.rows(check_files=check_files))
    return [row.id for row in rows if isinstance(row, Recording)], [
        str(row) for row in rows if isinstance(row, Problem)
    ]


@settings(max_examples=40, deadline=None)
@given(
    recordings=st.lists(
        st.builds(
            Recording,
            id=LINE,
            path=st.just("a/b.wav"),
            artist=st.none() | LINE,
            tags=st.lists(st.sampled_from(["rock", "pop", "pop/piano", "späte klassik"]), unique=True).map(tuple),
            lyrics=st.none() | TEXT.filter(lambda text: not text or text.strip()),
            language=st.none() | st.sampled_from(["en", "pt-BR"]),
            words=TIMED.map(lambda timed: tuple(Word(*item) for item in timed)),
            labels=TIMED.map(lambda timed: tuple(Event("lost packet", *times) for _, *times in timed)),
            stems=st.dictionaries(LINE, st.just("stems/v.wav"), max_size=2),
            split=st.none() | st.sampled_from(["train", "eval"]),
        ),
        unique_by=lambda recording: recording.id,
        max_size=4,
    ),
    suffix=st.sampled_from(SUFFIXES),
)
def test_what_was_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, recordings: list[Recording], suffix: str
) -> None:
    path = tmp_path_factory.mktemp("round") / f"catalog{suffix}"
    Catalog.write(path, "test", recordings)
    catalog = open_catalog(path)
    assert catalog.library == "test"
    assert list(catalog.rows(check_files=False)) == recordings


def test_a_lone_carriage_return_in_a_cell_is_read_back(tmp_path: Path) -> None:
    recording = Recording(id="1", path="a.wav", lyrics="one\rtwo")
    catalog = Catalog.write(tmp_path / "catalog.csv", "test", [recording])
    assert list(catalog.rows(check_files=False)) == [recording]


def test_a_catalog_that_a_spreadsheet_saved_is_read(tmp_path: Path) -> None:
    text = "\ufeff# dacapo-catalog: 1,,\r\n# library: test,,\r\nid,path,tags\r\na,a.wav,Rock\r\n\r\nb,a.wav,\r\n"
    (tmp_path / "c.csv").write_bytes(text.encode())
    catalog = open_catalog(tmp_path / "c.csv")
    assert catalog.library == "test"
    assert read(catalog, check_files=False) == (["a", "b"], [])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing_lyrics_differ_from_empty_ones(tmp_path: Path, suffix: str) -> None:
    recordings = [Recording(id=str(n), path="a.wav", lyrics=lyrics) for n, lyrics in enumerate([None, "", "la"])]
    catalog = Catalog.write(tmp_path / f"c{suffix}", "test", recordings)
    assert [row.lyrics for row in catalog.rows(check_files=False) if isinstance(row, Recording)] == [None, "", "la"]


def test_tags_are_normalised_and_none_comes_twice(tmp_path: Path) -> None:
    catalog = csv(tmp_path, "a,a.wav,Rock|ROCK| Pop / Piano |hard   rock\n", columns="id,path,tags")
    [row] = catalog.rows()
    assert isinstance(row, Recording)
    assert row.tags == ("rock", "pop/piano", "hard rock")


@pytest.mark.parametrize(
    ("columns", "row", "message"),
    [
        ("id,path", "b,x.wav", 'row 2, column path: "x.wav" does not exist'),
        ("id,path", "b,/etc/passwd", 'row 2, column path: "/etc/passwd" is absolute'),
        ("id,path", "b,../a.wav", 'row 2, column path: "../a.wav" climbs out of the catalog\'s folder'),
        ("id,path", "b,.", 'row 2, column path: "." is empty'),
        ("id,path", "b,a\x00.wav", 'row 2, column path: "a\\x00.wav" holds a NUL character'),
        ("id,path", "a,a.wav", 'row 2, column id: "a" was already used in row 1'),
        ("id,path", ",a.wav", 'row 2, column id: "" is empty'),
        ("id,path", "b" * 300 + ",a.wav", "has more than 200 characters"),
        ("id,path", "b", 'row 2: "b" has 1 cell, but there are 2 columns'),
        ("id,path", 'b,"a.wav', 'row 2: "b,"a.wav" is not a row of CSV'),
        ("id,path,tags", "b,a.wav,rock//hard", 'row 2, column tags: "rock//hard" has an empty level'),
        (
            "id,path,tags",
            "b,a.wav,rock||pop",
            "row 2, column tags: \"rock||pop\" holds an empty tag: write one '|' between two tags, as in pop|rock",
        ),
        (
            "id,path,split",
            "b,a.wav,training",
            'row 2, column split: "training" is not one of train, validation, eval, test, or blank',
        ),
        ("id,path,language", "b,a.wav,klingon!", 'row 2, column language: "klingon!" is not a language code'),
        (
            "id,path,lyrics,has_lyrics",
            "b,a.wav,la,0",
            "says that the lyrics are missing, but the lyrics cell holds text",
        ),
        ("id,path,has_lyrics", "b,a.wav,maybe", 'row 2, column has_lyrics: "maybe" is not 0, 1 or blank'),
        ("id,path,lyrics", "b,a.wav,\udcff", 'row 2, column lyrics: "\\xff" is not UTF-8'),
        ("id,path,words", 'b,a.wav,"[[""la"",2,1]]"', "times of 'la' are 2.0 to 1.0 s: want 0 <= start <= end"),
        ("id,path,words", 'b,a.wav,"[[""la"",NaN,1]]"', "is not JSON"),
        ("id,path,labels", "b,a.wav," + "[" * 50_000, "is not JSON"),
        ("id,path,labels", 'b,a.wav,"{""a"":1}"', "row 2, column labels"),
        ("id,path,labels", 'b,a.wav,"[["""",1,2]]"', "has an empty level: write tags like pop or pop/piano"),
        ("id,path,labels", 'b,a.wav,"[[""hum"",""1"",2]]"', "has a wrong value at 0.1: input should be a valid number"),
        ("id,path,labels", 'b,a.wav,"[[""hum"",true,2]]"', "has a wrong value at 0.1: input should be a valid number"),
        ("id,path,stems", 'b,a.wav,"{""vocals"":""../v.wav""}"', "climbs out of the catalog's folder"),
        ("id,path,stems", 'b,a.wav,"{""vocals"":""v.wav""}"', 'row 2, column stems: "v.wav" does not exist'),
    ],
)
def test_a_wrong_row_gets_its_line_and_hides_no_other(tmp_path: Path, columns: str, row: str, message: str) -> None:
    blanks = "," * (columns.count(",") - 1)
    catalog = csv(tmp_path, f"a,a.wav{blanks}\n{row}\nc,a.wav{blanks}\n", columns=columns)
    ids, problems = read(catalog)
    assert ids == ["a", "c"]
    [problem] = problems
    assert message in problem
    assert problem.startswith("catalog.csv: row 2")
    assert "\n" not in problem


def test_a_cell_of_half_a_million_wrong_items_costs_no_memory_for_each(tmp_path: Path) -> None:
    catalog = csv(tmp_path, f'a,a.wav,"[{",".join("0" * 500_000)}]"\n', columns="id,path,labels")
    tracemalloc.start()
    ids, problems = read(catalog)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not ids
    assert "has a wrong value at 0" in problems[0]
    assert peak < 60 << 20


def test_events_are_named_as_tags_are(tmp_path: Path) -> None:
    [row] = csv(tmp_path, 'a,a.wav,"[["" Lost  Packet "",1,1.5]]"\n', columns="id,path,labels").rows()
    assert isinstance(row, Recording)
    assert row.labels == (Event("lost packet", 1.0, 1.5),)


def test_a_lyrics_cell_of_blanks_is_blank(tmp_path: Path) -> None:
    rows = csv(tmp_path, 'a,a.wav,"  ",\nb,a.wav,"\n",0\nc,a.wav," ",1\n', columns="id,path,lyrics,has_lyrics").rows()
    assert [row.lyrics for row in rows if isinstance(row, Recording)] == [None, None, ""]


def test_a_line_that_is_too_long_hides_no_other_whatever_ends_lines(tmp_path: Path) -> None:
    for end in ("\n", "\r\n", "\r"):
        catalog = csv(tmp_path, "", files=("a.wav",))
        text = f"{HEADER}id,path\na,a.wav\nb,{'x' * (5 << 20)}\nc,a.wav\nd,a.wav\n"
        catalog.path.write_bytes(text.replace("\n", end).encode())
        ids, problems = read(catalog)
        assert ids == ["a", "c", "d"]
        assert [problem[:18] for problem in problems] == ["catalog.csv: row 2"]


def test_every_wrong_cell_of_a_row_is_named(tmp_path: Path) -> None:
    catalog = csv(tmp_path, "a,missing.wav,x//y,nowhere,[\n", columns="id,path,tags,split,words")
    problems = [row for row in catalog.rows() if isinstance(row, Problem)]
    assert {problem.column for problem in problems} == {"path", "tags", "split", "words"}
    assert {problem.recording_id for problem in problems} == {"a"}


@pytest.mark.parametrize("long_row", ["b," + "x" * (2 << 20), "b," + "x" * (9 << 20), 'b,"' + "x" * (2 << 20) + '"'])
def test_a_huge_field_is_refused_without_filling_the_memory(tmp_path: Path, long_row: str) -> None:
    catalog = csv(tmp_path, f"a,a.wav\n{long_row}\nc,a.wav\n")
    ids, problems = read(catalog)
    assert ids == ["a", "c"]
    assert len(problems) == 1
    assert len(problems[0]) < 250


def test_a_stray_quote_gives_up_its_own_line_only(tmp_path: Path) -> None:
    after = "".join(f"r{n},a.wav\n" for n in range(50))
    ids, problems = read(csv(tmp_path, f'bad,"a.wav\n{after}'))
    assert ids == [f"r{n}" for n in range(50)]
    assert len(problems) == 1


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside.wav", tmp_path / "library"
    outside.write_bytes(b"secret")
    root.mkdir()
    (root / "link.wav").symlink_to(outside)
    (root / "inner.wav").symlink_to("a.wav")
    catalog = csv(root, "a,link.wav\nb,inner.wav\n")
    ids, problems = read(catalog)
    assert ids == ["b"]
    assert problems == ['catalog.csv: row 1, column path: "link.wav" leads out of the catalog\'s folder']
    with pytest.raises(CatalogError, match="leads out"):
        catalog.locate("link.wav")
    assert catalog.locate("a.wav") == root / "a.wav"


def test_files_are_left_alone_when_the_reader_checks_them(tmp_path: Path) -> None:
    catalog = csv(tmp_path, "a,nowhere.wav\nb,../climbs.wav\n")
    ids, problems = read(catalog, check_files=False)
    assert ids == ["a"]
    assert "climbs" in problems[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,path\na,a.wav\n", "its header lacks"),
        ("# dacapo-catalog: 2\n# library: x\nid,path\n", '"2" is not a version that is known here: want 1'),
        ("# dacapo-catalog: 1\nid,path\n", 'library "" is not a name'),
        ("# dacapo-catalog: 1\n# library: ../up\nid,path\n", 'library "../up" is not a name'),
        (f"{HEADER}id,path,lyric\n", 'column "lyric" is unknown: did you mean lyrics?'),
        (f"{HEADER}id,path,id\n", 'column "id" stands there 2 times'),
        (f"{HEADER}id,tags\n", 'column "path" is missing'),
        (HEADER, 'column "id" is missing'),
    ],
)
def test_a_file_that_is_no_catalog_is_refused_in_one_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "c.csv").write_text(content)
    with pytest.raises(CatalogError) as error:
        open_catalog(tmp_path / "c.csv")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["nothing.csv", "nothing.parquet", "catalog.txt"])
def test_a_missing_or_strange_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(CatalogError, match=name):
        open_catalog(tmp_path / name)


def test_parquet_cells_are_checked_like_those_of_csv(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": ["a", "b", "c", "d"],
            "path": pa.array([b"a.wav", b"\xff.wav", b"a.wav", None], pa.binary()).cast(pa.string(), safe=False),
            "tags": [["Rock"], [], ["x//y"], None],
            "has_lyrics": [True, False, None, None],
        }
    )
    table = table.replace_schema_metadata({"dacapo-catalog": "1", "library": "test"})
    pq.write_table(table, tmp_path / "c.parquet")
    rows = list(open_catalog(tmp_path / "c.parquet").rows(check_files=False))
    assert rows[0] == Recording(id="a", path="a.wav", tags=("rock",), lyrics="")
    assert [(row.row, row.column) for row in rows[1:] if isinstance(row, Problem)] == [
        (2, "path"),
        (3, "tags"),
        (4, "path"),
    ]


@pytest.mark.parametrize("kind", ["list", "dictionary"])
def test_a_wrong_byte_inside_of_parquets_own_types_is_the_rows_alone(tmp_path: Path, kind: str) -> None:
    wrong = pa.array([b"rock", b"\xff", b"jazz"], pa.binary()).cast(pa.string(), safe=False)
    tags = pa.ListArray.from_arrays([0, 1, 2, 3], wrong) if kind == "list" else wrong.dictionary_encode()
    table = pa.table({"id": ["a", "b", "c"], "path": ["a.wav"] * 3, "tags": tags})
    pq.write_table(table.replace_schema_metadata({"dacapo-catalog": "1", "library": "test"}), tmp_path / "c.parquet")
    first, second, third = open_catalog(tmp_path / "c.parquet").rows(check_files=False)
    assert [type(row) for row in (first, second, third)] == [Recording, Problem, Recording]
    assert (second.row, second.column) == (2, "tags")


def test_a_file_that_only_claims_to_be_parquet_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "c.parquet").write_bytes(b"PAR1 not at all PAR1")
    with pytest.raises(CatalogError, match=r"c\.parquet"):
        open_catalog(tmp_path / "c.parquet")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_write_that_breaks_off_leaves_what_was_there(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"c{suffix}"
    Catalog.write(path, "test", [Recording(id="old", path="a.wav")])

    def recordings() -> Iterator[Recording]:
        yield Recording(id="new", path="a.wav")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Catalog.write(path, "test", recordings())
    assert [row.id for row in open_catalog(path).rows(check_files=False) if isinstance(row, Recording)] == ["old"]
    assert os.listdir(tmp_path) == [path.name]


def test_one_id_is_not_written_twice(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match='row 2, column id: "a" was already used in row 1'):
        Catalog.write(tmp_path / "c.csv", "test", [Recording(id="a", path="a.wav")] * 2)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, suffix: str) -> None:
    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}{suffix}"
        recordings = (Recording(id=f"recording-{n:08}", path="a.wav", tags=("rock",)) for n in range(rows))
        Catalog.write(path, "test", recordings)
        tracemalloc.start()
        count = sum(isinstance(row, Recording) for row in open_catalog(path).rows(check_files=False))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == rows
        return most

    peak(100)
    assert peak(6_000) < 1.5 * peak(1_500)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_folder_in_a_catalogs_place_is_one_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"c{suffix}"
    path.mkdir()
    with pytest.raises(CatalogError) as error:
        open_catalog(path)
    assert str(error.value) == f"{path}: is a folder, not a catalog file"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_catalog_that_this_user_may_not_read_is_one_line(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Catalog.write(tmp_path / f"c{suffix}", "test", [Recording(id="a", path="a.wav")]).path
    catalog = open_catalog(path)

    def refuse(*_: object, **__: object) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr(pq, "ParquetFile", refuse)
    for read_it in (lambda: open_catalog(path), lambda: list(catalog.rows(check_files=False))):
        with pytest.raises(CatalogError) as error:
            read_it()
        assert str(error.value) == f"{path}: cannot be read: Permission denied"


def test_a_folder_that_this_user_may_not_enter_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **_: object) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(CatalogError, match=r"c\.csv: cannot be read: Permission denied"):
        open_catalog(tmp_path / "c.csv")


def test_a_disk_that_fails_below_a_catalog_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = csv(tmp_path, "a,a.wav\n")

    class Failing(io.StringIO):
        def readline(self, *_: object) -> NoReturn:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(builtins, "open", lambda *_, **__: Failing())
    with pytest.raises(CatalogError, match=r"catalog\.csv: cannot be read: Input/output error"):
        list(catalog.rows(check_files=False))


def encoded(folder: Path, lyrics: pa.Array, **options: object) -> Catalog:
    """A small Parquet catalog with `lyrics`, written with `options`."""
    rows = len(lyrics)
    table = pa.table({"id": [f"{n}" for n in range(rows)], "path": ["a.wav"] * rows, "lyrics": lyrics})
    writer = pq.ParquetWriter(folder / "c.parquet", table.schema, compression="zstd", store_schema=False, **options)
    with writer:
        writer.add_key_value_metadata({"dacapo-catalog": "1", "library": "test"})
        writer.write_table(table, row_group_size=1300)
    assert (folder / "c.parquet").stat().st_size < 300 * rows
    return open_catalog(folder / "c.parquet")


def most_memory(catalog: Catalog, kind: type) -> int:
    """The most that is held, by Arrow and by Python, while all rows, each a `kind`, are read."""
    before = arrow = pa.total_allocated_bytes()
    tracemalloc.start()
    for row in catalog.rows(check_files=False):
        assert isinstance(row, kind), row
        arrow = max(arrow, pa.total_allocated_bytes())
    _, python = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return arrow - before + python


@pytest.mark.parametrize("characters", [1_000_000, 20_000_000])
def test_one_text_in_many_rows_of_a_dictionary_does_not_fill_the_memory(tmp_path: Path, characters: int) -> None:
    text = pa.array(["x" * characters])
    catalog = encoded(tmp_path, pa.DictionaryArray.from_arrays(pa.array([0] * 500, pa.int32()), text))
    kind = Recording if characters <= 1 << 20 else Problem
    assert most_memory(catalog, kind) < 8 * max(characters, 16 << 20)


def test_one_text_that_every_row_repeats_does_not_fill_the_memory(tmp_path: Path) -> None:
    lyrics = pa.array(["x" * 1_000_000] * 300)
    options = {
        "use_dictionary": False,
        "column_encoding": {"lyrics": "DELTA_BYTE_ARRAY", "id": "PLAIN", "path": "PLAIN"},
    }
    catalog = encoded(tmp_path, lyrics, **options)
    del lyrics
    assert most_memory(catalog, Recording) < 128 << 20


@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY", None])
def test_every_encoding_of_text_is_read_the_same(tmp_path: Path, encoding: str | None) -> None:
    options = {"column_encoding": dict.fromkeys(("id", "path", "lyrics"), encoding)} if encoding else {}
    lyrics = pa.array([None, "", *(f"la {n % 7}" for n in range(2998))])
    catalog = encoded(tmp_path, lyrics, use_dictionary=encoding is None, **options)
    rows = list(catalog.rows(check_files=False))
    assert [(row.id, row.lyrics) for row in rows if isinstance(row, Recording)] == [
        (f"{n}", text) for n, text in enumerate(lyrics.to_pylist())
    ]


def test_a_row_of_parquet_has_the_bounds_of_a_row_of_csv(tmp_path: Path) -> None:
    most = "x" * (1 << 20)
    cells = {
        "id": ["a", "b", "c", "d", "e"],
        "path": ["a.wav"] * 5,
        "lyrics": ["la", most + "x", most, "é" * (1 << 20), "lo"],
    }
    cells |= {name: [None, None, most, None, None] for name in ("artist", "album", "title", "licence")}
    tags = [["rock"], [], None, None, ["t"] * (3 << 20)]
    table = pa.table(cells | {"tags": tags}).replace_schema_metadata({"dacapo-catalog": "1", "library": "test"})
    pq.write_table(table, tmp_path / "c.parquet")
    first, *others = open_catalog(tmp_path / "c.parquet").rows(check_files=False)
    assert isinstance(first, Recording)
    assert [str(row).partition(": ")[2] for row in others if isinstance(row, Problem)] == [
        f'row 2, column lyrics: "{"x" * 77}..." has more than 1048576 characters',
        'row 3: "c" has more than 4194304 characters',
        'row 5, column tags: "..." has more than 1048576 characters',
    ]


@pytest.mark.parametrize("kind", [pa.timestamp("us"), pa.timestamp("s", "Mars/Olympus"), pa.date64(), pa.duration("s")])
def test_a_column_of_times_is_one_line(tmp_path: Path, kind: pa.DataType) -> None:
    times = pa.array([2**59], pa.int64()).cast(kind)
    table = pa.table({"id": ["a"], "path": ["a.wav"], "title": times})
    pq.write_table(table.replace_schema_metadata({"dacapo-catalog": "1", "library": "test"}), tmp_path / "c.parquet")
    with pytest.raises(CatalogError, match=r'c\.parquet: column "title" holds \w+\W.*: want text'):
        open_catalog(tmp_path / "c.parquet")


@pytest.mark.parametrize("column", ["title", "tags"])
def test_a_column_that_cannot_be_text_is_one_line(tmp_path: Path, column: str) -> None:
    table = pa.table({"id": ["a"], "path": ["a.wav"], column: [[b"x"]] if column == "tags" else [b"x"]})
    pq.write_table(table.replace_schema_metadata({"dacapo-catalog": "1", "library": "test"}), tmp_path / "c.parquet")
    with pytest.raises(CatalogError, match=rf'c\.parquet: column "{column}" holds (list<.*>|binary): want text'):
        open_catalog(tmp_path / "c.parquet")


def test_a_number_in_a_column_of_text_is_the_rows_alone(tmp_path: Path) -> None:
    table = pa.table({"id": ["a", "b"], "path": ["a.wav"] * 2, "album": pa.array([None, 1999], pa.int64())})
    pq.write_table(table.replace_schema_metadata({"dacapo-catalog": "1", "library": "test"}), tmp_path / "c.parquet")
    ids, problems = read(open_catalog(tmp_path / "c.parquet"), check_files=False)
    assert (ids, problems) == (["a"], ['c.parquet: row 2, column album: "1999" is not text'])
