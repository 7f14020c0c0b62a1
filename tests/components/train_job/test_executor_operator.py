import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from components.train_job.cluster import ClusterError, Unreachable, in_cluster
from components.train_job.execution import Failure, read_failures, write_failure
from components.train_job.executor_operator import TrainingRefused, TrainJobFailed
from components.train_job.worker import work
from components.train_job.worker_logs import WorkerLogs
from tests.components.train_job.one_step import launch
from tests.components.train_job.stub_cluster import JOBS, PODS, StubApi, serving


def train(stub: StubApi, job: dict[str, Any]) -> None:
    """The controller of a good day: the chief works, the job is complete."""
    arguments = dict(zip(job["spec"]["trainer"]["args"][::2], job["spec"]["trainer"]["args"][1::2], strict=True))
    status = work(arguments["--execution"], arguments["--addresses"].split(","), 0)
    stub.say(job["metadata"]["name"], 0, "2026-01-01T00:00:00.000000001Z trained\n")
    stub.end(job["metadata"]["name"], "Complete" if status == 0 else "Failed", f"exit status {status}")


def lose(stub: StubApi, job: dict[str, Any]) -> None:
    """The controller of a bad day: a worker is lost more often than the runtime's policy allows."""
    arguments = job["spec"]["trainer"]["args"]
    write_failure(arguments[arguments.index("--execution") + 1], Failure(1, False, "UnavailableError: peer is gone"))
    stub.end(job["metadata"]["name"], "Failed", "too many restarts")


def test_a_miss_creates_one_job_and_a_cache_hit_creates_nothing(tmp_path: Path) -> None:
    stub = StubApi(train)
    with serving(stub) as cluster:
        first, outputs = launch(tmp_path, "run-1", cluster)
        assert (first.state, stub.created()) == ("ran", 1)
        asked = len(stub.requests)
        second, _ = launch(tmp_path, "run-2", cluster)
    assert second.state == "cached"
    assert stub.requests[asked:] == []
    assert [path.read_text() for path in outputs.glob("model/*/answer")] == ["42"]


def test_the_job_is_gone_when_it_has_ended(tmp_path: Path) -> None:
    stub = StubApi(train)
    with serving(stub) as cluster:
        launch(tmp_path, "run", cluster)
    assert stub.jobs == {}


def test_without_kubernetes_the_executor_runs_in_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    result, outputs = launch(tmp_path, "run", None)
    assert result.state == "ran"
    assert [path.read_text() for path in outputs.glob("model/*/answer")] == ["42"]


def test_the_workers_logs_are_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "dacapo.train_job")
    with serving(StubApi(train)) as cluster:
        launch(tmp_path, "run", cluster)
    assert "[worker 0] trained" in caplog.messages


def test_a_line_is_shown_once_and_a_restarted_worker_from_its_first_line() -> None:
    stub = StubApi()
    with serving(stub) as cluster:
        logs = WorkerLogs(cluster, "job")
        stub.say("job", 0, "2026-01-01T00:00:00.1Z one\n")
        stub.say("job", 1, "2026-01-01T00:00:00.1Z other\n")
        assert list(logs.new_lines()) == [(0, "one"), (1, "other")]
        stub.say("job", 0, "2026-01-01T00:00:00.1Z one\n2026-01-01T00:00:00.2Z two\n")
        assert list(logs.new_lines()) == [(0, "two")]
        stub.say("job", 1, "2026-01-01T00:00:00.0Z again\n", attempt=1)
        assert list(logs.new_lines()) == [(1, "again")]


def test_a_line_ends_where_kubernetes_ends_it() -> None:
    """A progress bar's carriage return and its like stand inside of a line."""
    stub = StubApi()
    with serving(stub) as cluster:
        logs = WorkerLogs(cluster, "job")
        first = "2026-01-01T00:00:00.1Z 10 %\rb 20 %\u2028c\n"
        stub.say("job", 0, first)
        assert list(logs.new_lines()) == [(0, "10 %\rb 20 %\u2028c")]
        stub.say("job", 0, f"{first}2026-01-01T00:00:00.2Z why it failed\n")
        assert list(logs.new_lines()) == [(0, "why it failed")]


def test_a_lost_job_is_submitted_again_and_goes_on(tmp_path: Path) -> None:
    days = [lose, lose, train]
    stub = StubApi(lambda api, job: days.pop(0)(api, job))
    with serving(stub) as cluster:
        result, _ = launch(tmp_path, "run", cluster, resubmissions=2)
    assert (result.state, stub.created()) == ("ran", 3)


def test_resubmissions_are_bounded_and_the_error_says_why(tmp_path: Path) -> None:
    stub = StubApi(lose)
    with serving(stub) as cluster, pytest.raises(TrainJobFailed) as raised:
        launch(tmp_path, "run", cluster, resubmissions=1)
    assert stub.created() == 2
    assert "too many restarts" in str(raised.value)
    assert "worker 1: UnavailableError: peer is gone" in str(raised.value)


def test_a_users_mistake_is_not_tried_again(tmp_path: Path) -> None:
    stub = StubApi(train)
    with serving(stub) as cluster, pytest.raises(TrainingRefused, match="answer=mistaken is no answer"):
        launch(tmp_path, "run", cluster, answer="mistaken", resubmissions=5)
    assert stub.created() == 1


def test_a_deleted_job_is_submitted_again(tmp_path: Path) -> None:
    days = [lambda api, job: api.jobs.clear(), train]
    stub = StubApi(lambda api, job: days.pop(0)(api, job))
    with serving(stub) as cluster:
        launch(tmp_path, "run", cluster)
    assert stub.created() == 2


def test_a_step_that_is_told_to_end_deletes_its_job(tmp_path: Path) -> None:
    stub = StubApi(lambda api, job: os.kill(os.getpid(), signal.SIGTERM))
    with serving(stub) as cluster, pytest.raises(SystemExit) as raised:
        launch(tmp_path, "run", cluster)
    assert raised.value.code == 143
    assert stub.jobs == {}
    assert stub.created() == 1


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the step's own gets to run."""


def test_a_step_that_was_killed_finds_its_job_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(self: object, cluster: object, name: str) -> str:
        raise Killed

    stub = StubApi()
    with serving(stub) as cluster:
        with monkeypatch.context() as patch:
            patch.setattr("components.train_job.executor_operator.TrainJobOperator._follow", die)
            patch.setattr(cluster, "delete", lambda name: None)
            with pytest.raises(Killed):
                launch(tmp_path, "run", cluster)
        (job,) = stub.jobs.values()
        train(stub, job)  # it went on meanwhile
        result, _ = launch(tmp_path, "run", cluster)
    assert (result.state, stub.created()) == ("ran", 1)


def test_a_worker_whose_logs_are_gone_keeps_those_of_no_other_from_being_shown() -> None:
    stub = StubApi(refuse={("GET", f"{PODS}/job-node-0-0"): [500]})  # of a lost node
    with serving(stub) as cluster:
        for index, line in enumerate(("lost", "other")):
            stub.say("job", index, f"2026-01-01T00:00:00.1Z {line}\n")
        lines = WorkerLogs(cluster, "job").new_lines()
        assert next(lines) == (1, "other")
        with pytest.raises(Unreachable):
            next(lines)


@pytest.mark.parametrize("away", [{"refuse": {("GET", f"{PODS}/train"): [500] * 99}}, {"cut": ("/log",)}])
def test_logs_that_cannot_be_read_end_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, away: dict[str, Any]
) -> None:
    monkeypatch.setattr("components.train_job.executor_operator.PATIENCE_S", 0.1)
    with serving(StubApi(train, **away)) as cluster:
        result, _ = launch(tmp_path, "run", cluster)
    assert result.state == "ran"
    assert len([line for line in caplog.messages if "logs of a worker are missing" in line]) == 1


def test_an_api_that_is_away_for_a_while_is_waited_for(tmp_path: Path) -> None:
    stub = StubApi(train, refuse={("GET", JOBS): [503, 500], ("GET", PODS): [404, 504], ("POST", JOBS): [503]})
    with serving(stub) as cluster:
        result, _ = launch(tmp_path, "run", cluster)
    assert result.state == "ran"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "may not create TrainJobs"),
        (403, "kubeflow/base/rbac.yaml"),
        (404, "install Kubeflow Trainer v2"),
        (422, "cannot create TrainJobs: the stub refuses"),
    ],
)
def test_a_refusal_is_one_line_that_says_what_to_do(tmp_path: Path, status: int, says: str) -> None:
    stub = StubApi(refuse={("POST", JOBS): [status]})
    with serving(stub) as cluster, pytest.raises(ClusterError) as raised:
        launch(tmp_path, "run", cluster)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_trainer_s_webhook_finds_wrong_is_said_and_is_no_missing_right(tmp_path: Path) -> None:
    """It denies by 403 as well."""
    said = 'admission webhook "validator.trainjob.trainer.kubeflow.org" denied the request:\nno such runtime'
    stub = StubApi(refuse={("POST", JOBS): [403]}, refusal=said)
    with serving(stub) as cluster, pytest.raises(ClusterError) as raised:
        launch(tmp_path, "run", cluster)
    assert str(raised.value) == f"namespace music: cannot create TrainJobs: {' '.join(said.split())}"


def test_a_pod_without_a_token_does_not_train_where_it_should_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOST", "PORT"):
        monkeypatch.setenv(f"KUBERNETES_SERVICE_{variable}", "1")
    monkeypatch.setattr("kubernetes.config.incluster_config.SERVICE_TOKEN_FILENAME", "/none")
    with pytest.raises(ClusterError, match=r"no token .* run steps as dacapo-step"):
        in_cluster()


def test_a_right_that_the_role_lacks_is_named(tmp_path: Path) -> None:
    """``list`` came later than the others: an older Role is applied somewhere."""
    stub = StubApi(train)
    answer = stub.answer

    def refuse(method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        return (403, {}) if (method, path) == ("GET", JOBS) else answer(method, path, query, body)

    stub.answer = refuse  # type: ignore[method-assign]
    with serving(stub) as cluster, pytest.raises(ClusterError, match=r"may not list TrainJobs \(403\): apply"):
        launch(tmp_path, "run", cluster)
    assert stub.created() == 0


def owner(name: str) -> dict[str, str]:
    return {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": f"uid-{name}"}


def test_the_job_belongs_to_the_pod_that_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []

    def remember(api: StubApi, job: dict[str, Any]) -> None:
        made.append(json.loads(json.dumps(job)))
        train(api, job)

    stub = StubApi(remember, steps=["step"], refuse={("GET", f"{PODS}/step"): [503]})  # away for a moment
    monkeypatch.setattr("socket.gethostname", lambda: "step")
    with serving(stub) as cluster:
        launch(tmp_path, "run", cluster)
    assert made[0]["metadata"]["ownerReferences"] == [owner("step")]


def test_a_pod_with_a_longer_name_than_a_host_s_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kubelet cuts host names at 63 characters; Kubeflow Pipelines tells the whole name."""
    name = "restoration-builtin-x7k2p-metadata-0-3-retry-system-container-impl-1234567890"
    made: list[dict[str, Any]] = []

    def remember(api: StubApi, job: dict[str, Any]) -> None:
        made.append(json.loads(json.dumps(job)))
        train(api, job)

    stub = StubApi(remember, steps=[name])
    monkeypatch.setattr("socket.gethostname", lambda: name[:63])
    monkeypatch.setenv("KFP_POD_NAME", name)
    with serving(stub) as cluster:
        launch(tmp_path, "run", cluster)
    assert made[0]["metadata"]["ownerReferences"] == [owner(name)]


def test_a_worker_with_other_code_than_the_step_s_refuses(tmp_path: Path) -> None:
    execution = {"code": "0123", "executor": "none", "invocation": "", "spec": ""}
    (tmp_path / "execution.json").write_text(json.dumps(execution))
    assert work(str(tmp_path), ["localhost:1"], 0) == 2
    (failure,) = read_failures(str(tmp_path))
    assert failure.user
    assert failure.line.startswith("this worker's image holds code")
    assert failure.line.endswith("the step's image code 0123: build both images from one commit")


def test_a_retried_step_takes_the_job_over_or_it_would_go_with_the_pod_that_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(self: object, cluster: object, name: str) -> str:
        raise Killed

    stub = StubApi(steps=["first", "retry"])
    with serving(stub) as cluster, monkeypatch.context() as patch:
        patch.setattr("components.train_job.executor_operator.TrainJobOperator._follow", die)
        patch.setattr(cluster, "delete", lambda name: None)
        for pod in ("first", "retry"):
            patch.setattr("socket.gethostname", lambda pod=pod: pod)
            with pytest.raises(Killed):
                launch(tmp_path, "run", cluster)
            (job,) = stub.jobs.values()
            assert job["metadata"]["ownerReferences"] == [owner(pod)]
    assert stub.created() == 1


def orphan(cluster: Any, stub: StubApi, home: Path) -> str:
    """The job of a first run whose step is killed outright: it goes on, and the lock of the step's pod is free."""

    def die(self: object, cluster: object, name: str) -> str:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("components.train_job.executor_operator.TrainJobOperator._follow", die)
        patch.setattr(cluster, "delete", lambda name: None)
        with pytest.raises(Killed):
            launch(home, "first", cluster)
    (job,) = stub.jobs
    return job


@pytest.mark.parametrize("end", ["Complete", "Failed", None])
def test_a_second_run_s_job_waits_for_the_first_one_s_though_its_step_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, end: str | None
) -> None:
    caplog.set_level("INFO", "dacapo.train_job")
    seen: list[tuple[str, bool]] = []
    stub = StubApi()
    with serving(stub) as cluster:
        first = orphan(cluster, stub, tmp_path)
        looks = []

        def labelled(label: str, value: str) -> list[dict[str, Any]]:
            looks.append(label)
            if len(looks) == 3 and end is not None:
                stub.end(first, end)
            elif len(looks) == 3:
                del stub.jobs[first]
            return ask(label, value)

        def second(api: StubApi, job: dict[str, Any]) -> None:
            seen.append((job["metadata"]["name"], len(looks) == 3))
            train(api, job)

        ask = cluster.labelled
        monkeypatch.setattr(cluster, "labelled", labelled)
        stub.on_create = second
        result, _ = launch(tmp_path, "second", cluster)
    assert result.state == "ran"
    ((name, waited),) = seen
    assert name != first
    assert waited
    assert [line for line in caplog.messages if "waits for" in line] == [
        f"{name}: waits for {first}, which trains the same pipeline"
    ]


def test_jobs_of_other_pipelines_are_not_waited_for(tmp_path: Path) -> None:
    stub = StubApi()
    with serving(stub) as cluster:
        orphan(cluster, stub, tmp_path / "other")
        stub.on_create = train
        result, _ = launch(tmp_path / "this", "second", cluster)
    assert result.state == "ran"
