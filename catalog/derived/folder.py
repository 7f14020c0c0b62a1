"""Folders that a build of ours writes to: ours by a mark in them, and never swept or replaced without."""

import re
from pathlib import Path

from catalog.errors import CatalogError
from catalog.folder import make_folder
from catalog.format import open_catalog
from catalog.problem import printable
from catalog.recording import Recording

MARK = ".dacapo"
_NOTE = "Da Capo made this folder, and removes what it wrote there when a later build does without.\n"
_TAKE = re.compile(r"\.?\d{6,}-(\d+|whole)[.-].+")
_TAKE_ID = re.compile(r".*~\d{6,}-(\d+|whole)", re.DOTALL)


def claim(folder: Path, catalog: Path | None = None) -> None:
    """Make a folder, or make sure that it is ours (`check_ours`), and mark it.

    Raises
    ------
    CatalogError
        The folder holds something and was not made by us; nothing has been written.
    DaCapoError
        The folder cannot be made or written to.
    """
    check_ours(folder, catalog)
    if not (folder / MARK).is_file():
        (make_folder(folder) / MARK).write_text(_NOTE, "utf-8")


def check_ours(folder: Path, catalog: Path | None = None) -> None:
    """Make sure that a folder is not there yet, is empty, or is ours.

    Parameters
    ----------
    folder : that is to be written to or removed
    catalog : of the takes in it; what was made before there were marks is ours if all that it holds is named there

    Raises
    ------
    CatalogError
        The folder holds something and was not made by us, or is a file.
    """
    if (folder / MARK).is_file() or not folder.exists():
        return
    if not folder.is_dir():
        raise CatalogError(f"{folder}: is a file, where a folder is wanted")
    known = set() if catalog is None else _names(catalog)
    for path in sorted(folder.iterdir()):
        name, _, suffix = path.name.partition(".")
        if name not in known and not (known and suffix == "json"):
            raise CatalogError(
                f"{folder}: holds {path.name}, which no build of ours wrote; move your own files elsewhere, or "
                "remove the folder if Da Capo made it"
            )


def check_takes(catalog: Path) -> None:
    """Make sure that a catalog is not there yet, or holds takes alone: one of anything else was written by hand.

    Raises
    ------
    CatalogError
        A row is no take, or the file is no catalog.
    """
    if not catalog.is_file():
        return
    try:
        opened = open_catalog(catalog)
    except CatalogError as error:
        raise CatalogError(f"{error}; remove it if Da Capo made it") from error
    for row in opened.rows(check_files=False):
        row_id = row.id if isinstance(row, Recording) else row.recording_id
        if row_id is None or not _TAKE_ID.fullmatch(row_id):
            shown = "a row without an id" if row_id is None else f'the row "{printable(row_id)}"'
            raise CatalogError(
                f"{catalog}: holds {shown}, which no build of ours wrote; give your own catalog another name, and name "
                "it with --catalog"
            )


def sweep(folder: Path, names: set[str]) -> None:
    """Remove what an earlier build with other takes left, and what a broken one left half written.

    Parameters
    ----------
    folder : that is ours (`claim`)
    names : of the files that stay
    """
    for path in folder.iterdir():
        if path.name not in names and _TAKE.fullmatch(path.name) and path.is_file():
            path.unlink()


def _names(catalog: Path) -> set[str]:
    """Takes in an earlier catalog of ours: the ends of its ids."""
    if not catalog.is_file():
        return set()
    rows = open_catalog(catalog).rows(check_files=False)
    return {row.id.rpartition("~")[2] for row in rows if isinstance(row, Recording) and "~" in row.id}
