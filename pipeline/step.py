"""One node of a run, launched where others of the same run were launched before, elsewhere or here."""

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2
from rich.console import Console

from catalog.writing import whole
from pipeline.metadata import MetadataUnusable, connection_config, open_store
from pipeline.own_catalog import open_own_catalog
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.run_node import Step

EXAMPLE_GEN, EVALUATOR, PUSHER, TRAINER = "AudioExampleGen", "Evaluator", "Pusher", "Trainer"
TELLING = (EVALUATOR, PUSHER)
"""Nodes whose step says something of the whole run, also where it was finished before."""
DONE = (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED)


def run_step(step: "Step", console: Console) -> int:
    """Launches the node, tells what became of it, and answers the exit code.

    A retry after a user's mistake would fail the same way, maybe after hours: it ends at once with the same lines.
    """
    from pipeline.retrain import Exit

    if step.refusal.is_file():
        again = f"{step.node_id} is not tried again: mend that and submit with resume={step.run_id}"
        _complain(console, [*step.refusal.read_text(encoding="utf-8").splitlines(), again])
        return Exit.BAD_INPUT
    store = open_store(connection_config(step.settings))
    before = last_execution(store, step.settings.name, step.run_id, step.node_id)
    finished = before is not None and before.last_known_state in DONE
    if finished and step.node_id not in TELLING:
        _say(console, step.node_id, "finished before")
        return 0
    if before is not None and not finished and step.train_job is None:
        clear_outputs(step.settings, step.node_id, before.id)
    from pipeline.terminal import STOPPED, log_traceback, told

    started = time.monotonic()
    try:
        with _heard(console):
            return _launched(step, console, finished=finished)
    except KeyboardInterrupt:
        return STOPPED
    except Exception as error:  # noqa: BLE001 (the door: whatever a component raises ends as a line and a code)
        _say(console, step.node_id, f"failed after {time.monotonic() - started:.1f} s")
        cause, lines = told(error, step.node_id, step.log)
        _complain(console, lines)
        log_traceback()
        if cause is None:
            return Exit.FAILED
        if not isinstance(cause, MetadataUnusable):  # a database that is away may come back
            _keep(step.refusal, lines)
        return Exit.BAD_INPUT


def _keep(refusal: Path, lines: Iterable[str]) -> None:
    """Notes what the user has to mend, whole or not at all; without the note the step is tried again, and says it."""
    with suppress(OSError):
        refusal.parent.mkdir(parents=True, exist_ok=True)
        with whole(refusal) as file:
            file.write("\n".join(lines))


def _launched(step: "Step", console: Console, *, finished: bool) -> int:
    from components.train_job.executor_operator import executor_operators
    from pipeline.graph import create_pipeline
    from pipeline.kubeflow_outputs import write_outputs
    from pipeline.launch import compile_pipeline, launch_node
    from pipeline.retrain import Exit, read_outcome
    from pipeline.session import report

    settings = step.settings
    if step.node_id == EXAMPLE_GEN:
        open_own_catalog(settings)
    ir = compile_pipeline(create_pipeline(settings, warm_start_of_run(settings, step.run_id)), step.run_id)
    started = time.monotonic()
    with one_training(settings) if step.node_id == TRAINER else nullcontext():
        operators = executor_operators(step.train_job)
        result = launch_node(ir, step.node_id, connection_config(settings), operators)
    _say(console, step.node_id, f"{result.duration_s:.1f} s" if result.state == "ran" else result.state)
    if step.node_id == EVALUATOR and step.executor_input is not None:
        write_outputs(step.executor_input, step.output_paths, settings, step.run_id)
    if step.node_id != PUSHER:
        return Exit.SERVED
    outcome = read_outcome(settings, step.run_id, push_again=not finished)
    report(console, settings, outcome, time.monotonic() - started)
    return step.unblessed_exit if outcome.exit_code == Exit.NOT_BLESSED else int(outcome.exit_code)


def last_execution(
    store: metadata_store.MetadataStore, pipeline: str, run_id: str, node_id: str
) -> metadata_store_pb2.Execution | None:
    """The node's newest execution under `run_id`, or None if it was not launched yet."""
    run = store.get_context_by_type_and_name("pipeline_run", run_id)
    node = store.get_context_by_type_and_name("node", f"{pipeline}.{node_id}")
    if run is None or node is None:
        return None
    of_run = {execution.id: execution for execution in store.get_executions_by_context(run.id)}
    both = [of_run[e.id] for e in store.get_executions_by_context(node.id) if e.id in of_run]
    return max(both, key=lambda execution: execution.id, default=None)


def clear_outputs(settings: Settings, node_id: str, execution_id: int) -> None:
    """Takes away what an interrupted execution had written: Beam's shards of it would be read beside the new ones."""
    for folder in (settings.pipeline_root / node_id).glob(f"*/{execution_id}"):
        shutil.rmtree(folder)


def warm_start_of_run(settings: Settings, run_id: str) -> str:
    """The warm start, the same for all steps of a run: the first one fixes what ``latest`` means.

    A model that another run pushes meanwhile does not change what this run is made of.
    """
    from pipeline.warm_start import resolve_warm_start

    if settings.warm_start != "latest":
        return resolve_warm_start(settings)
    fixed = settings.pipeline_root / ".warm_start" / run_id
    if not fixed.is_file():
        fixed.parent.mkdir(parents=True, exist_ok=True)
        own = fixed.with_name(f".{run_id}-{os.getpid()}-{os.urandom(4).hex()}")
        own.write_text(resolve_warm_start(settings), encoding="utf-8")
        try:
            os.link(own, fixed)  # unlike a rename this fails where another step was first
        except FileExistsError:
            pass
        finally:
            own.unlink()
    return fixed.read_text(encoding="utf-8")


@contextmanager
def one_training(settings: Settings) -> Iterator[None]:
    """Waits until no other run trains this pipeline: of runs with equal data the first trains, the others export."""
    path = Path(settings.home, "checkpoints", f"{settings.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class _Lines(logging.Handler):
    """Our own lines (training, TrainJob and its workers) in the container's log, which Kubeflow shows."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Prints the line."""
        self._console.print(record.getMessage(), markup=False, soft_wrap=True)


@contextmanager
def _heard(console: Console) -> Iterator[None]:
    logger, handler = logging.getLogger("dacapo"), _Lines(console)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _complain(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(f"dacapo: {line}", markup=False, soft_wrap=True)


def _say(console: Console, node_id: str, what: str) -> None:
    console.print(f"{node_id:<24}{what:>16}", markup=False, soft_wrap=True)
