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


def checkpoints(bench: Workbench, pattern: str) -> list[Path]:
    return sorted((bench.home / "checkpoints").rglob(pattern))


def weights(bench: Workbench) -> dict[str, np.ndarray]:
    (finished,) = checkpoints(bench, "finished.npz")
    with np.load(finished) as arrays:
        return {name: arrays[name] for name in arrays.files if name.startswith("weights/")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    bench = Workbench(tmp_path_factory.mktemp("undisturbed"))
    done = bench.run()
    assert done.exit_code == 0, done.output
    return weights(bench)


def check_resumed(bench: Workbench, undisturbed: dict[str, np.ndarray]) -> None:
    """The next run, under a run id of its own, goes on at the saved step and ends with the undisturbed weights."""
    saved = checkpoints(bench, "step-*.npz")
    assert saved, "nothing was saved before the disturbance"
    step = int(saved[-1].stem.removeprefix("step-"))
    done = bench.run()
    assert done.exit_code == 0, done.output
    assert f"going on at step {step}" in (bench.home / "logs" / "tagging-tiny-quick.log").read_text(errors="replace")
    assert bench.executed() == {"Trainer", "Evaluator", "Pusher"}
    resumed = weights(bench)
    assert resumed.keys() == undisturbed.keys()
    for name, value in undisturbed.items():
        np.testing.assert_array_equal(resumed[name], value, err_msg=name)


def test_a_training_that_was_killed_goes_on(tmp_path: Path, undisturbed: dict[str, np.ndarray]) -> None:
    bench = Workbench(tmp_path)
    running = subprocess.Popen(bench.command(), cwd=bench.project, stdout=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 600
    while not checkpoints(bench, "step-*.npz"):
        assert running.poll() is None, "the run ended before it saved anything"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert bench.served() == []
    check_resumed(bench, undisturbed)


def test_a_training_that_raised_goes_on(tmp_path: Path, undisturbed: dict[str, np.ndarray]) -> None:
    bench = Workbench(tmp_path)
    python, _, _, *arguments = bench.command()
    raised = subprocess.run(
        [python, "-c", RAISING, *arguments], cwd=bench.project, capture_output=True, text=True, check=False
    )
    assert raised.returncode == 1
    assert "Trainer: RuntimeError: somebody pulled the plug" in raised.stdout
    assert bench.runs()[-1].verdict == "failed"
    check_resumed(bench, undisturbed)
