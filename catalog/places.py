"""Places of files in a catalog's folder: what a path of a row leads to, and where an importer may write."""

import errno
import os
import stat
from pathlib import Path

from audio.errors import PASSING, AudioError

MISSING = "does not exist"


def file_fault(real_root: str, path: str) -> str | None:
    """Why a path of a catalog stands for no file of its folder; None if it does.

    Parameters
    ----------
    real_root : the catalog's folder, symbolic links resolved.
    path : relative to it.

    Raises
    ------
    OSError
        The disk or the machine fails (`audio.errors.PASSING`), which tells nothing about the path.
    """
    place = os.path.join(real_root, path)
    try:
        # Not strict, so that a place whose file is still to be written is followed as far as there are links.
        if os.path.commonpath([real_root, os.path.realpath(place)]) != real_root:
            return "leads out of the catalog's folder"
        return None if stat.S_ISREG(os.stat(place).st_mode) else "is not a file"
    except (FileNotFoundError, NotADirectoryError):
        return MISSING
    except OSError as error:
        if error.errno in PASSING:
            raise
        return f"cannot be reached: {error.strerror}"


def lasting_fault(real_root: str, path: str) -> str | None:
    """As `file_fault`, but a file that is missing is no fault: it may still be copied or written there."""
    fault = file_fault(real_root, path)
    return None if fault == MISSING else fault


def check_places(root: Path, *places: Path) -> None:
    """Look at files of a folder before one of them is read or written.

    Parameters
    ----------
    root : the catalog's folder.
    places : files below it, which need not be there.

    Raises
    ------
    AudioError
        A place leads out of `root`, is something else than a file, or cannot be reached.
    OSError
        As `file_fault`.
    """
    real_root = os.path.realpath(root)
    for place in places:
        if fault := lasting_fault(real_root, place.relative_to(root).as_posix()):
            raise AudioError(place, fault)


def is_file(path: Path) -> bool:
    """Whether a file is there; of a name out of a table, which may be longer than a file system's names, it is not."""
    try:
        return path.is_file()
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return False
