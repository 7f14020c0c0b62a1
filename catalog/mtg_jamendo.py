"""MTG-Jamendo as a catalog: 55,000 full tracks with 195 tags (Bogdanov, Won, Tovstogan, Porter, Serra 2019).

Conventions
-----------
As published: ``data/<subset>.tsv`` and ``data/splits/split-<n>/<subset>-{train,validation,test}.tsv`` with the columns
TRACK_ID, ARTIST_ID, ALBUM_ID, PATH, DURATION, TAGS, where every further cell of a row is one more tag
``category---name``. The audio lies in folders ``00`` to ``99``, as ``14/214.mp3`` or, in the low-quality archive,
``14/214.low.mp3``. A tag keeps its name and loses its category.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from catalog.errors import CatalogError
from catalog.places import is_file
from catalog.problem import Problem, printable
from catalog.published import Imported, Line, Row, read_table, recording_or_problem, write_catalog
from catalog.recording import Split
from catalog.wording import counted

LIBRARY = "mtg-jamendo"
COLUMNS = ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS"]


def import_mtg_jamendo(
    source: str | os.PathLike[str],
    audio: str | os.PathLike[str] | None = None,
    *,
    subset: str = "autotagging",
    split: int = 0,
    test_split: Literal["test", "eval"] = "test",
) -> Imported:
    """Write ``catalog.csv`` into the folder of the tracks.

    Parameters
    ----------
    source : the data set's repository, with ``data/``.
    audio : folder that holds ``00`` to ``99``; `source` itself unless given.
    subset : ``autotagging``, or that with ``_top50tags``, ``_genre``, ``_instrument``, ``_moodtheme`` behind it.
    split : number of the published split, 0 to 4. Without a folder of splits the splits stay blank.
    test_split : our split for the published test set: with ``eval`` the gate judges on it, with ``test`` on nothing.

    Raises
    ------
    CatalogError
        If a table or the folder is missing or a table has other columns.
    """
    data = Path(source) / "data"
    root = Path(audio or source)
    tables: list[tuple[Path, Split | None]] = [(data / f"{subset}.tsv", None)]
    if (data / "splits").is_dir():
        folder = data / "splits" / f"split-{split}"
        ours: dict[str, Split] = {"train": "train", "validation": "validation", "test": test_split}
        tables = [(folder / f"{subset}-{name}.tsv", ours[name]) for name in ours]
    return write_catalog(root, LIBRARY, (row for table, into in tables for row in _rows(table, root, into)))


def _rows(table: Path, root: Path, split: Split | None) -> Iterator[Row | Problem]:
    rows = read_table(table)
    if next(rows, Line(0, [])).cells != COLUMNS:
        raise CatalogError(f"{table}: the first line is not {' '.join(COLUMNS)}, separated by tabs")
    for line in rows:
        if line.fault:
            yield line.problem(table)
            continue
        if len(line.cells) < len(COLUMNS):
            reason = f"has {counted(len(line.cells), 'cell')}, at least {len(COLUMNS)} are wanted"
            yield Problem(line.number, "", printable(line.cells[0]), reason, None, table.name)
            continue
        track, artist, album, path, _duration, *tags = line.cells
        yield recording_or_problem(
            table,
            line.number,
            id=track,
            path=_existing(root, path),
            artist=artist or None,
            album=album or None,
            tags=[tag.rpartition("---")[2] for tag in tags if tag],
            split=split,
        )


def _existing(root: Path, path: str) -> str:
    """`path`, or its name in the low-quality archive when only that one is there."""
    low = path.removesuffix(".mp3") + ".low.mp3"
    return low if not is_file(root / path) and is_file(root / low) else path
