"""``dacapo runs``: past runs, read from ML Metadata."""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from audio.errors import DaCapoError
from pipeline import lineage
from pipeline.console import WIDTH, quiet
from pipeline.terminal import typed
from pipeline.titles import pipeline_title


class NoSuchRun(DaCapoError):
    """A run id that ML Metadata does not know."""


def show(home: Path, run_id: str | None, *, pages: bool) -> None:
    """Prints the table of all runs of `home`, or of those whose id starts with `run_id`; writes the pages of the newest
    of them when asked.

    Raises
    ------
    NoSuchRun
        If there is no run, or none whose id starts so.
    """
    store_path = home / "metadata.sqlite"
    found = list(lineage.runs(lineage.open_store(store_path))) if store_path.is_file() else []
    if not found:
        start = typed("run", "tagging", "--library", "builtin", home=home)
        raise NoSuchRun(f"{home}: no run yet; start one with: {start}")
    if run_id is not None:
        wanted = [run for run in found if run.run_id.startswith(run_id)]
        if not wanted:
            raise NoSuchRun(f"{home}: no run {run_id}; list all {len(found)} with: {typed('runs', home=home)}")
        found = wanted
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    console.print(runs_table(found))
    if pages:
        with quiet(home / "logs" / "pages.log", verbose=False) as terminal:
            from pipeline.pages import write_pages

            for page in write_pages(found[-1], home / "pages" / found[-1].run_id):
                terminal.print(str(page), markup=False, soft_wrap=True)


def runs_table(found: list[lineage.Run]) -> Table:
    """A row a run: pipeline, id, start (UTC), duration, verdict, served version, steps that ran."""
    table = Table(box=None, pad_edge=False)
    for column in ("pipeline", "run", "started (UTC)", "duration", "verdict", "version", "steps that ran"):
        wraps = column in ("pipeline", "steps that ran")
        table.add_column(column, justify="right" if column == "duration" else "left", no_wrap=not wraps)
    for run in found:
        none = "none" if run.verdict in ("failed", "unfinished") else "none, all cached"
        steps = str(len(run.executed)) if len(run.executed) > 3 else ", ".join(run.executed) or none
        table.add_row(
            pipeline_title(run.pipeline),
            run.run_id,
            f"{run.started:%Y-%m-%d %H:%M}",
            f"{run.duration_s:.0f} s",
            run.verdict,
            run.version or "",
            steps,
        )
    return table
