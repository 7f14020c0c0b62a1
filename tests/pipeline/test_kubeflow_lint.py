"""What is compiled passes the lint, and the lint catches a pipeline that breaks any one of its rules."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubeflow_trainer_api import models

from catalog.yaml_text import LOADER
from components.train_job.manifest import train_job
from components.train_job.request import TrainJobRequest
from pipeline.kubeflow_lint import NotAPipeline, lint, lint_file
from pipeline.kubeflow_runner import compile_to
from pipeline.lint_rules import RULES
from pipeline.placement import load_placement
from pipeline.settings import PROJECT, load_settings
from pipeline.train_job_lint import lint_train_job
from trainers.task import TASKS

TASKS_HERE = [task for task in TASKS if (PROJECT / "schemas" / task / "builtin").is_dir()]
EXECUTORS = ("platforms", "kubernetes", "deploymentSpec", "executors")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compiled")


def compiled(folder: Path, task: str) -> Path:
    path = folder / f"{task}.yaml"
    if not path.is_file():
        compile_to(
            path, load_settings({"task": task, "home": "/dacapo", "metadata": {"store": "mysql"}}), load_placement()
        )
    return path


@pytest.fixture(scope="module")
def tagging(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    spec, platform = yaml.load_all(compiled(folder, "tagging").read_text(), LOADER)
    return spec, platform


@pytest.mark.parametrize("task", TASKS_HERE)
def test_what_is_compiled_has_no_finding(folder: Path, task: str) -> None:
    assert [str(finding) for finding in lint_file(compiled(folder, task))] == []


def container(spec: dict, label: str = "exec-trainer") -> dict[str, Any]:
    found: dict[str, Any] = spec["deploymentSpec"]["executors"][label]["container"]
    return found


def placed(platform: dict, label: str = "exec-evaluator") -> dict[str, Any]:
    executors: dict[str, Any] = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return executors[label]


@pytest.mark.parametrize("task", TASKS_HERE)
def test_the_published_models_lose_nothing_of_the_train_job_that_a_compiled_step_would_create(
    folder: Path, task: str
) -> None:
    spec, _ = yaml.load_all(compiled(folder, task).read_text(), LOADER)
    arguments = container(spec)["args"]
    request = TrainJobRequest.model_validate_json(arguments[arguments.index("--train-job") + 1])
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "step", "uid": "1-2-3"}
    made = train_job(f"train-{task}-0123456789", "/dacapo/x", request, annotations={}, checkpoints="0123", owner=owner)
    manifest = json.loads(json.dumps(made))
    read = models.TrainerV1alpha1TrainJob.from_dict(manifest)
    assert read is not None
    assert read.to_dict() == manifest


def renamed(spec: dict, _: dict) -> None:
    tasks = spec["root"]["dag"]["tasks"]
    tasks["in_service_model"] = tasks.pop("in-service-model")
    tasks["evaluator"]["dependentTasks"].remove("in-service-model")


def resolver(spec: dict, _: dict) -> None:
    spec["deploymentSpec"]["executors"]["exec-in-service-model"] = {"resolver": {}}


def artifact_input(spec: dict, _: dict) -> None:
    kind = {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}
    spec["components"]["comp-trainer"]["inputDefinitions"]["artifacts"] = {"examples": kind}


def artifact_type(spec: dict, _: dict) -> None:
    kind = spec["components"]["comp-evaluator"]["outputDefinitions"]["artifacts"]["metrics"]["artifactType"]
    kind.clear()
    kind["instanceSchema"] = "title: tfx.ModelEvaluation"


def default(spec: dict, name: str, value: str) -> None:
    spec["root"]["inputDefinitions"]["parameters"][name]["defaultValue"] = value


def lifecycle(spec: dict, _: dict) -> None:
    container(spec)["lifecycle"] = {"preCacheCheck": {"command": ["python"]}}


def own_gpu(spec: dict, kind: str = "nvidia.com/gpu") -> None:
    resources = container(spec, "exec-evaluator")["resources"]
    resources["accelerator"] = {"type": kind, "count": "1", "resourceType": kind, "resourceCount": "1"}


def tolerating(platform: dict) -> None:
    placed(platform)["tolerations"] = [{"key": "nvidia.com/gpu", "operator": "Exists"}]


def unselected(spec: dict, platform: dict) -> None:
    own_gpu(spec)
    tolerating(platform)
    del placed(platform)["nodeSelector"]


def no_run_id(spec: dict, _: dict) -> None:
    spec["root"]["dag"]["tasks"]["trainer"]["inputs"]["parameters"]["run_id"]["runtimeValue"]["constant"] = "today"


def train_job_off_the_pool(spec: dict, _: dict) -> None:
    arguments = container(spec)["args"]
    place = arguments.index("--train-job") + 1
    arguments[place] = arguments[place].replace('"node_selector":{"dacapo.music/pool":"gpu-l4"}', '"node_selector":{}')


def train_job_that_is_none(spec: dict, text: str) -> None:
    arguments = container(spec)["args"]
    arguments[arguments.index("--train-job") + 1] = text


BREAKS: dict[str, list[Callable[[dict, dict], Any]]] = {
    "parse": [
        lambda spec, _: container(spec).update(nodeSelector={"pool": "gpu"}),
        lambda _, platform: placed(platform).update(nodeSelectors={}),
        lambda spec, _: spec["root"].update(colour="red"),
        lambda spec, _: spec.pop("root"),
        lambda spec, _: spec.update(root=None),
        lambda spec, _: spec.pop("pipelineInfo"),
    ],
    "schema-version": [lambda spec, _: spec.update(schemaVersion="2.0.0")],
    "resolver": [resolver],
    "driver": [lifecycle],
    "artifacts": [artifact_input, artifact_type],
    "uri-scheme": [
        lambda spec, _: default(spec, "catalog", "s3://music/catalog.csv"),
        lambda spec, _: default(spec, "catalog", "gs://music/catalog.csv"),
        lambda spec, _: container(spec)["args"].append("minio://music/root"),
        lambda spec, _: container(spec).update(env=[{"name": "HOME_FOLDER", "value": "s3://music"}]),
    ],
    "volume": [
        lambda spec, _: default(spec, "catalog", "catalog.csv"),
        lambda spec, _: default(spec, "catalog", "/dacapo/../home/me/catalog.csv"),
        lambda spec, _: spec["root"]["inputDefinitions"]["parameters"]["overrides"].update(
            defaultValue={"schemas": "/home/me/schemas"}
        ),
    ],
    "pipeline-root": [lambda spec, _: spec.update(defaultPipelineRoot="/dacapo/pipelines")],
    "infra-validator": [lambda spec, _: container(spec)["args"].append("InfraValidator")],
    "platform": [
        lambda _, platform: platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].pop("exec-trainer"),
        lambda _, platform: placed(platform).pop("pvcMount"),
        lambda _, platform: platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].update(
            {"exec-nobody": placed(platform)}
        ),
    ],
    "node-id": [renamed],
    "caching": [lambda spec, _: spec["root"]["dag"]["tasks"]["trainer"].update(cachingOptions={"enableCache": True})],
    "accelerator": [lambda spec, platform: (own_gpu(spec, "NVIDIA_L4"), tolerating(platform))],
    "gpu-pool": [
        lambda spec, _: own_gpu(spec),
        lambda _, platform: tolerating(platform),
        unselected,
        train_job_off_the_pool,
    ],
    "retry": [
        lambda spec, _: spec["root"]["dag"]["tasks"]["trainer"]["retryPolicy"].update(backoffMaxDuration="3600s"),
        lambda _, platform: placed(platform).update(activeDeadlineSeconds="86400"),
    ],
    "run-id": [no_run_id],
    "train-job": [
        lambda spec, _: train_job_that_is_none(spec, "{"),
        lambda spec, _: train_job_that_is_none(spec, '{"image": "dacapo", "node": 2}'),
    ],
    "flat": [
        lambda spec, _: spec["root"]["dag"]["tasks"]["pusher"].update(triggerPolicy={"condition": "1 == 2"}),
        lambda spec, _: spec["root"]["dag"]["tasks"]["pusher"]["dependentTasks"].append("nobody"),
        lambda spec, _: spec["components"].update({"comp-inner": {"dag": {}}}),
    ],
}


@pytest.mark.parametrize(
    ("rule", "break_it"), [(rule, break_it) for rule, breaks in BREAKS.items() for break_it in breaks]
)
def test_a_pipeline_that_breaks_a_rule_is_caught(
    tagging: tuple[dict[str, Any], dict[str, Any]], rule: str, break_it: Callable[[dict, dict], Any]
) -> None:
    spec, platform = copy.deepcopy(tagging)
    break_it(spec, platform)
    assert {finding.rule for finding in lint(spec, platform)} == {rule}


def test_a_pipeline_without_its_platform_document_is_caught(tagging: tuple[dict[str, Any], dict[str, Any]]) -> None:
    assert [finding.rule for finding in lint(tagging[0])] == ["platform"]


@pytest.mark.parametrize("text", ["[1", "", "- a\n- b\n"])
def test_a_file_that_is_no_pipeline_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "none.yaml"
    path.write_text(text)
    with pytest.raises(NotAPipeline) as caught:
        lint_file(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "gone.yaml", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(NotAPipeline) as caught:
            lint_file(path)
        assert str(caught.value) == f"{path}: cannot be read: {reason}"


@pytest.mark.parametrize("wrong", [[], ["x"], "x", 3, {"a": 1}, float("inf"), float("nan")])
@pytest.mark.parametrize(
    ("document", "place"),
    [
        (0, ("pipelineInfo",)),
        (0, ("root",)),
        (0, ("root", "dag", "tasks")),
        (0, ("components",)),
        (0, ("deploymentSpec",)),
        (0, ("deploymentSpec", "executors", "exec-trainer")),
        (1, ("platforms",)),
        (1, ("platforms", "kubernetes", "deploymentSpec", "executors")),
    ],
)
def test_what_is_of_another_type_is_a_finding(
    tagging: tuple[dict[str, Any], dict[str, Any]], document: int, place: tuple[str, ...], wrong: object
) -> None:
    documents = copy.deepcopy(tagging)
    group: Any = documents[document]
    for name in place[:-1]:
        group = group[name]
    group[place[-1]] = wrong
    assert lint(*documents)


@pytest.mark.parametrize("wrong", [float("inf"), float("nan"), 10**400])
def test_a_number_that_no_json_holds_is_a_finding(tagging: tuple[dict[str, Any], dict[str, Any]], wrong: float) -> None:
    spec, platform = copy.deepcopy(tagging)
    spec["root"]["inputDefinitions"]["parameters"]["steps"]["defaultValue"] = wrong
    assert [finding.rule for finding in lint(spec, platform)] == ["parse"]
    spec, platform = copy.deepcopy(tagging)
    placed(platform)["activeDeadlineSeconds"] = wrong
    assert [finding.rule for finding in lint(spec, platform)] == ["parse"]


def test_null_is_what_is_not_there(tagging: tuple[dict[str, Any], dict[str, Any]]) -> None:
    spec, platform = copy.deepcopy(tagging)
    spec["root"]["dag"]["outputs"] = container(spec)["lifecycle"] = placed(platform)["tolerations"] = None
    assert lint(spec, platform) == []


def gpu_job() -> dict[str, Any]:
    request = TrainJobRequest(
        image="dacapo:cuda",
        nodes=2,
        resources={"cpu": "4", "nvidia.com/gpu": "1"},
        node_selector={"dacapo.music/pool": "gpu-l4"},
        tolerations=({"key": "nvidia.com/gpu", "operator": "Exists"},),
    )
    return train_job("train-tagging-0123456789", "/dacapo/pipelines/x", request, annotations={})


def pod(job: dict[str, Any]) -> dict[str, Any]:
    patch = job["spec"]["runtimePatches"][0]["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"][0]
    found: dict[str, Any] = patch["template"]["spec"]["template"]["spec"]
    return found


def test_a_good_train_job_has_no_finding() -> None:
    assert lint_train_job(gpu_job()) == []


@pytest.mark.parametrize(
    ("rule", "break_it"),
    [
        ("gpu-pool", lambda job: pod(job).pop("nodeSelector")),
        ("gpu-pool", lambda job: pod(job).pop("tolerations")),
        ("gpu-pool", lambda job: job["spec"]["trainer"].pop("resourcesPerNode")),
        ("accelerator", lambda job: job["spec"]["trainer"]["resourcesPerNode"]["limits"].update({"amd.com/gpu": "1"})),
        ("uri-scheme", lambda job: job["spec"]["trainer"]["args"].append("s3://music")),
        ("train-job", lambda job: job["metadata"].update(name="Train_Tagging")),
        ("train-job", lambda job: job["spec"].pop("runtimeRef")),
        ("train-job", lambda job: job["spec"]["trainer"].pop("image")),
        ("train-job", lambda job: job.update(kind="TFJob")),
    ],
)
def test_a_train_job_that_breaks_a_rule_is_caught(rule: str, break_it: Callable[[dict], Any]) -> None:
    job = gpu_job()
    break_it(job)
    assert {finding.rule for finding in lint_train_job(job)} == {rule}


def test_every_rule_is_tried() -> None:
    assert set(BREAKS) == set(RULES)
