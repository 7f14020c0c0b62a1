"""What is wrong with one cell of a catalog."""

from dataclasses import dataclass

from audio.errors import escaped

MAX_SHOWN = 80


def printable(value: str) -> str:
    """`value` on one line of at most 80 characters, with escapes for what a terminal should not get."""
    shown = value if len(value) <= MAX_SHOWN else value[: MAX_SHOWN - 3] + "..."
    return escaped(shown)


@dataclass(frozen=True)
class Fault:
    """A wrong cell, before it is known where it stands; an empty `column` means the whole row."""

    column: str
    value: str
    reason: str


@dataclass(frozen=True)
class Problem:
    """A wrong cell of a catalog.

    Attributes
    ----------
    row : line of data, the first below the column names is 1; in CSV a row may span several lines of text.
    column : name of the column, or ``""`` for the row as a whole.
    value : what stands there, shortened to one printable line.
    reason : what is wrong, so that ``value reason`` is a sentence.
    recording_id : of the row, when it has one that can be read.
    catalog : name of the catalog's file.
    """

    row: int
    column: str
    value: str
    reason: str
    recording_id: str | None
    catalog: str = "catalog"

    def __str__(self) -> str:
        place = f"row {self.row}, column {self.column}" if self.column else f"row {self.row}"
        return f'{self.catalog}: {place}: "{self.value}" {self.reason}'
