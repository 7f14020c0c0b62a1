"""What every command shows the same way: errors that the user can mend, long work, what to type next."""

import shlex
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from audio.errors import FULL, PASSING, DaCapoError
from catalog.errors import WorkerKilledError
from pipeline.settings import HOME, absolute, absolute_home

STOPPED = 130
"""Exit code of what was stopped by hand: 128 and the number of SIGINT, as shells say it."""
UNREACHABLE = (PermissionError, NotADirectoryError, IsADirectoryError, FileExistsError)
"""What stands between this user and a file on a path that was given, wherever it is met."""


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turns an error that the user can mend into its one line on standard error and exit code 2; 1 where a disk is
    full or fails, or a worker was killed.
    """
    try:
        yield
    except DaCapoError as error:
        typer.echo(f"dacapo: {error}", err=True)
        raise typer.Exit(2) from error
    except WorkerKilledError as error:
        typer.echo(f"dacapo: {error}", err=True)
        raise typer.Exit(1) from error
    except OSError as error:
        if error.errno in FULL:
            where = f"{error.filename}: " if error.filename else ""
            typer.echo(f"dacapo: {where}{error.strerror}; with room, the same command goes on where it was", err=True)
            raise typer.Exit(1) from error
        if error.errno in PASSING and error.filename is not None:
            typer.echo(f"dacapo: {error.filename}: {error.strerror}; the same command goes on where it was", err=True)
            raise typer.Exit(1) from error
        if error.filename is None or not isinstance(error, UNREACHABLE):
            raise
        typer.echo(f"dacapo: {error.filename}: {error.strerror}", err=True)
        raise typer.Exit(2) from error


def absolute_path(param: typer.CallbackParam, value: Path | None) -> Path | None:
    """The value of a path option as settings take it: shells leave the ``~`` of ``--home=~/x`` as it is."""
    check = absolute_home if param.name == "home" else absolute
    with one_line_errors():
        try:
            return None if value is None else Path(check(value))
        except ValueError as error:
            raise DaCapoError(f"{param.opts[0]} {value}: {error}") from error


HomeOption = Annotated[
    Path,
    typer.Option(help="Folder of catalogs, metadata, checkpoints, logs and served models.", callback=absolute_path),
]


def user_error(error: BaseException) -> DaCapoError | None:
    """The error of ours in the chain behind `error` (Beam wraps what is raised under it), or None."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, DaCapoError):
            return link
        link = link.__cause__ or link.__context__
    return None


def in_short(error: BaseException) -> str:
    """An error of which nobody knows more, in one line: ``KeyError: 'rock'``."""
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


def told(error: BaseException, node: str, log: Path | None) -> tuple[DaCapoError | None, list[str]]:
    """What `user_error` finds behind the error that ended `node`, and the lines that tell the person of it and of the
    `log`, if there is one.
    """
    cause = user_error(error)
    if cause is None:
        return None, [f"{node}: {in_short(error)}", *story_in(log)]
    return cause, [*map(str, getattr(cause, "problems", ())), *str(cause).splitlines()]


def story_in(log: Path | None) -> list[str]:
    """The line that tells of the log, if there is one."""
    return [] if log is None else [f"the whole story is in {log}"]


def log_traceback() -> None:
    """Writes the story of the exception that is being handled to standard error, which is the log where that is on.

    A disk that is full takes no story; what the person is told does not hang on it.
    """
    with suppress(OSError):
        traceback.print_exc(file=sys.stderr)


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar called `title`; what it gives is called with (done, in all)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(highlight=False)) as progress:
        bar = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


def typed(*words: object, home: Path = HOME) -> str:
    """``./dacapo`` and `words` as a shell takes them, with ``--home`` where `home` is not the default."""
    elsewhere = () if home.expanduser().absolute() == HOME else ("--home", home)
    return shlex.join(["./dacapo", *map(str, (*words, *elsewhere))])
