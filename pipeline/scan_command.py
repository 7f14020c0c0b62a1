"""``dacapo scan``: every recording of a catalog through a model, the one in service unless another is named."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from audio.errors import DaCapoError
from catalog.errors import CatalogError
from catalog.format import open_catalog
from catalog.served import newest_version
from pipeline.console import quiet
from pipeline.settings import Settings, SettingsError, read_assignment
from pipeline.terminal import STOPPED, in_short, log_traceback, story_in, typed, user_error
from pipeline.titles import pipeline_title
from serving.facts import read_facts

if TYPE_CHECKING:
    from serving.plan import Plan

POLL_S = 0.5
USED = ("task", "library", "profile", "home", "catalog", "beam")
"""Settings, and groups of them, that a scan reads."""
MAX_SHOWN = 100
"""Lines of recordings that are set aside on the terminal; the file has them all."""


class Exit(IntEnum):
    """Exit codes of ``dacapo scan``; ``STOPPED`` if stopped by hand."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2


class NoModel(DaCapoError):
    """There is no model in service, or the one that was named is of another task."""


def check_assignments(assignments: Iterable[str]) -> None:
    """Makes sure that every ``key=value`` is of a setting that a scan reads.

    Raises
    ------
    SettingsError
        One is not, so that it would change nothing.
    """
    for assignment in assignments:
        key, _ = read_assignment(assignment, example="beam.workers=4")
        if key.partition(".")[0] not in USED:
            raise SettingsError(f"--set {assignment!r}: a scan does not read {key}, but {', '.join(USED)}")


def scan(settings: Settings, *, model: Path | None, output: Path | None, limit: int | None, verbose: bool) -> int:
    """Scans and reports on the terminal.

    Parameters
    ----------
    settings : validated settings: task, library, profile, home, catalog and Beam's.
    model : folder of an exported model; by default the newest that is served.
    output : by default ``<home>/scans/<task>-<library>-<profile>/<version>``.
    limit : rows of the catalog to read at most.
    verbose : show what the libraries say instead of writing it to the log.

    Returns
    -------
    int
        The exit code: `Exit`, and ``BAD_INPUT`` too where no recording could be answered.

    Raises
    ------
    DaCapoError
        If the catalog or the model cannot be used; said before anything heavy is loaded.
    """
    chosen = _model(settings, model)
    if next(open_catalog(settings.catalog_path).rows(check_files=False), None) is None:
        raise CatalogError(f"{settings.catalog_path}: the catalog has no rows: there is nothing to answer")
    folder = (output or settings.home / "scans" / settings.name / chosen.name).absolute()
    log = settings.home / "logs" / f"scan-{settings.name}.log"
    with quiet(log, verbose=verbose) as console:
        _print(console, f"{pipeline_title(settings.name)}: version {chosen.name}, {settings.catalog_path}")
        try:
            return _scan(settings, chosen, folder, limit, console)
        except KeyboardInterrupt:
            console.print("dacapo: stopped; the same command goes on where it was")
            return STOPPED
        except Exception as error:  # noqa: BLE001 (the door: whatever a worker raises ends as a line and a code)
            cause = user_error(error)
            lines = [str(cause)] if cause is not None else [in_short(error), *story_in(None if verbose else log)]
            for line in lines:
                _print(console, f"dacapo: {line}")
            log_traceback()
            return Exit.FAILED if cause is None else Exit.BAD_INPUT


def _model(settings: Settings, named: Path | None) -> Path:
    found = named.absolute() if named is not None else newest_version(settings.served)
    if found is None:
        # A scan takes any library's catalog, a run its own alone.
        own = settings.catalog is not None and open_catalog(settings.catalog).library == settings.library
        given = ("--catalog", settings.catalog) if own else ()
        options = ("--library", settings.library, "--profile", settings.profile, *given)
        command = typed("run", settings.task, *options, home=settings.home)
        others = [
            profile
            for profile in settings.load_task().audio
            if newest_version(settings.model_copy(update={"profile": profile}).served) is not None
        ]
        there = f", of profile {others[0]} one is: add --profile {others[0]}" if others else ""
        raise NoModel(f"{settings.served}: no model is in service{there}; make one with: {command}")
    task = read_facts(found).task
    if task != settings.task:
        raise NoModel(f"{found}: is a model of the task {task}, not of {settings.task}")
    return found


def _scan(settings: Settings, model: Path, output: Path, limit: int | None, console: Console) -> int:
    from pipeline.code_hash import code_hash
    from serving.scan import ANSWERS, SET_ASIDE, scan

    started = time.monotonic()
    with _bar(console, output) as planned:
        scanned = scan(
            settings.catalog_path,
            model,
            output,
            beam_arguments=settings.beam.arguments(),
            code=code_hash("serving.answer"),
            limit=limit,
            planned=planned,
        )
    for problem in scanned.problems[:MAX_SHOWN]:
        _print(console, f"  {problem}")
    if len(scanned.problems) > MAX_SHOWN:
        _print(console, f"  and {len(scanned.problems) - MAX_SHOWN} more")
    aside = len({problem.row for problem in scanned.problems})
    known = f", {scanned.known} known from a scan before" if scanned.known else ""
    _print(console, f"\n{scanned.answered} answered{known}, {aside} set aside  ({time.monotonic() - started:.0f} s)")
    _print(console, f"{output / ANSWERS}")
    if aside:
        _print(console, f"{output / SET_ASIDE}")
    return Exit.DONE if scanned.answered else Exit.BAD_INPUT


@contextmanager
def _bar(console: Console, output: Path) -> Iterator[Callable[["Plan"], None]]:
    """A bar of recordings, where the console is a terminal; what it gives is told the plan."""
    columns = (TextColumn("  recordings"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
    over = threading.Event()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("recordings", total=None)

        def poll(plan: "Plan") -> None:
            from serving.progress import Progress as ScanProgress
            from serving.scan import WORK

            seen = ScanProgress(output / WORK, plan)
            while not over.wait(POLL_S):
                bar.update(task, completed=seen.done(), total=plan.recordings)

        try:
            yield lambda plan: threading.Thread(target=poll, args=(plan,), daemon=True).start()
        finally:
            over.set()


def _print(console: Console, line: str) -> None:
    console.print(line, markup=False, soft_wrap=True)
