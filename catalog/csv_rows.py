"""Rows of a CSV catalog, read so that no line can fill the memory and no wrong row can hide the next one."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from catalog.errors import CatalogError
from catalog.problem import Fault
from catalog.wording import counted

MAX_FIELD = 1 << 20
MAX_ROW = 4 << 20
MAX_HEADER_LINES = 32
_LINE_ENDS = ("\n", "\r")


class _Lines:
    """Lines of a text file, each of at most `MAX_ROW` characters, that can be put back."""

    def __init__(self, handle: IO[str]) -> None:
        self._handle = handle
        self._returned: list[str] = []

    def take(self) -> str:
        """The next line with its line end, ``""`` at the end of the file; of a line that is too long only the start."""
        if self._returned:
            return self._returned.pop()
        line = self._handle.readline(MAX_ROW + 1)
        if len(line) > MAX_ROW and not line.endswith(_LINE_ENDS):
            while (rest := self._handle.readline(MAX_ROW)) and not rest.endswith(_LINE_ENDS):
                pass
        return line

    def put_back(self, lines: Sequence[str]) -> None:
        self._returned.extend(reversed(lines))


def read_header(path: Path) -> tuple[dict[str, str], list[str]]:
    """The ``# key: value`` lines above a CSV catalog and its column names.

    Raises
    ------
    CatalogError
        If the file cannot be read.
    """
    with _open(path) as handle:
        lines = _Lines(handle)
        return _metadata(lines), _columns(lines)


def read_rows(path: Path) -> Iterator[dict[str, str] | Fault]:
    """Cells by column of every row, or what is wrong with a row that cannot be cut into cells.

    A row with a stray quote would swallow the rows below it: its first line alone is given up, and reading goes on
    with its second. Bytes that are not UTF-8 become lone surrogates, which `catalog.recording.Recording` refuses.

    Raises
    ------
    CatalogError
        If the file cannot be read, or read on.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))
    with _open(path) as handle:
        lines = _Lines(handle)
        _metadata(lines)
        columns = _columns(lines)
        while True:
            taken: list[str] = []
            try:
                cells = next(csv.reader(_pull(lines, taken), strict=True), None)
                if cells is None:
                    return
                if not cells:
                    continue
                if len(cells) != len(columns):
                    raise csv.Error(f"has {counted(len(cells), 'cell')}, but there are {len(columns)} columns")
                if (longest := max(map(len, cells))) > MAX_FIELD:
                    raise csv.Error(f"has a cell of {longest} characters, at most {MAX_FIELD} are allowed")
            except csv.Error as error:
                lines.put_back(taken[1:])
                reason = str(error) if str(error).startswith("has ") else f"is not a row of CSV: {error}"
                yield Fault("", taken[0].rstrip("\r\n"), reason)
                continue
            yield dict(zip(columns, cells, strict=True))


@contextmanager
def _open(path: Path) -> Iterator[IO[str]]:
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as handle:
            yield handle
    except OSError as error:
        raise CatalogError(f"{path}: cannot be read: {error.strerror or error}") from error


def _pull(lines: _Lines, taken: list[str]) -> Iterator[str]:
    size = 0
    while line := lines.take():
        taken.append(line)
        size += len(line)
        if size > MAX_ROW:
            raise csv.Error(f"has more than {MAX_ROW} characters")
        yield line


def _metadata(lines: _Lines) -> dict[str, str]:
    metadata: dict[str, str] = {}
    for _ in range(MAX_HEADER_LINES):
        line = lines.take()
        if not line.startswith("#"):
            lines.put_back([line] if line else [])
            break
        key, _colon, value = line[1:].partition(":")
        metadata[key.strip()] = value.strip().rstrip(",")  # spreadsheets fill a short line up with commas
    return metadata


def _columns(lines: _Lines) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader(_pull(lines, []), strict=True), [])]
    except csv.Error:
        return []
