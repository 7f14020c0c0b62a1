"""MagnaTagATune as a catalog: 25,863 clips of 29 s with 188 tags (Law, West, Mandel, Bay, Downie 2009).

Conventions
-----------
As published: ``annotations_final.csv`` and ``clip_info_final.csv`` (tab-separated, cells in quotes, ``mp3_path`` last)
and the clips in sixteen folders ``0`` to ``f``. The split that papers use goes by folder: 0 to b train, c validation, d
to f test. Three clips of the published archive hold nothing; they stay in the catalog and are set aside where the audio
is read.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from catalog.errors import CatalogError
from catalog.problem import Problem, printable
from catalog.published import Imported, Line, Row, read_table, recording_or_problem, write_catalog
from catalog.recording import Split
from catalog.wording import counted

LIBRARY = "magnatagatune"
ANNOTATIONS = "annotations_final.csv"
CLIPS = "clip_info_final.csv"
LICENCE = "CC-BY-NC-SA-3.0"


def import_magnatagatune(
    source: str | os.PathLike[str],
    audio: str | os.PathLike[str] | None = None,
    *,
    test_split: Literal["test", "eval"] = "test",
) -> Imported:
    """Write ``catalog.csv`` into the folder of the clips.

    Parameters
    ----------
    source : folder with the two tables.
    audio : folder that holds ``0`` to ``f``; `source` itself unless given.
    test_split : our split for the folders d to f: with ``eval`` the gate judges on them, with ``test`` on nothing.

    Raises
    ------
    CatalogError
        If a table or the folder is missing or a table lacks a column.
    """
    folder = Path(source)
    rows = _rows(folder / ANNOTATIONS, _clips(folder / CLIPS), test_split)
    return write_catalog(Path(audio or source), LIBRARY, rows)


def _clips(table: Path) -> dict[str, dict[str, str]]:
    rows = read_table(table)
    header = _header(table, rows, ("title", "artist", "album"))
    # A quote inside a title that is not doubled makes no row, but what stands between the tabs is right.
    return {line.cells[0]: dict(zip(header, line.cells, strict=False)) for line in rows}


def _rows(table: Path, clips: dict[str, dict[str, str]], test_split: Split) -> Iterator[Row | Problem]:
    rows = read_table(table)
    header = _header(table, rows)
    for line in rows:
        if line.fault:
            yield line.problem(table)
            continue
        if len(line.cells) != len(header):
            reason = f"has {counted(len(line.cells), 'cell')}, but there are {len(header)} columns"
            yield Problem(line.number, "", printable(line.cells[0]), reason, None, table.name)
            continue
        clip_id, *marks, path = line.cells
        clip = clips.get(clip_id, {})
        yield recording_or_problem(
            table,
            line.number,
            id=clip_id,
            path=path,
            artist=clip.get("artist", "").strip() or None,
            album=clip.get("album", "").strip() or None,
            title=clip.get("title", "").strip() or None,
            licence=LICENCE,
            tags=[tag for tag, mark in zip(header[1:-1], marks, strict=True) if mark == "1"],
            split=_split(path, test_split),
        )


def _split(path: str, test_split: Split) -> Split | None:
    folder = path.partition("/")[0]
    if len(folder) != 1 or folder not in "0123456789abcdef":
        return None
    return "train" if folder < "c" else "validation" if folder == "c" else test_split


def _header(table: Path, rows: Iterator[Line], wanted: tuple[str, ...] = ()) -> list[str]:
    header = next(rows, Line(0, [])).cells
    if len(header) < 2 or header[0] != "clip_id" or header[-1] != "mp3_path":
        raise CatalogError(f"{table}: the first line does not go from clip_id to mp3_path, separated by tabs")
    for column in wanted:
        if column not in header:
            raise CatalogError(f'{table}: column "{column}" is missing')
    return header
