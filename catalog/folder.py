"""Folders that are written to: made, or refused in one line, and held by one build at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audio.errors import FULL, DaCapoError
from catalog.errors import CatalogError

WORK_FOLDER = ".build"


def make_folder(path: Path) -> Path:
    """A folder that files can be written to, made with those above it where it is not there.

    Raises
    ------
    DaCapoError
        If something else stands there or above it, or this user may not write there.
    OSError
        If the disk is full.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in FULL:
            raise
        file = next((place for place in (path, *path.parents) if os.path.isfile(place)), None)
        if file is not None:
            raise DaCapoError(f"{file}: is a file, where a folder is wanted") from error
        raise DaCapoError(f"{path}: cannot be made: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise DaCapoError(f"{path}: cannot be written to: permission denied, or a file system that is read-only")
    return path


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Keeps a second build out of the folder while the block runs.

    Raises
    ------
    CatalogError
        If another build is at work in `root`.
    DaCapoError
        If `root` cannot be made or written to.
    """
    # "a" leaves the file's date: a build with nothing to do changes nothing.
    with open(make_folder(root / WORK_FOLDER) / "lock", "a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CatalogError(f"{root}: another build is at work there") from error
        yield
