"""The running component on the terminal: a bar while it works, one line with its time when it is done."""

import logging
import threading
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from components.audio_example_gen.progress import progress as ingest_progress
from pipeline.launch import NodeResult
from pipeline.settings import Settings

TRAINING = "dacapo.trainers"
POLL_S = 0.5


class _TrainingSteps(logging.Handler):
    """Hears the training loop say how many steps are done."""

    def __init__(self, line: "ProgressLine") -> None:
        super().__init__(logging.DEBUG)
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        """Shows ``done`` of ``total`` where a record has them."""
        if hasattr(record, "done") and hasattr(record, "total"):
            self._line.advance(record.done, record.total)


class ProgressLine:
    """Shows what a run does, from the calls of :class:`~pipeline.launch.DagRunner`.

    Where the console is no terminal there is no bar, only the lines of finished components.

    Attributes
    ----------
    node : the component that runs, or that ran last.
    """

    def __init__(self, console: Console, settings: Settings) -> None:
        self.node = "start"
        self._console = console
        self._folder = settings.pipeline_root
        columns = (
            TextColumn("  {task.description:<24}"),
            BarColumn(30),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
        )
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task: TaskID | None = None
        log = logging.StreamHandler()  # standard error: the log file, or the terminal where everything is shown
        log.setLevel(logging.INFO)
        self._handlers = (_TrainingSteps(self), log)
        self._over = threading.Event()

    def __enter__(self) -> Self:
        logger = logging.getLogger(TRAINING)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        for handler in self._handlers:
            logger.addHandler(handler)
        self._bar.start()
        threading.Thread(target=self._poll, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Takes the bar away."""
        self._over.set()
        self._bar.stop()
        for handler in self._handlers:
            logging.getLogger(TRAINING).removeHandler(handler)

    def started(self, node_id: str) -> None:
        """Shows that a component starts."""
        self.node = node_id
        self._task = self._bar.add_task(node_id, total=None, count="")

    def finished(self, result: NodeResult) -> None:
        """Replaces the bar by the component's line."""
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        took = f"{result.duration_s:7.1f} s" if result.state == "ran" else f"{result.state:>9}"
        self._console.print(f"  {result.node_id:<24}{took}")

    def advance(self, done: int, total: int) -> None:
        """Moves the bar of the running component."""
        if self._task is not None:
            self._bar.update(self._task, completed=done, total=total, count=f"{done}/{total}")

    def _poll(self) -> None:
        while not self._over.wait(POLL_S):
            if self.node == "AudioExampleGen" and (now := ingest_progress(self._folder / self.node)) is not None:
                self.advance(now.done, now.total)
