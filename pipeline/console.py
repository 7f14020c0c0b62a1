"""What a person sees of a run, apart from what the libraries under it say.

TensorFlow, Beam and the decoders write to the file descriptors 1 and 2 from C++, where no Python filter reaches. While
a run is on, both descriptors point at the run's log file and the console keeps a copy of the terminal for itself.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from pipeline.chatter import speak_up

WIDTH = 140
"""Columns where the output is no terminal: a table keeps one line a row."""


@contextmanager
def quiet(log: Path, *, verbose: bool) -> Iterator[Console]:
    """A console of its own, while everything else that is printed goes to the file `log`.

    Parameters
    ----------
    log : made, with its folder; appended to.
    verbose : leaves everything on the terminal, lets the libraries say all that they can, and writes no log.
    """
    if verbose:
        speak_up()
        yield Console(highlight=False)
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for descriptor in saved:
        os.dup2(sink, descriptor)
    os.close(sink)
    try:
        with os.fdopen(os.dup(saved[1]), "w", encoding="utf-8") as terminal:
            width = None if terminal.isatty() else WIDTH
            yield Console(file=terminal, highlight=False, width=width)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, copy in saved.items():
            os.dup2(copy, descriptor)
            os.close(copy)
