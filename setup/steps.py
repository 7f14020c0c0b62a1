"""What the person at the terminal sees of a set-up: one line a step with its time, and the end of a tool's output when
it fails.
"""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

TAIL_LINES = 20


class SetupError(Exception):
    """Set-up cannot go on.

    Attributes
    ----------
    tail : last lines of the failing tool's output, or empty.
    """

    def __init__(self, reason: str, tail: str = "") -> None:
        super().__init__(reason)
        self.tail = tail


@dataclass
class Step:
    """One running step; whoever runs it says in `outcome` what came of it."""

    outcome: str = "done"


@dataclass
class Steps:
    """Reports steps on `out` and keeps the whole output of the tools in the file `log`.

    Attributes
    ----------
    log : appended to; its folder is made.
    environment : the tools' whole environment.
    pass_fds : file descriptors that the tools inherit: the lock, which an orphaned tool so keeps until it ends.
    """

    log: Path
    environment: Mapping[str, str]
    out: TextIO = field(default_factory=lambda: sys.stdout)
    clock: Callable[[], float] = time.monotonic
    pass_fds: tuple[int, ...] = ()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Prints ``name  outcome  seconds`` when the block ends well; on a terminal also the name while it runs."""
        step, start = Step(), self.clock()
        terminal = self.out.isatty()
        if terminal:
            print(f"  {name:<14}...", end="", file=self.out, flush=True)
        try:
            yield step
        except BaseException:
            if terminal:
                print("\r\033[K", end="", file=self.out, flush=True)
            raise
        erase = "\r\033[K" if terminal else ""
        print(f"{erase}  {name:<14}{step.outcome:<58}{self.clock() - start:6.1f} s", file=self.out, flush=True)

    def run(self, command: Sequence[str | os.PathLike[str]], *, failure: str, **variables: str) -> str:
        """Output (stdout and stderr) of `command`, also written to the log.

        Parameters
        ----------
        command : program and arguments.
        failure : what could not be done if the command fails, for the error.
        variables : environment variables beside `environment`.

        Raises
        ------
        SetupError
            If the command cannot be started or ends with another status than 0; carries the last lines of its output.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        line = shlex.join(os.fspath(part) for part in command)
        try:
            done = subprocess.run(
                command,
                env={**self.environment, **variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                pass_fds=self.pass_fds,
            )
        except OSError as error:
            raise SetupError(f"{failure}: {error}") from error
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {line}\n{done.stdout}exit {done.returncode}\n\n")
        if done.returncode != 0:
            tail = "\n".join(done.stdout.strip().splitlines()[-TAIL_LINES:])
            raise SetupError(f"{failure} (exit status {done.returncode}; everything it said is in {self.log})", tail)
        return done.stdout
