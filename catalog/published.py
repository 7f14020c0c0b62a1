"""What the importers of published data sets share: tab-separated tables in, a catalog beside the audio out."""

import csv
import filecmp
import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from catalog.cells import reason_of
from catalog.errors import CatalogError
from catalog.format import Catalog
from catalog.ids import used_ids
from catalog.places import lasting_fault
from catalog.problem import Fault, Problem, printable
from catalog.recording import Recording
from catalog.splits import SplitAssigner
from catalog.wording import counted
from catalog.writing import staged

MAX_LINE = 1 << 20
CATALOG_NAME = "catalog.csv"
_TOLD = 3
"""Problems that a refusal names."""


@dataclass(frozen=True)
class Row:
    """A recording, and where it is published.

    Attributes
    ----------
    table : name of the table.
    line : of the table.
    """

    table: str
    line: int
    recording: Recording


@dataclass(frozen=True)
class Imported:
    """A data set that was turned into a catalog.

    Attributes
    ----------
    catalog : written into the folder that holds the audio.
    recordings : rows of the catalog.
    problems : rows of the published tables that were left out, each with its place.
    torn : recordings whose published split is not that of an earlier recording of their artist.
    kept : where the catalog lies that was there before, if it was another one: somebody may have worked on it.
    """

    catalog: Catalog
    recordings: int
    problems: tuple[Problem, ...]
    torn: int = 0
    kept: Path | None = None

    def __str__(self) -> str:
        left_out = f"{counted(len(self.problems), 'row')} left out"
        lines = [f"{self.catalog.path}: {counted(self.recordings, 'recording')}, {left_out}"]
        if self.kept is not None:
            lines.append(f"the catalog that was there before is another one, and is kept as {self.kept}")
        if self.torn:
            torn = counted(self.torn, "recording is", "recordings are")
            lines.append(f"{torn} published in another split than one of the same artist")
        return "\n".join([*lines, *map(str, self.problems)])


class Line(NamedTuple):
    """A line of a table.

    Attributes
    ----------
    number : of the line in its file.
    cells : what stands in it, without quotes around a cell.
    text : the line itself.
    fault : why it is no row, as a sentence with the line; the cells are then what stands between its tabs.
    """

    number: int
    cells: list[str]
    text: str = ""
    fault: str | None = None

    def problem(self, table: Path) -> Problem:
        """The fault, in its place."""
        return Problem(self.number, "", printable(self.text), self.fault or "", None, table.name)


def read_table(path: Path) -> Iterator[Line]:
    """Rows of a tab-separated table; the byte order mark that spreadsheets put before the first is taken off.

    Raises
    ------
    CatalogError
        If the file is missing or a line has more than a million characters.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE))
    try:
        with open(path, encoding="utf-8-sig", errors="replace", newline="") as handle:
            number = 0
            while line := handle.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    raise CatalogError(f"{path}: line {number} has more than {MAX_LINE} characters")
                if line.strip():
                    yield _line(number, line.rstrip("\r\n"))
    except OSError as error:
        raise CatalogError(f"{path}: cannot be read: {error.strerror}") from error


def _line(number: int, text: str) -> Line:
    try:
        return Line(number, next(csv.reader([text], delimiter="\t", strict=True)), text)
    except csv.Error:
        cells = [cell.strip('"') for cell in text.split("\t")]
        return Line(number, cells, text, "is not a row: a cell begins with a quote that does not end it")


def write_catalog(audio: Path, library: str, rows: Iterator[Row | Problem]) -> Imported:
    """The catalog of `rows` in the folder `audio`; of a recording that comes twice the first row is taken. A catalog
    that was there and is another one is kept beside it.

    A row whose file is missing stays, since it may still be copied there; one that can never be used is a problem.

    Raises
    ------
    CatalogError
        If `audio` is not a folder, or no recording is left.
    OSError
        If the disk or the machine fails (`audio.errors.PASSING`).
    """
    if not audio.is_dir():
        raise CatalogError(f"{audio}: is not a folder with audio")
    problems: list[Problem] = []
    assigner = SplitAssigner()
    real_root = os.path.realpath(audio)
    count = 0

    def recordings() -> Iterator[Recording]:
        nonlocal count
        with used_ids() as ids:
            for row in rows:
                if isinstance(row, Problem):
                    problems.append(row)
                    continue
                recording = row.recording
                if (fault := _place_fault(real_root, recording)) is not None:
                    shown_id, shown = printable(recording.id), printable(fault.value)
                    problems.append(Problem(row.line, fault.column, shown, fault.reason, shown_id, row.table))
                    continue
                if (first := ids.claim(recording.id, count + 1)) is not None:
                    shown = printable(recording.id)
                    reason = f"was already used in row {first} of {CATALOG_NAME}"
                    problems.append(Problem(row.line, "id", shown, reason, shown, row.table))
                    continue
                count += 1
                assigner.assign(recording)
                yield recording
        if not count:
            told = [f"; {problem}" for problem in problems[:_TOLD]]
            more = f"; and {counted(len(problems) - _TOLD, 'problem')} more" if len(problems) > _TOLD else ""
            raise CatalogError("".join([f"{audio}: holds no recording that can be used", *told, more]))

    with _kept(audio / CATALOG_NAME) as kept:
        catalog = Catalog.write(audio / CATALOG_NAME, library, recordings())
    other = kept if kept is not None and kept.is_file() else None
    return Imported(catalog, count, tuple(problems), assigner.torn, other)


def _place_fault(real_root: str, recording: Recording) -> Fault | None:
    """What stays wrong with where a recording's files lie."""
    places = [("path", recording.path), *(("stems", path) for path in recording.stems.values())]
    faults = (Fault(column, path, fault) for column, path in places if (fault := lasting_fault(real_root, path)))
    return next(faults, None)


@contextmanager
def _kept(path: Path) -> Iterator[Path | None]:
    """A copy of `path`, if it is there, which stays if afterwards there is something else."""
    if not path.is_file():
        yield None
        return
    names = (path.with_name(f"{path.stem}-before-{number}{path.suffix}") for number in itertools.count(1))
    copy = next(name for name in names if not name.exists())
    with staged(copy) as part:
        shutil.copyfile(path, part)
    try:
        yield copy
    finally:
        if filecmp.cmp(path, copy, shallow=False):
            copy.unlink()


def recording_or_problem(table: Path, line: int, **values: object) -> Row | Problem:
    """The recording with `values`, or what is wrong with them."""
    try:
        return Row(table.name, line, Recording.model_validate(values))
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        column = str(detail["loc"][0])
        shown_id = printable(str(values.get("id", ""))) or None
        shown = printable(str(values.get(column, "")))
        return Problem(line, column, shown, reason_of(detail, column), shown_id, table.name)
