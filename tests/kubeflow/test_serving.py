"""TensorFlow Serving's configuration, read as the server reads it where its protos are published."""

import re
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from tests.kubeflow.conftest import KUBEFLOW, rendered
from trainers.task import TASKS

DOCS = Path(__file__).resolve().parents[2] / "docs"


def deployment(task: str) -> dict[str, Any]:
    (found,) = [
        manifest
        for manifest in rendered("serving")
        if manifest["kind"] == "Deployment" and manifest["metadata"]["name"] == f"{task}-serving"
    ]
    return found


def config_map(task: str) -> dict[str, str]:
    volumes = {volume["name"]: volume for volume in deployment(task)["spec"]["template"]["spec"]["volumes"]}
    name = volumes["config"]["configMap"]["name"]
    (found,) = [m for m in rendered("serving") if m["kind"] == "ConfigMap" and m["metadata"]["name"] == name]
    data: dict[str, str] = found["data"]
    return data


@pytest.mark.parametrize("task", TASKS)
def test_a_server_loads_two_versions_of_its_tasks_model_from_the_served_folder(task: str) -> None:
    config = text_format.Parse(config_map(task)["models.config"], model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    assert model.name == task
    assert re.fullmatch(rf"/dacapo/serving/{task}-[a-z]+-[a-z]+", model.base_path)
    assert model.model_version_policy.latest.num_versions == 2


@pytest.mark.parametrize("task", TASKS)
def test_a_moved_label_reaches_a_running_server(task: str) -> None:
    """The server polls the file; the kubelet renews it only in a whole volume, and a new name would roll the pods."""
    (container,) = deployment(task)["spec"]["template"]["spec"]["containers"]
    assert "--model_config_file_poll_wait_seconds=30" in container["args"]
    (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == "config"]
    assert "subPath" not in mount
    assert [m["metadata"]["name"] for m in rendered("serving") if m["kind"] == "ConfigMap"].count(f"{task}-config") == 1


def test_the_first_model_of_the_docs_is_the_one_that_the_server_of_its_task_watches() -> None:
    page = (DOCS / "kubeflow.md").read_text(encoding="utf-8")
    assert "./dacapo compile tagging --library builtin --image" in page  # with the profile full, by default
    assert 'base_path: "/dacapo/serving/tagging-builtin-full"' in config_map("tagging")["models.config"]


@pytest.mark.parametrize("task", TASKS)
def test_batches_have_fixed_sizes_up_to_the_greatest(task: str) -> None:
    text = config_map(task)["batching.config"]
    sizes = [int(size) for size in re.findall(r"^allowed_batch_sizes: (\d+)$", text, re.MULTILINE)]
    (greatest,) = re.findall(r"^max_batch_size \{ value: (\d+) \}$", text, re.MULTILINE)
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == int(greatest)  # or the server refuses to start


@pytest.mark.parametrize("task", TASKS)
def test_a_server_is_ready_when_a_version_of_its_model_is(task: str) -> None:
    (container,) = deployment(task)["spec"]["template"]["spec"]["containers"]
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": f"/v1/models/{task}/metadata", "port": "http"}


@pytest.mark.parametrize("task", TASKS)
def test_every_file_that_a_flag_names_is_mounted(task: str) -> None:
    (container,) = deployment(task)["spec"]["template"]["spec"]["containers"]
    files = re.findall(r"=/etc/serving/(\S+)", " ".join(container["args"]))
    assert sorted(files) == ["batching.config", "models.config", "monitoring.config"]
    assert set(files) == set(config_map(task))


def test_the_autoscalers_metric_is_the_one_that_prometheus_records() -> None:
    documents = rendered("serving")
    (rules,) = [m for m in documents if m["kind"] == "PrometheusRule"]
    recorded = {rule.get("record") for group in rules["spec"]["groups"] for rule in group["rules"]}
    scalers = [m for m in documents if m["kind"] == "HorizontalPodAutoscaler"]
    assert len(scalers) == len(TASKS)
    for scaler in scalers:
        (metric,) = scaler["spec"]["metrics"]
        assert metric["pods"]["metric"]["name"] in recorded
    adapter = (KUBEFLOW / "components" / "prometheus" / "adapter-values.yaml").read_text()
    assert "as: dacapo_serving_queue_depth" in adapter


def test_the_labels_that_the_docs_show_are_what_the_server_reads() -> None:
    page = (DOCS / "kubeflow.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"^```textproto\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    config = text_format.Parse(snippet, model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    assert set(model.version_labels) == {"stable", "canary"}
    # `latest` would unload a labelled version after two more pushes.
    assert set(model.version_labels.values()) == set(model.model_version_policy.specific.versions)
