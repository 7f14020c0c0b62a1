"""One retraining: from settings to a served model, or to the reason why there is none."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

from audio.errors import DaCapoError
from catalog.folder import make_folder
from components.pusher import push
from pipeline import lineage
from pipeline.evaluation import read_evaluation
from pipeline.graph import create_pipeline
from pipeline.launch import DagRunner, compile_pipeline
from pipeline.metadata import check_place, connection_config
from pipeline.settings import Settings
from pipeline.verdict import Verdict
from pipeline.warm_start import resolve_warm_start


class Exit(IntEnum):
    """Exit codes of ``dacapo run``."""

    SERVED = 0
    FAILED = 1
    BAD_INPUT = 2
    NOT_BLESSED = 3


class RunInProgress(DaCapoError):
    """Another run of the same pipeline is under way in this home folder."""


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes
    ----------
    run : as ML Metadata knows it.
    verdict : the gate's figures; None where the run did not get to the Evaluator.
    served : the newest version, which holds this run's model; None unless it was blessed.
    """

    run: lineage.Run
    verdict: Verdict
    served: Path | None

    @property
    def exit_code(self) -> Exit:
        """0 if this run's model is served, 3 if it was trained and not blessed."""
        return Exit.SERVED if self.served is not None else Exit.NOT_BLESSED


def new_run_id() -> str:
    """A run id that sorts by time: ``20261122T130000-1a2b`` (UTC)."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def retrain(settings: Settings, run_id: str, runner: DagRunner) -> Outcome:
    """Runs the graph of `settings` under `run_id` and reads its verdict from ML Metadata.

    Raises
    ------
    DaCapoError
        If the input cannot be used or a finding blocks the run.
    Exception
        Whatever a component raises.
    """
    check_place(settings)
    with _only_run(settings):
        pipeline = create_pipeline(settings, resolve_warm_start(settings))
        make_folder(settings.home)
        runner.run_with_ir(compile_pipeline(pipeline, run_id))
        return read_outcome(settings, run_id)


def read_outcome(settings: Settings, run_id: str, *, push_again: bool = True) -> Outcome:
    """The outcome of a finished run.

    Parameters
    ----------
    push_again : whether a blessed model that is not the newest version is made that again, because a person asked for
        this very run now. Without, only one that is served no more: what was pushed since was judged against it.
    """
    store = lineage.open_store(connection_config(settings))
    run = lineage.find_run(store, run_id)
    if run is None or run.evaluation is None:
        raise RuntimeError(f"{run_id}: ML Metadata knows no evaluation of this run")
    verdict, served = read_evaluation(run.evaluation).verdict, None
    if run.served is not None and run.served.is_dir() and not push_again:
        served = run.served
    elif run.verdict == "pushed" and run.archive is not None:
        served = push(run.archive, settings.served)  # the newest version itself, unless somebody changed the folder
        if served != run.served:
            run = lineage.pushed_again(store, run, served)
    return Outcome(run, verdict, served)


@contextmanager
def _only_run(settings: Settings) -> Iterator[None]:
    make_folder(settings.pipeline_root)
    path = settings.pipeline_root / ".lock"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise RunInProgress(
                f"{settings.name}: another run is under way (process {lock.read().strip() or '?'})"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
