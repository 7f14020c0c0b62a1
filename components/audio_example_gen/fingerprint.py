"""The identity of a catalog's content: its rows and the bytes of the audio files, never their places or dates."""

import hashlib
import json
import sqlite3
import time
from pathlib import Path
from typing import Self

from audio.errors import DaCapoError
from catalog.format import Catalog, Problem, open_catalog
from catalog.recording import Recording
from components.audio_example_gen.settings import Settings

RACY_S = 2.0
"""A file changed less than this before it was hashed is hashed again next time: a second change in the same tick leaves
no trace."""

_ROW_FIELDS = frozenset({"id", "artist", "album", "package", "language", "lyrics", "tags", "split"})


class HashIndex:
    """SHA-256 of files, remembered in a SQLite file by path, size and mtime in nanoseconds. A context manager.

    Parameters
    ----------
    path : the SQLite file; it and its folder are made when they are not there. It is a cache: deleting it costs time
    only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = sqlite3.connect(self._path, timeout=60, isolation_level=None)
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS files"
                " (path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha256 TEXT) WITHOUT ROWID"
            )
        except sqlite3.DatabaseError as error:
            message = f"index_path={str(self._path)!r} cannot be used ({error}): it is a cache, delete it"
            raise DaCapoError(message) from error
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def sha256(self, path: Path) -> str:
        """SHA-256 of a file's bytes, read only when its path, size and mtime are not known together.

        Raises
        ------
        OSError
            If the file is not there or cannot be read.
        """
        key = str(path.resolve())
        before = path.stat()
        known = self._connection.execute("SELECT size, mtime_ns, sha256 FROM files WHERE path = ?", (key,)).fetchone()
        if known and known[:2] == (before.st_size, before.st_mtime_ns):
            return str(known[2])
        now_ns = time.time_ns()
        digest = hash_file(path)
        after = path.stat()
        unchanged = (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
        if unchanged and now_ns - before.st_mtime_ns > RACY_S * 1e9:
            row = (key, before.st_size, before.st_mtime_ns, digest)
            self._connection.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", row)
        return digest


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes in hexadecimal, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(settings: Settings, index: HashIndex) -> str:
    """SHA-256 over all that Examples are made from: the rows' fields, in order, and the bytes of the files that they
    name.

    Not part of it: where the catalog lies, dates, columns that no Example carries (title, licence), audio files that
    the task does not read. A file that cannot be read counts as that; a row that is set aside counts with its line.

    Raises
    ------
    CatalogError
        If the catalog cannot be opened.
    """
    catalog = open_catalog(settings.catalog_path)
    total = hashlib.sha256(f"{catalog.library}\n".encode())
    for row in catalog.rows():
        content = str(row) if isinstance(row, Problem) else _content(row, catalog, settings, index)
        total.update(json.dumps(content, ensure_ascii=False, sort_keys=True).encode() + b"\n")
    return total.hexdigest()


def _content(recording: Recording, catalog: Catalog, settings: Settings, index: HashIndex) -> dict[str, object]:
    fields = _ROW_FIELDS | {"labels"} if settings.timed_labels else _ROW_FIELDS
    content = recording.model_dump(mode="json", include=set(fields))
    files = settings.files_of(recording)
    content["files"] = {column: [path, _digest(catalog.root / path, index)] for column, path in files.items()}
    return content


def _digest(path: Path, index: HashIndex) -> str:
    try:
        return index.sha256(path)
    except OSError as error:
        return f"unreadable: {error.strerror}"
