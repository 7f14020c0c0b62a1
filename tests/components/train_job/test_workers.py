"""Workers through their real entry point: two train like one, and a lost one costs nothing but time."""

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.train_job.execution import folder_of, read_failures, read_result, write_execution
from components.train_job.executor_operator import TrainJobOperator
from components.train_job.request import TrainJobRequest
from tests.components.train_job.job_set import JobSet
from tests.components.train_job.stub_cluster import StubApi, serving
from tests.components.train_job.trainer_execution import SPEC, trainer_execution
from tests.trainers.tiny_library import Library
from trainers.checkpoints import Finished

pytestmark = pytest.mark.e2e
# Each worker drops other units than one device would: without dropout, losses are equal.
CHANGES = {"dropout": 0.0, "steps": 16, "validate_every": 8, "checkpoint_every": 2}


def train(library: Library, work: Path, nodes: int) -> Finished:
    info = trainer_execution(library, work, **CHANGES)
    folder = folder_of(info)
    write_execution(folder, info, SPEC)
    jobs = JobSet(folder, nodes, work / "logs")
    jobs.start()
    assert jobs.run(), jobs.said()
    result = read_result(folder)
    assert result is not None
    assert set(result.output_artifacts) == {"model", "model_run"}
    assert read_failures(folder) == []
    finished: Finished = library.finished(work)
    return finished


@pytest.fixture(scope="module")
def two(library: Library, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Finished]:
    """A training of two workers that nothing disturbed, and its folder."""
    work = tmp_path_factory.mktemp("two") / "work"
    return work, train(library, work, 2)


def assert_alike(first: Finished, second: Finished) -> None:
    """Equal up to the order of sums."""
    assert [point.step for point in first.history] == [point.step for point in second.history]
    losses = [[point.loss for point in run.history] for run in (first, second)]
    np.testing.assert_allclose(*losses, rtol=1e-4)
    for name, value in first.weights.items():
        np.testing.assert_allclose(second.weights[name], value, rtol=1e-2, atol=2e-3, err_msg=name)


def test_two_workers_train_like_one_and_the_first_alone_exports(
    library: Library, two: tuple[Path, Finished], tmp_path: Path
) -> None:
    work, finished = two
    assert_alike(train(library, tmp_path / "one", 1), finished)
    assert (work / "model" / "Format-Serving" / "saved_model.pb").is_file()
    assert "worker 1 of 2" in (work / "logs" / "1.log").read_text(errors="replace")


def test_a_killed_worker_is_started_again_and_training_goes_on(
    library: Library, two: tuple[Path, Finished], tmp_path: Path
) -> None:
    work = tmp_path / "disturbed"
    played: list[JobSet] = []

    def play(stub: StubApi, job: dict[str, Any]) -> None:
        name, arguments = job["metadata"]["name"], job["spec"]["trainer"]["args"]
        jobs = JobSet(arguments[1], job["spec"]["trainer"]["numNodes"], work / "logs", restarts=1)
        played.append(jobs)
        jobs.start()

        def follow() -> None:
            while not list(work.glob("checkpoints/*/step-*.npz")):
                time.sleep(0.02)
            jobs.workers[1].kill()
            well = jobs.run()
            for index in range(jobs.nodes):
                lines = jobs.log(index).read_text(errors="replace").splitlines()
                stub.say(name, index, "".join(f"{n:09d} {line}\n" for n, line in enumerate(lines, 1)))
            stub.end(name, "Complete" if well else "Failed", jobs.said())

        threading.Thread(target=follow, daemon=True).start()

    with serving(StubApi(play)) as cluster:
        request = TrainJobRequest(image="dacapo", nodes=2, poll_s=0.2, resubmissions=0)
        operator = TrainJobOperator(SPEC, request=request, cluster=cluster)
        output = operator.run_executor(trainer_execution(library, work, **CHANGES))
    (jobs,) = played
    assert jobs.restarts == 0, "no worker was started again"
    assert "going on at step" in jobs.log(0).read_text(errors="replace")
    assert set(output.output_artifacts) == {"model", "model_run"}
    assert_alike(two[1], library.finished(work))
