"""What a person sees of a run, apart from what the libraries under it say.

TensorFlow, Beam and the decoders write to the file descriptors 1 and 2 from C++, where no Python filter reaches. While
a run is on, both descriptors point at the run's log file and the console keeps a copy of the terminal for itself.
"""

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console

from audio.errors import FULL, DaCapoError, escaped
from catalog.folder import make_folder
from pipeline.chatter import speak_up

WIDTH = 140
"""Columns where the output is no terminal: a table keeps one line a row."""
ESCAPED = "dacapo-escaped"
"""Of streams: what they cannot encode, such as the name of a file that is not UTF-8, is written as by `escaped`."""


@contextmanager
def quiet(log: Path, *, verbose: bool) -> Iterator[Console]:
    """A console of its own, while everything else that is printed goes to the file `log`.

    What a log on a full disk does not take is lost, and so is what a terminal that is gone does not: the work goes on.

    Parameters
    ----------
    log : made, with its folder; appended to.
    verbose : leaves everything on the terminal, lets the libraries say all that they can, and writes no log.

    Raises
    ------
    DaCapoError
        If the log cannot be opened.
    OSError
        If the disk is full.
    """
    if verbose:
        speak_up()
        yield Console(highlight=False)
        return
    sink = _open(log)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    for descriptor in saved:
        os.dup2(sink, descriptor)
    os.close(sink)
    out, err = _stream(1), _stream(2)
    try:
        with redirect_stdout(out), redirect_stderr(err), _stream(os.dup(saved[1]), closes=True) as terminal:
            width = None if terminal.isatty() else WIDTH
            yield Console(file=terminal, highlight=False, width=width)
    finally:
        out.flush()
        err.flush()
        for descriptor, copy in saved.items():
            os.dup2(copy, descriptor)
            os.close(copy)


def _open(log: Path) -> int:
    if not os.path.isdir(log.parent):  # /dev, for one, is nobody's to write to
        make_folder(log.parent)
    try:
        return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as error:
        if error.errno in FULL:
            raise
        raise DaCapoError(f"{log}: the log cannot be written: {error.strerror}") from error


class _Lossy(io.FileIO):
    """A descriptor that takes all that it is given, and loses what a full disk or a terminal that is gone does not."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _stream(descriptor: int, *, closes: bool = False) -> TextIO:
    """What Python prints to a descriptor, line by line; the log's stay open, as libraries keep them for longer."""
    raw = io.BufferedWriter(_Lossy(descriptor, "w", closefd=closes))
    return io.TextIOWrapper(raw, "utf-8", errors=ESCAPED, line_buffering=True)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = escaped(error.object[error.start : error.end])
    return text.encode(error.encoding, "backslashreplace").decode(error.encoding), error.end


codecs.register_error(ESCAPED, _escaped)
