"""``submit``, ``schedule``, ``unschedule`` and ``status`` against a stub of the API of Kubeflow Pipelines."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from typer.testing import CliRunner, Result

from pipeline import kubeflow_client, run_node
from pipeline.kubeflow_runner import Node, write_pipeline
from pipeline.main import app
from pipeline.placement import load_placement
from pipeline.settings import load_settings
from tests.pipeline.kubeflow_stub import Stub, kubeflow_stub

GRAPH = (
    Node("Trainer", "Trainer", ()),
    Node("Evaluator", "Evaluator", ("Trainer",)),
    Node("Pusher", "Pusher", ("Evaluator",)),
)
DATAFLOW = (
    "--set",
    "beam.runner=dataflow",
    "--set",
    "beam.dataflow={project: p, region: r, temp_location: 'gs://music/tmp', worker_image: dacapo}",
)
COMMANDS = ("submit", "schedule", "status", "status RUN", "unschedule")
RUNS, SCHEDULES = "/apis/v2beta1/runs", "/apis/v2beta1/recurringruns"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = load_settings({"home": "/dacapo", "metadata": {"store": "mysql"}})
    path = tmp_path_factory.mktemp("pipeline") / "tagging.yaml"
    return write_pipeline(path, GRAPH, settings, load_placement(), code="0123")


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stub]:
    monkeypatch.setattr("kfp.client.Client._LOCAL_KFP_CONTEXT", str(tmp_path / "no-context.json"))
    with kubeflow_stub() as stub:
        monkeypatch.setenv("DACAPO_KFP_ENDPOINT", stub.endpoint)
        yield stub


def dacapo(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def asked(command: str, pipeline: Path, *more: object) -> Result:
    """One of `COMMANDS`, with the least that it takes."""
    arguments: dict[str, tuple[object, ...]] = {
        "submit": (pipeline,),
        "schedule": (pipeline, "--cron", "0 3 * * *"),
        "status": (),
        "status RUN": ("run-1",),
        "unschedule": ("nightly",),
    }
    return dacapo(command.split()[0], *arguments[command], *more)


def one_line(result: Result) -> str:
    (line,) = result.stderr.splitlines()
    return line


def test_submit_sends_both_documents_the_parameters_and_the_pipeline_root(stub: Stub, pipeline: Path) -> None:
    given = ["--parameter", "steps=400", "-p", "overrides={train.batch_size: 8}", "-p", "catalog=/dacapo/c.csv"]
    done = dacapo("submit", pipeline, *given, "--pipeline-root", "gs://music/kfp", "--name", "nightly")
    assert done.exit_code == 0, done.output
    assert "nightly: run run-1" in done.stdout
    body = stub.body("POST", RUNS)
    spec, platform = yaml.safe_load_all(pipeline.read_text())
    assert body["pipeline_spec"] == {"pipeline_spec": spec, "platform_spec": platform}
    assert body["runtime_config"] == {
        "parameters": {"steps": 400, "overrides": {"train.batch_size": 8}, "catalog": "/dacapo/c.csv"},
        "pipeline_root": "gs://music/kfp",
    }
    assert (body["service_account"], body["display_name"]) == ("dacapo-step", "nightly")


def test_the_token_of_the_environment_goes_with_every_request(
    stub: Stub, pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DACAPO_KFP_TOKEN", "s3cr3t")
    done = dacapo("submit", pipeline)
    assert done.exit_code == 0
    assert {authorization for *_, authorization in stub.requests} == {"Bearer s3cr3t"}
    assert "s3cr3t" not in done.output


@pytest.mark.parametrize(("token", "code"), [(" s3cr3t\n", 0), ("s3c\nr3t", 2), ("s3c r3t", 2), ("s3cr\u00e9t", 2)])
def test_a_token_is_stripped_and_one_that_no_header_takes_is_one_line_without_it(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, token: str, code: int
) -> None:
    monkeypatch.setenv("DACAPO_KFP_TOKEN", token)
    done = dacapo("status")
    assert done.exit_code == code
    assert "DACAPO_KFP_TOKEN holds no token" in one_line(done) if code else done.stderr == ""
    assert "s3c" not in done.output
    assert {authorization for *_, authorization in stub.requests} == (set() if code else {"Bearer s3cr3t"})


def test_a_schedule_without_a_name_is_no_trouble_for_those_that_have_one(stub: Stub) -> None:
    stub.schedules = {"1": {"recurring_run_id": "1"}, "2": {"recurring_run_id": "2", "display_name": "nightly"}}
    assert "there is no schedule weekly" in one_line(dacapo("unschedule", "weekly"))
    assert dacapo("unschedule", "nightly").exit_code == 0
    assert set(stub.schedules) == {"1"}


@pytest.mark.parametrize(("end", "code"), [("SUCCEEDED", 0), ("FAILED", 1), ("CANCELED", 1)])
def test_wait_ends_with_the_run_and_says_how_its_steps_do(stub: Stub, pipeline: Path, end: str, code: int) -> None:
    stub.states = ["PENDING", "RUNNING", "RUNNING", end]
    done = dacapo("submit", pipeline, "--wait", "--poll", "0.05")
    assert done.exit_code == code
    steps = [line.split() for line in done.stdout.splitlines() if line.startswith("  ")]
    assert steps == [["Trainer", "pending"], ["Trainer", "running"], ["Trainer", end.lower()]]


def test_wait_gives_up_when_its_time_is_up(stub: Stub, pipeline: Path) -> None:
    stub.states = ["RUNNING"]
    done = dacapo("submit", pipeline, "--wait", "--poll", "0.05", "--timeout", "0.2")
    assert done.exit_code == 2
    assert one_line(done) == "dacapo: run run-1 has not ended after 0.2 s; it goes on: dacapo status run-1"


def test_a_schedule_is_made_once_listed_and_taken_away(stub: Stub, pipeline: Path) -> None:
    arguments = (
        "schedule",
        pipeline,
        "--cron",
        "0 3 * * 1-5",
        "-p",
        "warm_start=latest",
        "--pipeline-root",
        "gs://m/k",
    )
    assert dacapo(*arguments).exit_code == 0
    body = stub.body("POST", SCHEDULES)
    assert body["trigger"] == {"cron_schedule": {"cron": "0 0 3 * * 1-5"}}
    assert body["runtime_config"] == {"parameters": {"warm_start": "latest"}, "pipeline_root": "gs://m/k"}
    assert set(body["pipeline_spec"]) == {"pipeline_spec", "platform_spec"}
    assert (body["no_catchup"], body["max_concurrency"], body["mode"]) == (True, 1, "ENABLE")
    assert "there is a schedule tagging-builtin" in one_line(dacapo(*arguments))
    listed = dacapo("status")
    assert "tagging-builtin" in listed.stdout
    assert "0 0 3 * * 1-5" in listed.stdout
    assert dacapo("unschedule", "tagging-builtin").exit_code == 0
    assert stub.schedules == {}
    assert "there is no schedule tagging-builtin (there are: none)" in one_line(dacapo("unschedule", "tagging-builtin"))


def test_status_lists_runs_and_shows_the_steps_of_one(stub: Stub, pipeline: Path) -> None:
    dacapo("submit", pipeline, "--name", "nightly")
    stub.states = ["RUNNING"]
    assert "nightly" in dacapo("status").stdout
    one = dacapo("status", "run-1").stdout
    assert ["Trainer", "running"] in [line.split() for line in one.splitlines()]
    assert "Trainer-driver" not in one
    assert "Run run-2 not found" in one_line(dacapo("status", "run-2"))


def test_status_shows_a_name_with_brackets_as_it_is(stub: Stub, pipeline: Path) -> None:
    dacapo("submit", pipeline, "--name", "pop [test] [/old]")
    assert "pop [test] [/old]" in dacapo("status").stdout


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (401, 2, "asks for a token: set DACAPO_KFP_TOKEN (401 Unauthorized)"),
        (403, 2, "this token may not do that (403 Forbidden): the database is on fire"),
        (500, 1, "answers 500 Internal Server Error: the database is on fire"),
        (503, 1, "answers 503 Service Unavailable"),
    ],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_refusal_is_one_line(stub: Stub, pipeline: Path, command: str, status: int, code: int, words: str) -> None:
    stub.failing = status
    done = asked(command, pipeline)
    assert done.exit_code == code
    assert words in one_line(done)
    assert one_line(done).startswith(f"dacapo: {stub.endpoint}: ")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("namespace", [(), ("--namespace", "music")])
def test_a_login_page_is_no_answer(stub: Stub, pipeline: Path, command: str, namespace: tuple[str, ...]) -> None:
    """Dex, IAP and others redirect whoever has no session to a page, with status 200."""
    stub.instead = ("text/html", "<html>log in</html>")
    done = asked(command, pipeline, *namespace)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "is no API of Kubeflow Pipelines, it answers with text/html" in one_line(done)
    assert "set DACAPO_KFP_TOKEN" in one_line(done)


@pytest.mark.parametrize("command", ["submit", "schedule", "status RUN"])
def test_json_of_somebody_else_is_no_answer(stub: Stub, pipeline: Path, command: str) -> None:
    stub.instead = ("application/json", '{"status": "ok"}')
    done = asked(command, pipeline)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "that has no id" in one_line(done)


def test_a_login_page_while_a_run_is_waited_for_ends_the_wait(stub: Stub, pipeline: Path) -> None:
    stub.states = ["RUNNING"]
    answer = stub.answer

    def expire(method: str, path: str, body: Any) -> tuple[int, Any]:
        if (method, path) == ("GET", f"{RUNS}/run-1"):
            stub.instead = ("text/html", "<html>log in</html>")
        return answer(method, path, body)

    stub.answer = expire  # type: ignore[method-assign]
    done = dacapo("submit", pipeline, "--wait", "--poll", "0.05", "--timeout", "5")
    assert done.exit_code == 2
    assert "is no API of Kubeflow Pipelines" in one_line(done)


def test_a_refused_token_is_said_so(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DACAPO_KFP_TOKEN", "old")
    stub.failing = 401
    assert "the token in DACAPO_KFP_TOKEN is refused" in one_line(dacapo("status"))


@pytest.mark.parametrize("command", COMMANDS)
def test_an_endpoint_that_nobody_serves_is_one_line(stub: Stub, pipeline: Path, command: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    done = asked(command, pipeline, "--endpoint", endpoint)
    assert done.exit_code == 1
    assert one_line(done).startswith(f"dacapo: {endpoint}: cannot be reached: ")
    assert "Connection refused" in one_line(done)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_answer_that_takes_too_long_is_one_line_after_one_request(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, pipeline: Path, command: str
) -> None:
    asking = urllib3.HTTPConnectionPool.urlopen
    tries: list[str] = []  # counted here, since the stub may learn of one late

    def urlopen(pool: urllib3.HTTPConnectionPool, method: str, url: str, *rest: Any, **options: Any) -> Any:
        tries.append(url)
        return asking(pool, method, url, *rest, **options)

    monkeypatch.setattr(urllib3.HTTPConnectionPool, "urlopen", urlopen)
    monkeypatch.setattr(kubeflow_client, "ANSWER_S", 0.05)
    stub.slow_s = 0.1
    done = asked(command, pipeline)
    assert done.exit_code == 1
    assert one_line(done) == f"dacapo: {stub.endpoint}: did not answer within 0.05 s"
    assert len(tries) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("submit", "PIPELINE", "-p", "stepps=4"), "--parameter 'stepps=4': write name=value, where name is one of"),
        (("submit", "PIPELINE", "-p", "steps=many"), "--parameter 'steps=many': steps is a NUMBER_INTEGER"),
        (("submit", "PIPELINE", "-p", "catalog=s3://music/c.csv"), "uri-scheme: --parameter catalog: s3:// in"),
        (
            ("submit", "PIPELINE", "-p", "catalog=gs://m/c.csv"),
            "uri-scheme: --parameter catalog: catalog='gs://m/c.csv' is",
        ),
        (
            ("submit", "PIPELINE", "-p", "catalog=c.csv"),
            "volume: --parameter catalog: catalog='c.csv' lies on no volume",
        ),
        (
            ("submit", "PIPELINE", "-p", "overrides={schemas: /s}"),
            "overrides: schemas='/s' lies on no volume of the steps (",
        ),
        (
            ("submit", "PIPELINE", "--pipeline-root", "/dacapo/kfp"),
            "pipeline-root: --pipeline-root: '/dacapo/kfp' is refused",
        ),
        (
            ("schedule", "PIPELINE", "--cron", "0 3 * * *", "-p", "catalog=/home/me/c.csv"),
            "lies on no volume of the steps",
        ),
        (("schedule", "PIPELINE", "--cron", "0 3 * * *", "--pipeline-root", "kfp"), "'kfp' is refused by the launcher"),
        (("submit", "none.yaml"), "none.yaml"),
        (("schedule", "PIPELINE", "--cron", "daily"), "cron='daily' is no time table"),
        (("status", "--endpoint", "kubeflow"), "endpoint='kubeflow' is no URL"),
        (("status", "--ca", "/none.pem"), "ca='/none.pem' is no file"),
        (("status", "--endpoint", ""), "where is Kubeflow Pipelines? set DACAPO_KFP_ENDPOINT"),
    ],
)
def test_a_wrong_word_on_the_command_line_is_one_line(
    stub: Stub, pipeline: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = dacapo(*(pipeline if argument == "PIPELINE" else argument for argument in arguments))
    assert done.exit_code == 2
    assert words in one_line(done)
    assert [request for request in stub.requests if request[0] == "POST"] == []


@pytest.mark.parametrize("command", ["submit", "schedule"])
@pytest.mark.parametrize(
    ("parameter", "option"),
    [
        ("profile=fast", "--profile=fast"),
        ("steps=-1", "--steps=-1"),
        ("overrides={task: x}", '--overrides={"task": "x"}'),
        ("overrides={train.stepps: 1}", '--overrides={"train.stepps": 1}'),
        ("overrides={metadata.store: sqlite}", '--overrides={"metadata.store": "sqlite"}'),
    ],
)
def test_what_a_step_would_refuse_is_not_submitted_and_the_line_is_the_step_s(
    stub: Stub, pipeline: Path, capsys: pytest.CaptureFixture[str], command: str, parameter: str, option: str
) -> None:
    done = asked(command, pipeline, "-p", parameter)
    assert done.exit_code == 2
    assert stub.requests == []
    spec, _ = yaml.safe_load_all(pipeline.read_text())
    compiled = spec["deploymentSpec"]["executors"]["exec-trainer"]["container"]["args"]
    base = compiled[compiled.index("--settings") + 1]
    assert run_node.main(["--settings", base, "--run-id", "r", "--node", "Trainer", option]) == 2
    assert one_line(done) == capsys.readouterr().err.strip()


@pytest.mark.parametrize(
    "value", ["{warm_start: 2026-02-01}", "&a {warm_start: *a}", "{seed: 0x_}", "{catalog: 2026-02-30}"]
)
def test_overrides_that_no_json_holds_are_one_line(stub: Stub, pipeline: Path, value: str) -> None:
    done = dacapo("submit", pipeline, "-p", f"overrides={value}")
    assert done.exit_code == 2
    assert f"--parameter 'overrides={value}': " in one_line(done)
    assert stub.requests == []


def test_a_path_of_any_letters_is_what_the_step_reads(pipeline: Path) -> None:
    spec, _ = yaml.safe_load_all(pipeline.read_text())
    compiled = spec["deploymentSpec"]["executors"]["exec-trainer"]["container"]["args"]
    base = compiled[compiled.index("--settings") + 1]
    for path in ("/dacapo/\U0001f3b5.csv", "/dacapo/a\u2028b.csv", "/dacapo/1e3"):
        assert run_node.settings_of_run(base, {"catalog": path}).catalog_path == Path(path)


def test_what_kfp_s_own_client_refuses_is_one_line(stub: Stub, pipeline: Path) -> None:
    """It raises a bare ValueError."""
    answer = stub.answer

    def twice(method: str, path: str, body: Any) -> tuple[int, Any]:
        status, found = answer(method, path, body)
        return status, {"experiments": found["experiments"] * 2} if "experiments" in found else found

    stub.answer = twice  # type: ignore[method-assign]
    done = dacapo("submit", pipeline)
    assert done.exit_code == 2
    assert one_line(done) == f"dacapo: {stub.endpoint}: Multiple experiments is found with name dacapo."


@pytest.mark.parametrize("run_id", ["", " "])
def test_an_empty_run_id_is_one_line(stub: Stub, run_id: str) -> None:
    done = dacapo("status", run_id)
    assert done.exit_code == 2
    assert one_line(done).startswith(f"dacapo: run id={run_id!r} is empty")
    assert stub.requests == []


def test_a_part_of_a_pipeline_is_one_line(stub: Stub, pipeline: Path, tmp_path: Path) -> None:
    spec, platform = yaml.safe_load_all(pipeline.read_text())
    del spec["root"]
    part = tmp_path / "part.yaml"
    part.write_text(yaml.safe_dump_all([spec, platform]))
    done = dacapo("submit", part)
    assert done.exit_code == 2
    assert "parse: root: there is no graph" in one_line(done)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--catalog", "s3://music/c.csv"), "is a URL"),
        (("--catalog", "c.csv"), "c.csv' lies on no volume of the placement (mounted: /dacapo)"),
        (("--set", "schemas=/home/me/schemas"), "schemas='/home/me/schemas' lies on no volume of the placement"),
        (("--home", "/dacapo/../home/me"), "lies on no volume of the placement"),
        (("--home", "gs://music"), "is a URL"),
        (DATAFLOW, "beam.runner='dataflow': the home folder lies on a volume of the cluster"),
        (("--image", "a b"), "dacapo: image: 'a b' is no reference of an image"),
    ],
)
def test_what_no_step_could_read_is_not_compiled(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = dacapo("compile", "tagging", "--output", tmp_path / "tagging.yaml", *arguments)
    assert done.exit_code == 2
    assert words in one_line(done)
    assert not (tmp_path / "tagging.yaml").exists()


def test_an_output_that_is_no_yaml_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "tagging.txt"
    done = dacapo("compile", "tagging", "--output", path)
    assert done.exit_code == 2
    assert one_line(done) == f"dacapo: output={str(path)!r} does not end in .yaml"


def test_a_compiled_pipeline_is_called_by_task_and_library(tmp_path: Path) -> None:
    """Its schedule is, too: docs/kubeflow.md takes that away by this name."""
    path = tmp_path / "compiled.yaml"
    assert dacapo("compile", "defects", "--output", path).exit_code == 0
    spec, _ = yaml.safe_load_all(path.read_text())
    assert spec["pipelineInfo"]["name"] == "defects-builtin"


def test_the_address_of_a_database_of_one_s_own_gets_to_every_step(tmp_path: Path) -> None:
    """The secret gives steps the password alone."""
    path = tmp_path / "tagging.yaml"
    done = dacapo("compile", "--output", path, "--set", "metadata.host=10.20.30.40", "--set", "metadata.user=me")
    assert done.exit_code == 0, done.output
    assert f"Next: ./dacapo submit {path} --wait" in done.stdout
    spec, _ = yaml.safe_load_all(path.read_text())
    for executor in spec["deploymentSpec"]["executors"].values():
        arguments = executor["container"]["args"]
        metadata = json.loads(arguments[arguments.index("--settings") + 1])["metadata"]
        assert (metadata["store"], metadata["host"], metadata["user"]) == ("mysql", "10.20.30.40", "me")
