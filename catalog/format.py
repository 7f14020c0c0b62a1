"""The catalog: one file that says what is in a library, read as a stream and written whole or not at all.

Conventions
-----------
A row is a recording. A wrong cell never raises: it comes out of `Catalog.rows` as a `Problem` in its place, and the
rows below it are read as if it were right. Of rows with one id the first counts. ``docs/catalog-format.md`` describes
every column.
"""

import csv
import difflib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from catalog import csv_rows, parquet_rows
from catalog.cells import COLUMNS, REQUIRED, decode, encode
from catalog.errors import CatalogError
from catalog.folder import make_folder
from catalog.ids import UsedIds, used_ids
from catalog.places import file_fault
from catalog.problem import Fault, Problem, printable
from catalog.recording import SPLITS, Event, Recording, Split, Word, check_path
from catalog.vocabulary import Vocabulary
from catalog.writing import staged

__all__ = [
    "COLUMNS",
    "SPLITS",
    "Catalog",
    "CatalogError",
    "Event",
    "Problem",
    "Recording",
    "Split",
    "Word",
    "open_catalog",
]

VERSION = "1"
_VERSION_KEY = "dacapo-catalog"
_LIBRARY_KEY = "library"
_LIBRARY = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_READERS = {".csv": csv_rows, ".parquet": parquet_rows}


@dataclass(frozen=True)
class Catalog:
    """An opened catalog.

    Attributes
    ----------
    path : the CSV or Parquet file.
    library : name of the library from the file's header: lower case, digits and dashes.
    """

    path: Path
    library: str

    @property
    def root(self) -> Path:
        """The folder that the recordings' paths start from: the one that holds the catalog."""
        return self.path.parent

    def rows(
        self,
        *,
        check_files: bool = True,
        vocabulary: Vocabulary | None = None,
        reads: Callable[[Recording], object] | None = None,
    ) -> Iterator[Recording | Problem]:
        """Every row in order, as a `Recording` or as one `Problem` for each of its wrong cells.

        Memory does not grow with the number of rows: see `catalog.ids.used_ids`.

        Parameters
        ----------
        check_files : whether a path must lead to a file inside `root`. On a library of millions on a network file
            system leave it to the reader of the audio, which opens each file anyway, by way of `locate`.
        vocabulary : a tag that it neither holds nor ignores is a problem.
        reads : told of every row whose cells can be read, just before it comes, or what is wrong with its file or its
            tags.

        Raises
        ------
        CatalogError
            If the file cannot be read on; nothing that stands in a CSV file makes it raise.
        """
        real_root = os.path.realpath(self.root)
        with used_ids() as ids:
            for row, cells in enumerate(_READERS[self.path.suffix].read_rows(self.path), start=1):
                if isinstance(cells, Fault):
                    yield self._problem(row, cells, None)
                    continue
                result = decode(cells)
                faults = result if isinstance(result, list) else list(_library_faults(result, vocabulary))
                if check_files:
                    faults += _file_faults(real_root, result if isinstance(result, Recording) else cells)
                recording_id = cells.get("id") or None
                if recording_id and not any(fault.column == "id" for fault in faults):
                    faults = _id_faults(ids, recording_id, row) + faults
                if isinstance(result, Recording):
                    if reads is not None and not any(fault.column == "id" for fault in faults):
                        reads(result)
                    if not faults:
                        yield result
                for fault in faults:
                    yield self._problem(row, fault, recording_id)

    def locate(self, path: str) -> Path:
        """The file that a `path` or a stem of this catalog stands for.

        Raises
        ------
        CatalogError
            If it leads out of `root`, symbolic links resolved, is missing or is not a file.
        """
        reason = file_fault(os.path.realpath(self.root), path)
        if reason:
            raise CatalogError(f'{self.path.name}: path "{printable(path)}" {reason}')
        return self.root / path

    @classmethod
    def write(cls, path: str | os.PathLike[str], library: str, recordings: Iterable[Recording]) -> Self:
        """A catalog of `recordings` at `path`, ``.csv`` or ``.parquet``; until it is complete, the old one stays.

        Raises
        ------
        CatalogError
            If the suffix or the library's name is wrong or an id comes twice.
        DaCapoError
            If the folder cannot be made or written to.
        """
        target = Path(path)
        _check_suffix(target)
        _check_library(target, library)
        metadata = {_VERSION_KEY: VERSION, _LIBRARY_KEY: library}
        make_folder(target.parent)
        with staged(target) as part:
            cells = _unique_cells(target, recordings)
            if target.suffix == ".parquet":
                parquet_rows.write_rows(part, metadata, cells)
            else:
                _write_csv(part, metadata, cells)
        return cls(target, library)

    def _problem(self, row: int, fault: Fault, recording_id: str | None) -> Problem:
        shown_id = None if recording_id is None else printable(recording_id)
        return Problem(row, fault.column, printable(fault.value), fault.reason, shown_id, self.path.name)


def open_catalog(path: str | os.PathLike[str]) -> Catalog:
    """The catalog at `path`, its header and column names checked.

    Raises
    ------
    CatalogError
        If the file is missing or cannot be read, is neither ``.csv`` nor ``.parquet``, lacks the header, has another
        version, an unknown or doubled column, or no ``id`` or ``path``.
    """
    file = Path(path)
    _check_suffix(file)
    _check_is_file(file)
    metadata, columns = _READERS[file.suffix].read_header(file)
    version = metadata.get(_VERSION_KEY)
    if version is None:
        raise CatalogError(f"{file}: is not a catalog: its header lacks '{_VERSION_KEY}: {VERSION}'")
    if version != VERSION:
        raise CatalogError(
            f'{file}: {_VERSION_KEY}: "{printable(version)}" is not a version that is known here: want {VERSION}'
        )
    library = metadata.get(_LIBRARY_KEY, "")
    _check_library(file, library)
    for column in columns:
        if column not in COLUMNS:
            near = difflib.get_close_matches(column[:40], COLUMNS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(COLUMNS)}"
            raise CatalogError(f'{file}: column "{printable(column)}" is unknown: {hint}')
        if columns.count(column) > 1:
            raise CatalogError(f'{file}: column "{column}" stands there {columns.count(column)} times')
    for column in REQUIRED:
        if column not in columns:
            raise CatalogError(f'{file}: column "{column}" is missing')
    return Catalog(file, library)


def _check_suffix(path: Path) -> None:
    if path.suffix not in _READERS:
        raise CatalogError(f"{path}: a catalog is a .csv or a .parquet file")


def _check_is_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CatalogError(f"{path}: there is no such catalog file") from error
    except OSError as error:
        raise CatalogError(f"{path}: cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(mode):
        raise CatalogError(f"{path}: is {'a folder' if stat.S_ISDIR(mode) else 'no regular file'}, not a catalog file")


def _check_library(path: Path, library: str) -> None:
    if not _LIBRARY.fullmatch(library):
        raise CatalogError(
            f'{path}: library "{printable(library)}" is not a name of lower-case letters, digits and dashes'
        )


def _id_faults(ids: UsedIds, recording_id: str, row: int) -> list[Fault]:
    first = ids.claim(recording_id, row)
    return [] if first is None else [Fault("id", recording_id, f"was already used in row {first}")]


def _library_faults(recording: Recording, vocabulary: Vocabulary | None) -> Iterator[Fault]:
    for tag in vocabulary.unknown(recording.tags) if vocabulary else ():
        yield Fault("tags", tag, "is neither a tag of the vocabulary nor ignored by it")


def _file_faults(real_root: str, row: Recording | dict[str, str]) -> Iterator[Fault]:
    """Faults of the files of a right row; of a row that is wrong elsewhere the path alone is looked at."""
    if isinstance(row, Recording):
        places = [("path", row.path), *(("stems", path) for path in row.stems.values())]
    else:
        places = [("path", path)] if _is_relative(path := row.get("path", "")) else []
    for column, path in places:
        if reason := file_fault(real_root, path):
            yield Fault(column, path, reason)


def _is_relative(path: str) -> bool:
    try:
        return bool(check_path(path))
    except ValueError:
        return False


def _unique_cells(target: Path, recordings: Iterable[Recording]) -> Iterator[dict[str, str | None]]:
    with used_ids() as ids:
        for row, recording in enumerate(recordings, start=1):
            if (first := ids.claim(recording.id, row)) is not None:
                raise CatalogError(
                    f'{target}: row {row}, column id: "{printable(recording.id)}" was already used in row {first}'
                )
            yield encode(recording)


def _write_csv(path: Path, metadata: dict[str, str], rows: Iterator[dict[str, str | None]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as handle:
        handle.writelines(f"# {key}: {value}\r\n" for key, value in metadata.items())
        # RFC 4180's line end. With "\n" alone the writer would leave a cell that holds a carriage return unquoted.
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
