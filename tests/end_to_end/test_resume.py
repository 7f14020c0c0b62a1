"""A training that is killed, or that raises, goes on where it was and ends as one that was left alone."""

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.workbench import Workbench

pytestmark = pytest.mark.e2e
RAISING = """
import runpy, sys
from trainers.checkpoints import Checkpoints
save = Checkpoints.save
def save_and_raise(self, state):
    save(self, state)
    raise RuntimeError("somebody pulled the plug")
Checkpoints.save = save_and_raise
sys.argv = ["dacapo", *sys.argv[1:]]
runpy.run_module("pipeline", run_name="__main__")
"""


class Trainings:
    """Trainings of one workbench that nothing but a comment in the loop tells apart: each has checkpoints of its own,
    and must end with the same weights.
    """

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self._others: set[Path] = set()

    def begin(self) -> None:
        """Lets the next run train anew."""
        self._others = {path.parent for path in self._all("*.npz")}
        with (self.bench.project / "trainers" / "loop.py").open("a") as source:
            source.write("# again\n")

    def checkpoints(self, pattern: str) -> list[Path]:
        """Those of the newest training."""
        return [path for path in self._all(pattern) if path.parent not in self._others]

    def weights(self) -> dict[str, np.ndarray]:
        """The best weights of the newest training."""
        (finished,) = self.checkpoints("finished.npz")
        with np.load(finished) as arrays:
            return {name: arrays[name] for name in arrays.files if name.startswith("weights/")}

    def _all(self, pattern: str) -> list[Path]:
        return sorted((self.bench.home / "checkpoints").rglob(pattern))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trainings, dict[str, np.ndarray]]:
    trainings = Trainings(Workbench(tmp_path_factory.mktemp("resume")))
    done = trainings.bench.run()
    assert done.exit_code == 0, done.output
    return trainings, trainings.weights()


def check_resumed(trainings: Trainings, undisturbed: dict[str, np.ndarray]) -> None:
    """The next run, under a run id of its own, goes on at the saved step and ends with the undisturbed weights."""
    bench, saved = trainings.bench, trainings.checkpoints("step-*.npz")
    assert saved, "nothing was saved before the disturbance"
    step = int(saved[-1].stem.removeprefix("step-"))
    done = bench.run()
    assert done.exit_code == 0, done.output
    assert f"going on at step {step}" in (bench.home / "logs" / "tagging-tiny-quick.log").read_text(errors="replace")
    assert bench.executed() == {"Trainer", "Evaluator", "Pusher"}
    resumed = trainings.weights()
    assert resumed.keys() == undisturbed.keys()
    for name, value in undisturbed.items():
        np.testing.assert_array_equal(resumed[name], value, err_msg=name)


def test_a_training_that_was_killed_goes_on(undisturbed: tuple[Trainings, dict[str, np.ndarray]]) -> None:
    trainings, weights = undisturbed
    bench, before = trainings.bench, trainings.bench.served()
    trainings.begin()
    running = subprocess.Popen(bench.command(), cwd=bench.project, stdout=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 600
    while not trainings.checkpoints("step-*.npz"):
        assert running.poll() is None, "the run ended before it saved anything"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert bench.served() == before
    check_resumed(trainings, weights)


def test_a_training_that_raised_goes_on(undisturbed: tuple[Trainings, dict[str, np.ndarray]]) -> None:
    trainings, weights = undisturbed
    bench = trainings.bench
    trainings.begin()
    python, _, _, *arguments = bench.command()
    raised = subprocess.run(
        [python, "-c", RAISING, *arguments], cwd=bench.project, capture_output=True, text=True, check=False
    )
    assert raised.returncode == 1
    assert "Trainer: RuntimeError: somebody pulled the plug" in raised.stdout
    assert bench.runs()[-1].verdict == "failed"
    check_resumed(trainings, weights)
