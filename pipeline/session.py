"""A retraining on the terminal: a line a component, the verdict, where the model went, or what went wrong."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.findings import notes
from pipeline.launch import DagRunner
from pipeline.progress_line import ProgressLine
from pipeline.retrain import Exit, Outcome, new_run_id, retrain
from pipeline.settings import Settings
from pipeline.terminal import STOPPED, in_short, log_traceback, told
from pipeline.titles import pipeline_title
from pipeline.verdict import Figure, Verdict


def session(settings: Settings, console: Console, log: Path | None) -> int:
    """Retrains, reports on `console`, and answers the exit code (:class:`pipeline.retrain.Exit`, or ``STOPPED``); `log`
    has the rest, unless all of it is shown.
    """
    started = time.monotonic()
    run_id = new_run_id()
    console.print(f"{pipeline_title(settings.name)}: run {run_id}")
    with ProgressLine(console, settings) as progress:
        try:
            outcome = retrain(settings, run_id, DagRunner(progress.started, progress.finished))
        except KeyboardInterrupt:
            progress.stop()
            console.print("dacapo: stopped; the same command goes on where it was")
            return STOPPED
        except Exception as error:  # noqa: BLE001 (the door: whatever a component raises ends as a line and a code)
            progress.stop()
            cause, lines = told(error, progress.node, log)
            for line in lines:
                _print(console, f"dacapo: {line}")
            log_traceback()
            return Exit.FAILED if cause is None else Exit.BAD_INPUT
    with _afterwards(console):
        for line in notes(outcome.run):
            _print(console, f"  {line}")
    report(console, settings, outcome, time.monotonic() - started)
    return outcome.exit_code


def report(console: Console, settings: Settings, outcome: Outcome, duration_s: float) -> None:
    """Prints the verdict's table, a line for every failure, and where the model is served."""
    with _afterwards(console):
        console.print()
        console.print(verdict_table(settings.task, outcome.verdict, title=pipeline_title(settings.name)))
        for line in outcome.verdict.failures():
            _print(console, f"  {line}")
        if outcome.verdict.leaves_out:
            _print(console, "  of N: the mean of the N recordings in which the score is defined")
        noisy = outcome.verdict.within_noise()
        if noisy:
            _print(console, f"  allowed changes within the noise of the eval recordings: {', '.join(noisy)}")
    where = f"blessed, served as {outcome.served}" if outcome.served else "not blessed, the served folder is as it was"
    with _afterwards(console):
        _print(console, f"\n{where}  ({duration_s:.0f} s)")


def verdict_table(task: str, verdict: Verdict, *, title: str) -> Table:
    """The gate's figures, a row an output: value, ± its noise (half the 95 % bootstrap interval over the artists of the
    eval split), how many recordings a mean is of where its score is not defined in all of them, change against the
    model in service in brackets, limits.
    """
    table = Table(
        title=f"{title}: {verdict.recordings} eval recordings", title_justify="left", box=None, pad_edge=False
    )
    table.add_column(task)
    shown = list(dict.fromkeys(metric for figures in verdict.figures.values() for metric in figures))
    for metric in shown:
        table.add_column(metric.replace("_", " "), justify="right")
    table.add_column("gate")
    for output, figures in verdict.figures.items():
        passed = all(figure.passed for figure in figures.values())
        word = "reported" if output not in verdict.gated else "passes" if passed else "FAILS"
        table.add_row(escape(output), *(_cell(figures.get(metric)) for metric in shown), word)
    return table


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    text = "undefined" if math.isnan(figure.value) else _measured(figure)
    if figure.limits.floor is not None:
        text += f" >= {figure.limits.floor:g}"
    if figure.limits.ceiling is not None:
        text += f" <= {figure.limits.ceiling:g}"
    return text


def _measured(figure: Figure) -> str:
    text = f"{figure.value:.3f}"
    if math.isfinite(figure.noise):
        text += f" ±{figure.noise:.2f}"
    if figure.leaves_out:
        text += f" of {figure.recordings}"
    if figure.undefined_in_service:
        text += " (undefined in service)"
    elif figure.baseline is not None:
        text += f" ({figure.value - figure.baseline:+.3f})"
    return text


@contextmanager
def _afterwards(console: Console) -> Iterator[None]:
    """What goes wrong in telling of a run that is over is a warning: a model that was pushed is served all the same."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 (the outcome stands, whatever the report stumbles over)
        with suppress(OSError):  # where the terminal itself takes no more
            _print(console, f"  warning: the report is not whole: {in_short(error)}")
        log_traceback()


def _print(console: Console, line: str) -> None:
    console.print(line, markup=False, soft_wrap=True)
