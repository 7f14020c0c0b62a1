"""Markdown tables with their protocol, on standard output and in a file; progress on standard error."""

import logging
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from audio.errors import DaCapoError
from catalog.writing import whole


class BenchmarkError(DaCapoError):
    """A benchmark lacks something: one line that says what, and which command makes it."""


@dataclass(frozen=True)
class Table:
    """A table and what its figures mean.

    Attributes
    ----------
    title : a heading.
    columns : names; the first column is aligned left, the others right.
    rows : cells as text.
    caption : the protocol: data, split, what was measured, how intervals were made.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str

    def markdown(self) -> str:
        """The table, its caption below."""
        rule = ["---", *(["---:"] * (len(self.columns) - 1))]
        lines = [_line(row) for row in (self.columns, rule, *self.rows)]
        return "\n".join([f"### {self.title}", "", *lines, "", self.caption, ""])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def show(heading: str, tables: Sequence[Table], output: Path | None) -> None:
    """Print the page, under the command that printed it, and write it to `output` if there is one (whole or not at
    all).
    """
    lines = [f"## {heading}", "", f"Printed by `{command()}`, {machine()}.", ""]
    page = "\n".join([*lines, *(table.markdown() for table in tables)])
    print(page)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        with whole(output) as file:
            file.write(page)


def say(line: str) -> None:
    """A line of progress, on standard error."""
    print(line, file=sys.stderr, flush=True)


def say_validations() -> None:
    """A line on standard error for each validation of a training."""
    logger = logging.getLogger("dacapo.trainers")
    logger.addHandler(logging.StreamHandler())
    logger.setLevel(logging.INFO)
    logger.propagate = False


def command() -> str:
    """The command line without this machine's paths."""
    words = [Path(word).name if word.startswith("/") else _without_place(word) for word in sys.argv[1:]]
    return " ".join(["python -m", f"benchmarks.{Path(sys.argv[0]).stem}", *words])


def _without_place(word: str) -> str:
    option, equals, value = word.partition("=")
    return f"{option}={Path(value).name}" if equals and value.startswith("/") else word


def machine() -> str:
    """Processor and number of processors."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [
            line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return f"{platform.system()}, {model}, {os.cpu_count()} logical processors"


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turns an error that the user can mend into its one line on standard error and exit code 2."""
    try:
        yield
    except DaCapoError as error:
        say(f"benchmark: {error}")
        raise SystemExit(2) from error
