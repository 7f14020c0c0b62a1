"""Whether the environment is complete, half-made or out of date; and the lock that lets one set-up work at a time.

``.venv/dacapo-setup`` exists only while the environment is complete, and says what it was made from.
``.cache/setup/writing`` exists while uv writes. It writes a package file by file, so an environment in which it was
killed is thrown away; a new one is linked from uv's cache in seconds.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class State:
    """State of the environment of the project at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = root / ".venv"
        self.stamp = self.environment / "dacapo-setup"
        self.folder = root / ".cache" / "setup"
        self.writing = self.folder / "writing"

    def key(self) -> str:
        """Hash of what the environment is made from.

        The lock, the dependencies, these sources, Python, and the folder: its path stands in the environment's scripts.
        """
        digest = hashlib.sha256()
        project = tomllib.loads((self.root / "pyproject.toml").read_text(encoding="utf-8"))
        project["tool"] = {"uv": project.get("tool", {}).get("uv")}  # the settings of linters do not count
        digest.update(json.dumps([project, sys.version, str(self.root)], sort_keys=True).encode())
        for path in (self.root / "uv.lock", *sorted((self.root / "setup").iterdir())):
            if path.is_file():
                digest.update(f"{path.name} {path.stat().st_size}\n".encode() + path.read_bytes())
        return digest.hexdigest()

    def is_ready(self) -> bool:
        """Whether the environment is complete and made from what the key says."""
        python = self.environment / "bin" / "python"
        if not (python.exists() and self.stamp.is_file()) or self.writing.exists():
            return False
        return self.stamp.read_text().strip() == self.key()

    def begin(self) -> None:
        """Marks the packages as half-written; throws them away first if they were left so or the project was moved."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.environment.exists() and (self.writing.exists() or not self._belongs_here()):
            os.replace(self.environment, self.folder / f"discarded-{os.getpid()}")
        for discarded in self.folder.glob("discarded-*"):
            shutil.rmtree(discarded)
        self.writing.touch()
        self.stamp.unlink(missing_ok=True)

    def written(self) -> None:
        """Marks the packages as whole; what follows may be done again on top of them."""
        self.writing.unlink()

    def finish(self) -> None:
        """Marks the environment as complete."""
        partial = self.stamp.with_suffix(".partial")
        partial.write_text(self.key() + "\n")
        os.replace(partial, self.stamp)

    @contextmanager
    def lock(self, waiting: Callable[[], None]) -> Iterator[int]:
        """Holds the lock of set-ups in this folder; calls `waiting` once if another one holds it.

        Yields
        ------
        The lock's file descriptor: a process that inherits it keeps the lock until it ends, even if this one is killed.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield file.fileno()

    def _belongs_here(self) -> bool:
        """Whether the environment's Python runs and its scripts point into this folder."""
        activate, python = self.environment / "bin" / "activate", self.environment / "bin" / "python"
        line = f"VIRTUAL_ENV='{self.environment}'"
        return python.exists() and activate.is_file() and line in activate.read_text(encoding="utf-8").splitlines()
