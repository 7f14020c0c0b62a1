"""The compiled pipeline says what graph, settings and placement say."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.yaml_text import LOADER
from pipeline.kubeflow_runner import PARAMETERS, Node, NotForKubeflow, argo_name, compile_to, nodes, write_pipeline
from pipeline.placement import PLACEMENT, STEPS, load_placement
from pipeline.run_node import settings_of_run
from pipeline.settings import Settings, SettingsError, load_settings

OWN_GPU = {"Trainer": {"pool": "gpu-l4", "accelerators": {"count": 2}, "shared_memory": "2Gi", "env": {"A": "b"}}}


class Compiled:
    """The two documents of a compiled pipeline."""

    def __init__(self, path: Path) -> None:
        self.spec, platform = yaml.load_all(path.read_text(), LOADER)
        self.placed = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        self.tasks = self.spec["root"]["dag"]["tasks"]

    def container(self, node: str) -> dict[str, Any]:
        found: dict[str, Any] = self.spec["deploymentSpec"]["executors"][f"exec-{node}"]["container"]
        return found

    def argument(self, node: str, option: str) -> str:
        arguments = self.container(node)["args"]
        return str(arguments[arguments.index(option) + 1])


def settings(**changes: Any) -> Settings:
    return load_settings({"home": "/dacapo", "metadata": {"store": "mysql"}, "train": {"steps": 40}} | changes)


@pytest.fixture(scope="module")
def graph() -> tuple[Node, ...]:
    return nodes(settings())


def written(folder: Path, graph: tuple[Node, ...], **placement: Any) -> Compiled:
    path = folder / "placement.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(PLACEMENT.read_text()) | placement))
    return Compiled(write_pipeline(folder / "out.yaml", graph, settings(), load_placement(path), code="0123"))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory, graph: tuple[Node, ...]) -> Compiled:
    return written(tmp_path_factory.mktemp("compiled"), graph)


def test_placement_knows_every_node_of_the_graph(graph: tuple[Node, ...]) -> None:
    assert tuple(node.id for node in graph) == STEPS


def test_one_container_a_node_in_the_order_of_the_graph(compiled: Compiled, graph: tuple[Node, ...]) -> None:
    order = {node.task_name: {argo_name(other) for other in node.upstream} for node in graph}
    assert {name: set(task.get("dependentTasks", ())) for name, task in compiled.tasks.items()} == order
    assert {compiled.argument(node.task_name, "--node") for node in graph} == set(STEPS)


def test_every_step_gets_kubeflow_s_run_id_and_the_code_s_hash(compiled: Compiled) -> None:
    for name, task in compiled.tasks.items():
        assert task["inputs"]["parameters"]["run_id"]["runtimeValue"]["constant"] == "{{$.pipeline_job_uuid}}"
        assert compiled.argument(name, "--run-id") == "{{$.inputs.parameters['run_id']}}"
        assert compiled.argument(name, "--code") == "0123"


def test_settings_that_leave_the_shape_are_parameters_with_defaults_and_a_description(compiled: Compiled) -> None:
    parameters = compiled.spec["root"]["inputDefinitions"]["parameters"]
    defaults = {name: parameter["defaultValue"] for name, parameter in parameters.items()}
    expected = {"catalog": "", "profile": "quick", "steps": 40, "warm_start": "none", "overrides": {}, "resume": ""}
    assert defaults == expected
    assert {name: parameter["description"] for name, parameter in parameters.items()} == PARAMETERS
    assert all(parameter["isOptional"] for parameter in parameters.values())


def test_a_catalog_that_the_run_form_empties_is_the_library_s_own(tmp_path: Path, graph: tuple[Node, ...]) -> None:
    path = tmp_path / "out.yaml"
    compiled = Compiled(
        write_pipeline(path, graph, settings(catalog="/dacapo/mine.csv"), load_placement(), code="0123")
    )
    default = compiled.spec["root"]["inputDefinitions"]["parameters"]["catalog"]["defaultValue"]
    assert default == "/dacapo/mine.csv"
    base = compiled.argument("transform", "--settings")
    assert settings_of_run(base, {"catalog": default}).catalog == Path("/dacapo/mine.csv")
    assert settings_of_run(base, {"catalog": ""}).catalog is None


def test_a_step_rebuilds_the_settings_and_the_run_form_wins(compiled: Compiled) -> None:
    base = compiled.argument("transform", "--settings")
    form = {"steps": compiled.spec["root"]["inputDefinitions"]["parameters"]["steps"]["defaultValue"]}
    assert settings_of_run(base, form) == settings()
    changed = settings_of_run(base, form | {"profile": "full", "overrides": '{"train.batch_size": 8, "seed": 3}'})
    assert (changed.profile, changed.seed, changed.home) == ("full", 3, Path("/dacapo"))
    assert (changed.hyperparameters().batch_size, changed.hyperparameters().steps) == (8, 40)


def test_no_steps_in_the_run_form_are_the_profile_s(compiled: Compiled) -> None:
    """Also where the pipeline was compiled with train.steps."""
    of_run = settings_of_run(compiled.argument("trainer", "--settings"), {"steps": 0, "profile": "quick"})
    assert of_run.hyperparameters().steps == settings(train={}).hyperparameters().steps
    assert of_run.hyperparameters().steps != 40


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ("{", 'overrides: "{" is not JSON'),
        ("[1]", 'overrides: "[1]" is not an object'),
        ('{"train.stepps": 1}', "train.stepps is not a setting"),
        ('{"task": "defects"}', "overrides: task cannot change in a run form"),
        ('{"metadata.store": "sqlite"}', "overrides: metadata.store cannot change in a run form"),
        ('{"metadata": {"host": "other"}}', "overrides: metadata cannot change in a run form"),
        ('{"train": {"batch_size": 8}}', "write dotted names as in train.field"),
        ('{"ingest.shares": {"test": 0}}', "write dotted names as in ingest.shares.field"),
    ],
)
def test_wrong_overrides_are_one_line(compiled: Compiled, overrides: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_of_run(compiled.argument("transform", "--settings"), {"overrides": overrides})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_evaluator_alone_hands_over_figures_and_a_page(compiled: Compiled) -> None:
    with_outputs = {name for name, c in compiled.spec["components"].items() if c.get("outputDefinitions")}
    assert with_outputs == {"comp-evaluator"}
    outputs = compiled.spec["components"]["comp-evaluator"]["outputDefinitions"]["artifacts"]
    kinds = {name: output["artifactType"]["schemaTitle"] for name, output in outputs.items()}
    assert kinds == {"metrics": "system.Metrics", "page": "system.HTML"}
    assert compiled.argument("evaluator", "--executor-input") == "{{$}}"


def test_retries_with_backoff_timeouts_and_requests_are_the_placement_s(compiled: Compiled) -> None:
    policy = compiled.tasks["audioexamplegen"]["retryPolicy"]
    waits = 30 * (1 + 2 + 4 + 8 + 16)
    assert policy == {
        "maxRetryCount": 5,
        "backoffDuration": "30s",
        "backoffFactor": 2.0,
        "backoffMaxDuration": f"{6 * 24 * 3600 + waits}s",  # Argo's window for all tries, from the first start
    }
    assert compiled.placed["exec-audioexamplegen"]["activeDeadlineSeconds"] == str(24 * 3600)
    resources = compiled.container("transform")["resources"]
    assert (resources["resourceCpuRequest"], resources["resourceMemoryLimit"]) == ("4", "16Gi")


def test_every_pod_is_placed_mounts_the_volume_and_runs_as_an_ordinary_user(compiled: Compiled) -> None:
    for place in compiled.placed.values():
        assert [(v["constant"], v["mountPath"]) for v in place["pvcMount"]] == [("dacapo", "/dacapo")]
        assert place["securityContext"] == {"runAsUser": "10001", "runAsGroup": "10001", "runAsNonRoot": True}
        assert place["secretAsEnv"][0]["keyToEnv"] == [{"secretKey": "password", "envVar": "DACAPO_METADATA_PASSWORD"}]
        assert place["imagePullPolicy"] == "IfNotPresent"
        assert place["podMetadata"]["labels"]["sidecar.istio.io/inject"] == "false"
        assert place["nodeSelector"]["labels"]
    assert compiled.placed["exec-transform"]["nodeSelector"]["labels"] == {"dacapo.music/pool": "highmem"}
    assert compiled.placed["exec-statisticsgen"]["tolerations"][0]["key"] == "dacapo.music/spot"
    assert compiled.placed["exec-statisticsgen"]["nodeAffinity"][0]["weight"] == 50


def test_all_musts_of_a_pool_hold_at_once(tmp_path: Path, graph: tuple[Node, ...]) -> None:
    """Kubernetes ORs terms and ANDs the expressions of one; preferences are a term each."""
    zone, disk = ({"key": key, "operator": "Exists"} for key in ("topology.kubernetes.io/zone", "disk"))
    pools = yaml.safe_load(PLACEMENT.read_text())["pools"]
    pools["cpu"]["affinity"] = [zone, disk, zone | {"weight": 3}]
    placed = written(tmp_path, graph, pools=pools).placed["exec-pusher"]["nodeAffinity"]
    assert [[entry["key"] for entry in term["matchExpressions"]] for term in placed] == [
        [zone["key"], disk["key"]],
        [zone["key"]],
    ]
    assert [term.get("weight") for term in placed] == [None, 3]


def test_a_training_in_a_train_job_waits_in_a_cheap_pod_without_gpus(compiled: Compiled) -> None:
    assert "accelerator" not in compiled.container("trainer")["resources"]
    assert compiled.placed["exec-trainer"]["nodeSelector"]["labels"] == {"dacapo.music/pool": "cpu"}
    assert "tolerations" not in compiled.placed["exec-trainer"]
    request = json.loads(compiled.argument("trainer", "--train-job"))
    assert request["resources"]["nvidia.com/gpu"] == "1"
    assert request["node_selector"] == {"dacapo.music/pool": "gpu-l4"}


def test_a_training_in_its_own_step_carries_the_gpus(tmp_path: Path, graph: tuple[Node, ...]) -> None:
    own = written(tmp_path, graph, steps=OWN_GPU, gpu_image="dacapo:cuda")
    container = own.container("trainer")
    assert container["image"] == "dacapo:cuda"
    assert own.container("transform")["image"] == "dacapo:cpu"
    assert "--train-job" not in container["args"]
    accelerator = container["resources"]["accelerator"]
    assert (accelerator["resourceType"], accelerator["resourceCount"]) == ("nvidia.com/gpu", "2")
    assert container["env"] == [{"name": "A", "value": "b"}]
    place = own.placed["exec-trainer"]
    assert place["nodeSelector"]["labels"] == {"dacapo.music/pool": "gpu-l4"}
    assert place["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    (memory,) = place["emptyDirMounts"]
    assert (memory["mountPath"], memory["medium"], memory["sizeLimit"]) == ("/dev/shm", "Memory", "2Gi")


def test_a_blocked_model_ends_the_pusher_as_the_placement_says(
    tmp_path: Path, graph: tuple[Node, ...], compiled: Compiled
) -> None:
    assert compiled.argument("pusher", "--unblessed-exit") == "0"
    failing = written(tmp_path, graph, blocked_model="fail")
    assert "--unblessed-exit" not in failing.container("pusher")["args"]
    # It would be blocked again each time.
    assert [name for name, task in failing.tasks.items() if "retryPolicy" not in task] == ["pusher"]
    assert all("retryPolicy" in task for task in compiled.tasks.values())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"home": "/elsewhere"}, "home='/elsewhere' lies on no volume of the placement (mounted: /dacapo)"),
        ({"metadata": {"store": "sqlite"}}, "metadata.store='sqlite'"),
    ],
)
def test_settings_that_no_cluster_can_use_are_one_line(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(NotForKubeflow) as caught:
        compile_to(tmp_path / "x.yaml", settings(**changes), load_placement())
    assert words in str(caught.value)
    assert not (tmp_path / "x.yaml").exists()
