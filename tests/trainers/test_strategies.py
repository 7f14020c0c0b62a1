"""One device, several devices and several machines train alike; a killed process loses nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.trainers.tiny_library import Library
from trainers.checkpoints import Finished
from trainers.run import run_fn

pytestmark = pytest.mark.e2e
PROJECT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 240
# Each replica drops other units than one device would: without dropout, losses are equal.
SAME = {"dropout": 0.0}


def start(
    library: Library, work: Path, name: str, *, cpus: int = 1, environment: dict[str, str] | None = None, **changes: Any
) -> subprocess.Popen[bytes]:
    arguments = vars(library.fn_args(work, **changes)) | {"logical_cpus": cpus}
    arguments["serving_model_dir"] = str(work / name)
    file = work / f"{name}.json"
    file.write_text(json.dumps(arguments), encoding="utf-8")
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    with open(work / f"{name}.log", "wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.trainers.train_in_process", str(file)],
            cwd=PROJECT,
            env=os.environ | quiet | (environment or {}),
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def finish(process: subprocess.Popen[bytes], log: Path) -> None:
    try:
        assert process.wait(TIMEOUT_S) == 0, log.read_text(encoding="utf-8", errors="replace")[-3000:]
    finally:
        process.kill()


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for opened in sockets:
        opened.bind(("127.0.0.1", 0))
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


@pytest.fixture(scope="module")
def one_device(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    work = tmp_path_factory.mktemp("one-device")
    run_fn(library.fn_args(work, **SAME))
    return library.finished(work)


def assert_alike(first: Finished, second: Finished) -> None:
    """Equal up to the order of sums."""
    assert [point.step for point in first.history] == [point.step for point in second.history]
    losses = [[point.loss for point in run.history] for run in (first, second)]
    np.testing.assert_allclose(*losses, rtol=1e-4)
    for name, value in first.weights.items():
        np.testing.assert_allclose(second.weights[name], value, rtol=1e-2, atol=2e-3, err_msg=name)


def test_two_devices_train_like_one(library: Library, one_device: Finished, tmp_path: Path) -> None:
    process = start(library, tmp_path, "mirrored", cpus=2, strategy="mirrored", **SAME)
    finish(process, tmp_path / "mirrored.log")
    assert_alike(one_device, library.finished(tmp_path))
    assert (tmp_path / "mirrored" / "saved_model.pb").is_file()


def test_two_machines_train_like_one_device_and_the_first_alone_exports(
    library: Library, one_device: Finished, tmp_path: Path
) -> None:
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    processes = []
    for index in range(2):
        config = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        environment = {"TF_CONFIG": json.dumps(config)}
        processes.append(
            start(library, tmp_path, f"worker-{index}", environment=environment, strategy="multi_worker", **SAME)
        )
    for index, process in enumerate(processes):
        finish(process, tmp_path / f"worker-{index}.log")
    assert_alike(one_device, library.finished(tmp_path))
    assert (tmp_path / "worker-0" / "saved_model.pb").is_file()
    assert not (tmp_path / "worker-1").exists()


def test_a_killed_training_goes_on_and_ends_with_the_weights_of_one_that_was_not(
    library: Library, tmp_path: Path
) -> None:
    changes = {"steps": 60, "validate_every": 20, "checkpoint_every": 2}
    process = start(library, tmp_path, "killed", **changes)
    deadline = time.monotonic() + TIMEOUT_S
    while not list(tmp_path.glob("checkpoints/*/step-*.npz")):
        assert process.poll() is None, (tmp_path / "killed.log").read_text(encoding="utf-8")
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed" / "saved_model.pb").exists()
    finish(start(library, tmp_path, "resumed", **changes), tmp_path / "resumed.log")
    assert "going on at step" in (tmp_path / "resumed.log").read_text(encoding="utf-8")
    undisturbed = tmp_path / "other"
    undisturbed.mkdir()
    finish(start(library, undisturbed, "whole", **changes), undisturbed / "whole.log")
    resumed, whole = library.finished(tmp_path), library.finished(undisturbed)
    for name, value in whole.weights.items():
        np.testing.assert_array_equal(resumed.weights[name], value, err_msg=name)
