"""The identity of a catalog's content: its rows and the bytes of the audio files, never their places or dates."""

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Self

from audio.errors import DaCapoError
from audio.ffmpeg import ffmpeg_release
from catalog.format import Catalog, Problem, open_catalog
from catalog.recording import Recording
from components.audio_example_gen.settings import Settings

RACY_S = 2.0
"""A file changed less than this before it was hashed is hashed again next time: a second change in the same tick leaves
no trace."""

_PASSING = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY}
"""SQLite's codes for what deleting the index would not mend: a disk, the memory, another run that holds it too long."""
_PRIMARY = 0xFF  # the bits of a code that are one of these, the others say more

_ROW_FIELDS = frozenset({"id", "artist", "album", "package", "language", "lyrics", "tags", "split"})
_SPLIT_FIELDS = frozenset({"id", "artist", "package", "tags", "split"})


class HashIndex:
    """SHA-256 of files, remembered in a SQLite file by path, size and times of change. A context manager.

    Both times count, in nanoseconds: whoever changes the content can put back mtime, but not ctime.

    Parameters
    ----------
    path : the SQLite file; it and its folder are made when they are not there. It is a cache: deleting it costs time
    only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._unusable_in_one_line(), ExitStack() as opened:
            self._connection = opened.enter_context(
                closing(sqlite3.connect(self._path, timeout=60, isolation_level=None))
            )
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS hashes"
                " (path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, sha256 TEXT) WITHOUT ROWID"
            )
            opened.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def sha256(self, path: Path) -> str:
        """SHA-256 of a file's bytes, read only when its path, size and times of change are not known together.

        Raises
        ------
        OSError
            If the file is not there or cannot be read.
        DaCapoError
            If the SQLite file is damaged, or its table is another one.
        """
        key = str(path.resolve())
        before = _state(path)
        with self._unusable_in_one_line():
            known = self._connection.execute("SELECT * FROM hashes WHERE path = ?", (key,)).fetchone()
        if known and known[1:4] == before:
            return str(known[4])
        now_ns = time.time_ns()
        digest = hash_file(path)
        if _state(path) == before and now_ns - max(before[1:]) > RACY_S * 1e9:
            with self._unusable_in_one_line():
                self._connection.execute("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?)", (key, *before, digest))
        return digest

    @contextmanager
    def _unusable_in_one_line(self) -> Iterator[None]:
        """Says of what is wrong with the SQLite file, wherever it is met, that it may be deleted; what passes stays."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)  # the module's own errors have none
            if code & _PRIMARY in _PASSING:
                raise
            message = f"index_path={str(self._path)!r} cannot be used ({error}): it is a cache, delete it"
            raise DaCapoError(message) from error


def _state(path: Path) -> tuple[int, int, int]:
    """Size, and when content and file were changed last, in nanoseconds."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes in hexadecimal, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(settings: Settings, index: HashIndex) -> str:
    """SHA-256 over all that Examples are made from: the rows' fields, in order, the bytes of the files that they name,
    and the release of ffmpeg, which decides what can be read.

    Not part of it: where the catalog lies, dates, columns that no Example carries (title, licence), audio files that
    the task does not read. A file that cannot be read counts as that; a row that is set aside counts with its line, and
    where only its file is wrong, with what decides the splits of later rows.

    Raises
    ------
    CatalogError
        If the catalog cannot be opened.
    """
    catalog = open_catalog(settings.catalog_path)
    total = hashlib.sha256(f"{catalog.library}\nffmpeg {ffmpeg_release()}\n".encode())
    read: list[Recording] = []
    for row in catalog.rows(reads=read.append):
        content = _set_aside(row, read) if isinstance(row, Problem) else _content(row, catalog, settings, index)
        read.clear()
        total.update(json.dumps(content, ensure_ascii=False, sort_keys=True).encode() + b"\n")
    return total.hexdigest()


def _set_aside(problem: Problem, read: list[Recording]) -> list[object]:
    """A row's line, and what `catalog.splits.SplitAssigner` makes of it: it is told of rows whose file is missing."""
    return [str(problem), *(recording.model_dump(mode="json", include=set(_SPLIT_FIELDS)) for recording in read)]


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
