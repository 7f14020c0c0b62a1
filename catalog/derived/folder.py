"""The folder that a library made from another one is written to: ours by a mark in it, and never swept without."""

import re
from pathlib import Path

from catalog.errors import CatalogError
from catalog.format import open_catalog
from catalog.recording import Recording

MARK = ".dacapo"
_NOTE = "Da Capo made this folder, and removes the takes in it that a later build does without.\n"
_TAKE = re.compile(r"\.?\d{6}-\d+[.-].+")


def claim(folder: Path, catalog: Path) -> None:
    """Make a folder, or make sure that it is ours.

    Parameters
    ----------
    folder : of the takes
    catalog : of the takes; what was made before there were marks is ours if all that it holds is named there

    Raises
    ------
    CatalogError
        The folder holds something and was not made by us; nothing has been written.
    """
    if (folder / MARK).is_file():
        return
    if folder.is_dir():
        known = _names(catalog)
        for path in sorted(folder.iterdir()):
            name, _, suffix = path.name.partition(".")
            if name not in known and not (known and suffix == "json"):
                raise CatalogError(
                    f"{folder}: holds {path.name}, which no build of ours wrote; move your own files elsewhere, or "
                    "remove the folder if Da Capo made it"
                )
    folder.mkdir(exist_ok=True)
    (folder / MARK).write_text(_NOTE, "utf-8")


def sweep(folder: Path, names: set[str]) -> None:
    """Remove what an earlier build with other takes left, and what a broken one left half written.

    Parameters
    ----------
    folder : that is ours (`claim`)
    names : of the takes that stay
    """
    for path in folder.iterdir():
        unwanted = path.name.startswith(".") or path.suffix == ".part" or path.name.partition(".")[0] not in names
        if unwanted and _TAKE.fullmatch(path.name) and path.is_file():
            path.unlink()


def _names(catalog: Path) -> set[str]:
    """Takes in an earlier catalog of ours: the ends of its ids."""
    if not catalog.is_file():
        return set()
    rows = open_catalog(catalog).rows(check_files=False)
    return {row.id.rpartition("~")[2] for row in rows if isinstance(row, Recording) and "~" in row.id}
