"""A copy of the project with a home and a library of its own, driven through the command line as a user would."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from pipeline import lineage
from tests.end_to_end.tiny_library import TAGS, make_library

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("audio", "catalog", "components", "pipeline", "schemas", "serving", "trainers")
GATE = {"floors": {"precision": 0.6, "recall": 0.6}, "drops": {"precision": 0.3, "recall": 0.3}}
MINIMUM = {"recordings": 2, "artists": 2}


@dataclass(frozen=True)
class TinyTask:
    """What a task learns in seconds.

    Attributes
    ----------
    make_library : makes the recordings in a folder and answers the catalog.
    tags, gate : contents of ``tags.yaml`` and ``gate.yaml``.
    training : settings, as ``key=value``.
    """

    name: str
    make_library: Callable[[Path], Path]
    tags: tuple[str, ...]
    gate: Mapping[str, object]
    training: tuple[str, ...]


TAGGING = TinyTask(
    name="tagging",
    make_library=make_library,
    tags=TAGS,
    gate=GATE,
    training=(
        "train.steps=90",
        "train.batch_size=16",
        "train.validate_every=30",
        "train.checkpoint_every=15",
        "train.filters=[8,16,16]",
    ),
)


@dataclass(frozen=True)
class Finished:
    """A finished command: its exit code and everything that it printed."""

    exit_code: int
    output: str


class Workbench:
    """Runs ``dacapo`` on a tiny library, in a copy of the project that a test may edit.

    Parameters
    ----------
    folder : for the copy, the home, the library and its schemas.
    task : what is run.
    """

    def __init__(self, folder: Path, task: TinyTask = TAGGING) -> None:
        self.task = task
        self.name = f"{task.name}-tiny-quick"
        self.project = folder / "project"
        self.home = folder / "home"
        self.library = folder / "library"
        self.schemas = folder / "schemas"
        for package in PACKAGES:
            shutil.copytree(PROJECT / package, self.project / package, ignore=shutil.ignore_patterns("__pycache__"))
        self.catalog = task.make_library(self.library)
        self.schemas.mkdir()
        shutil.copy(PROJECT / "schemas" / task.name / "builtin" / "schema.pbtxt", self.schemas)
        self.write_tags(list(task.tags))
        self.write_gate(dict(task.gate))

    def write_tags(self, tags: list[str]) -> None:
        """Writes ``tags.yaml``."""
        (self.schemas / "tags.yaml").write_text(yaml.safe_dump({"tags": tags}))

    def write_gate(self, gate: dict) -> None:
        """Writes ``gate.yaml``."""
        (self.schemas / "gate.yaml").write_text(yaml.safe_dump({"minimum": MINIMUM} | gate))

    def command(self, *assignments: str) -> list[str]:
        """The command line of a run with these settings, which win over the tiny training's."""
        options = [f"--set={assignment}" for assignment in (*self.task.training, *assignments)]
        paths = [f"--home={self.home}", f"--catalog={self.catalog}", f"--schemas={self.schemas}"]
        return [sys.executable, "-m", "pipeline", "run", self.task.name, "--library=tiny", *paths, *options]

    def run(self, *assignments: str) -> Finished:
        """Runs the pipeline to its end."""
        return self._finished(self.command(*assignments), self.name)

    def scan(self, *options: str) -> Finished:
        """Scans the library with the served model; the answers lie in ``<home>/scans``."""
        command = [sys.executable, "-m", "pipeline", "scan", self.task.name, "--library=tiny"]
        return self._finished(
            [*command, f"--home={self.home}", f"--catalog={self.catalog}", *options], "scan-" + self.name
        )

    def runs(self) -> list[lineage.Run]:
        """All runs so far, oldest first."""
        return list(lineage.runs(lineage.open_store(self.home / "metadata.sqlite")))

    def executed(self) -> set[str]:
        """The components whose executor ran in the newest run."""
        return set(self.runs()[-1].executed)

    def served(self) -> list[str]:
        """The served versions, oldest first."""
        return sorted(path.name for path in (self.home / "serving" / self.name).glob("[0-9]*"))

    def _finished(self, command: list[str], log_name: str) -> Finished:
        done = subprocess.run(command, cwd=self.project, capture_output=True, text=True, timeout=900, check=False)
        log = self.home / "logs" / f"{log_name}.log"
        tail = log.read_text(errors="replace")[-4000:] if done.returncode == 1 and log.is_file() else ""
        return Finished(done.returncode, done.stdout + done.stderr + tail)
