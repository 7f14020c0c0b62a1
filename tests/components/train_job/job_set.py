"""Plays a JobSet with processes of this machine for pods: all workers start, and start again if one is lost."""

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


@dataclass
class JobSet:
    """Workers of one execution.

    Attributes
    ----------
    execution : folder of `execution.write_execution`.
    nodes : workers.
    logs : folder of their logs, ``<index>.log``, all attempts in one.
    restarts : how often all may start again.
    cores : processors that each worker may use, by index; all of them by default.
    """

    execution: str
    nodes: int
    logs: Path
    restarts: int = 0
    cores: list[list[int]] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Starts all workers; each learns its index as a pod of an indexed Job does."""
        self.logs.mkdir(parents=True, exist_ok=True)
        addresses = ",".join(f"127.0.0.1:{port}" for port in _free_ports(self.nodes))
        command = [sys.executable, "-m", "components.train_job.worker"]
        command += ["--execution", self.execution, "--addresses", addresses]
        for index in range(self.nodes):
            environment = os.environ | QUIET | {"JOB_COMPLETION_INDEX": str(index), "PYTHONUNBUFFERED": "1"}
            with self.log(index).open("ab") as log:
                worker = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT)
            if self.cores is not None:
                os.sched_setaffinity(worker.pid, self.cores[index])
            self.workers.append(worker)

    def run(self, timeout_s: float = 900) -> bool:
        """Waits for the end; True if all workers ended well."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            states = [worker.poll() for worker in self.workers]
            if all(state == 0 for state in states):
                return True
            if any(states):
                self.stop()
                if not self.restarts:
                    return False
                self.restarts -= 1
                self.start()
            time.sleep(0.05)
        self.stop()
        return False

    def stop(self) -> None:
        """Kills all workers."""
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.workers.clear()

    def log(self, index: int) -> Path:
        """The log of a worker."""
        return self.logs / f"{index}.log"

    def said(self) -> str:
        """What the workers said, for a failing test."""
        return "\n".join(self.log(index).read_text(errors="replace")[-3000:] for index in range(self.nodes))


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for opened in sockets:
        opened.bind(("127.0.0.1", 0))
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports
