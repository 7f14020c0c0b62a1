import errno
import os
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2

from components.source_hash import CodeDiffers, source_hash
from pipeline.metadata import MetadataUnusable, Store, connection_config, open_store
from pipeline.run_node import Step, check_code, main
from pipeline.settings import Settings, SettingsError, load_settings
from pipeline.step import clear_outputs, last_execution, warm_start_of_run

RUNNING, COMPLETE = metadata_store_pb2.Execution.RUNNING, metadata_store_pb2.Execution.COMPLETE


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"home": tmp_path, "warm_start": "latest"})


def serve(settings: Settings, version: int) -> None:
    (settings.served / str(version)).mkdir(parents=True)


def test_latest_means_one_version_in_all_steps_of_a_run(settings: Settings) -> None:
    serve(settings, 5)
    first = warm_start_of_run(settings, "one")
    serve(settings, 6)
    assert first == warm_start_of_run(settings, "one") == str(settings.served / "5")
    assert warm_start_of_run(settings, "two") == str(settings.served / "6")


def test_the_hash_changes_with_a_source_and_with_a_gate_but_not_with_byte_code(tmp_path: Path) -> None:
    for folder, name in (("trainers", "loop.py"), ("schemas", "gate.yaml")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text("a")
    before = source_hash(tmp_path)
    (tmp_path / "trainers" / "__pycache__").mkdir()
    (tmp_path / "trainers" / "__pycache__" / "loop.pyc").write_text("b")
    assert source_hash(tmp_path) == before
    (tmp_path / "schemas" / "gate.yaml").write_text("b")
    assert source_hash(tmp_path) != before


def test_other_code_is_refused_and_the_same_is_not() -> None:
    check_code(source_hash())
    check_code(None)
    with pytest.raises(CodeDiffers, match="compiled from code 0123"):
        check_code("0123")


def test_wrong_code_ends_the_step_with_one_line(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--settings", settings.model_dump_json(exclude_none=True), "--run-id", "r", "--node", "Pusher"]
    assert main([*given, "--code", "0123"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("dacapo: this image holds code")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("{", "JSON: Invalid JSON: EOF while parsing"),
        ("[]", "JSON: Input should be"),
        ('{"nodes": 2}', "image: Field required"),
        ('{"image": "dacapo", "nodes": 0}', "nodes: Input should be greater than 0"),
    ],
)
def test_machines_that_are_none_end_the_step_with_one_line(
    settings: Settings, given: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    of_run = ["--settings", settings.model_dump_json(exclude_none=True), "--run-id", "r", "--node", "Trainer"]
    assert main([*of_run, "--train-job", given]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"dacapo: --train-job: {line}")


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"--settings": "{"}, '--settings: "{" is not JSON: Expecting property name'),
        ({"--settings": "[]"}, '--settings: "[]" is not an object'),
        ({"--settings": "[" * 100_000}, f'--settings: "{"[" * 77}..." is not JSON: maximum recursion depth'),
        ({"--executor-input": "{{$}}"}, '--executor-input: "{{$}}" is not JSON: Expecting property name'),
        ({"--executor-input": "1"}, '--executor-input: "1" is not an object'),
        ({"--overrides": "{"}, 'overrides: "{" is not JSON: Expecting property name'),
        ({"--settings": '{"home": 1}'}, "home=1: Input is not a valid path"),
    ],
)
def test_what_is_no_json_ends_the_step_with_one_line(
    settings: Settings, changed: dict[str, str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"--settings": settings.model_dump_json(exclude_none=True), "--run-id": "r", "--node": "Evaluator"}
    assert main([word for option in (given | changed).items() for word in option]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"dacapo: {line}")


def test_a_number_that_is_none_ends_the_step_without_a_traceback(settings: Settings) -> None:
    given = ["--settings", settings.model_dump_json(exclude_none=True), "--run-id", "r", "--node", "Trainer"]
    with pytest.raises(SystemExit) as ended:
        main([*given, "--steps", "inf"])
    assert ended.value.code == 2


def test_a_home_that_is_a_file_ends_the_step_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "home").write_text("mine")
    given = ["--settings", f'{{"home": "{tmp_path}/home"}}', "--run-id", "r", "--node", "Trainer"]
    assert main(given) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told == f"dacapo: {tmp_path}/home: is a file, where a folder is wanted"


def test_a_user_s_mistake_is_not_tried_again_until_the_run_is_submitted_again(
    settings: Settings, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[str] = []

    def refuse(step: Step, _: object, *, finished: bool) -> int:
        launched.append(step.submitted_as)
        raise SettingsError("catalog='x.csv' does not exist")

    monkeypatch.setattr("pipeline.step._launched", refuse)
    given = ["--settings", settings.model_dump_json(exclude_none=True), "--node", "DataGate"]
    assert main([*given, "--run-id", "one"]) == 2
    assert main([*given, "--run-id", "one"]) == 2  # Kubeflow's retry
    assert launched == ["one"]
    lines = [line for line in capfd.readouterr().out.splitlines() if line.startswith("dacapo: ")]
    assert lines[:2] == ["dacapo: catalog='x.csv' does not exist"] * 2
    assert lines[2].endswith("mend that and submit with resume=one")
    assert main([*given, "--run-id", "two", "--resume", "one"]) == 2
    assert launched == ["one", "two"]


def test_a_refusal_that_the_disk_does_not_take_is_not_there_by_half(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, finished: bool) -> int:
        raise SettingsError("catalog='x.csv' does not exist")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pipeline.step._launched", refuse)
    monkeypatch.setattr(os, "fsync", full)
    given = ["--settings", settings.model_dump_json(exclude_none=True), "--node", "DataGate", "--run-id", "one"]
    assert main(given) == 2
    assert [path.name for path in (settings.home / "logs").rglob("*") if path.is_file()] == ["DataGate.log"]


def test_a_failure_that_is_not_the_user_s_is_tried_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[Exception] = [RuntimeError("a bug"), MetadataUnusable("the database is away")]
    monkeypatch.setattr("pipeline.step._launched", lambda *_, finished: (_ for _ in ()).throw(ends.pop(0)))
    given = ["--settings", settings.model_dump_json(exclude_none=True), "--run-id", "one", "--node", "DataGate"]
    assert [main(given), main(given)] == [1, 2]
    assert not ends


def execution(store: Store, settings: Settings, run_id: str, node: str, state: int) -> int:
    kind = store.put_execution_type(metadata_store_pb2.ExecutionType(name="step"))
    contexts = []
    for name, value in (("pipeline_run", run_id), ("node", f"{settings.name}.{node}")):
        type_id = store.put_context_type(metadata_store_pb2.ContextType(name=name))
        contexts.append(metadata_store_pb2.Context(type_id=type_id, name=value))
    made = metadata_store_pb2.Execution(type_id=kind, last_known_state=state)
    return int(store.put_execution(made, [], contexts, reuse_context_if_already_exist=True)[0])


def test_a_node_s_execution_is_found_by_run_and_node(settings: Settings) -> None:
    store = open_store(connection_config(settings))
    trainer = execution(store, settings, "one", "Trainer", RUNNING)
    execution(store, settings, "one", "Transform", COMPLETE)
    execution(store, settings, "two", "Trainer", COMPLETE)
    found = last_execution(store, settings.name, "one", "Trainer")
    assert found is not None
    assert (found.id, found.last_known_state) == (trainer, RUNNING)
    assert last_execution(store, settings.name, "two", "Transform") is None
    assert last_execution(store, settings.name, "three", "Trainer") is None


def test_what_an_interrupted_execution_wrote_is_taken_away_and_nothing_else(settings: Settings) -> None:
    folder = settings.pipeline_root / "Transform"
    for key, number in (("transformed_examples", 7), ("transform_graph", 7), ("transform_graph", 17)):
        (folder / key / str(number)).mkdir(parents=True)
    clear_outputs(settings, "Transform", 7)
    assert [str(path.relative_to(folder)) for path in folder.rglob("*") if path.name.isdigit()] == [
        "transform_graph/17"
    ]
