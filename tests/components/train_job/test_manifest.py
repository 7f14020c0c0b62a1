import json

import pytest
from kubeflow_trainer_api import models
from pydantic import ValidationError

from components.train_job.addresses import tf_config, worker_addresses
from components.train_job.manifest import job_name, train_job
from components.train_job.request import Claim, TrainJobRequest

REQUEST = TrainJobRequest(
    image="registry.example/dacapo:cuda",
    nodes=3,
    resources={"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "1"},
    cpu_limit="12",
    env={"NCCL_DEBUG": "INFO"},
    image_pull_secrets=("registry",),
    shared_memory="2Gi",
    volumes=(Claim(claim="dacapo", mount="/dacapo"), Claim(claim="more", mount="/more", sub_path="a")),
    user=10002,
    group=10003,
    node_selector={"dacapo.music/pool": "gpu-l4"},
    tolerations=({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},),
    affinity={
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 1,
                    "podAffinityTerm": {
                        "topologyKey": "kubernetes.io/hostname",
                        "labelSelector": {"matchLabels": {"app": "dacapo"}},
                    },
                }
            ]
        }
    },
)
OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "step", "uid": "1-2-3"}


@pytest.mark.parametrize("request_", [REQUEST, TrainJobRequest(image="dacapo")], ids=["placed", "plain"])
def test_the_published_models_lose_nothing_of_a_train_job(request_: TrainJobRequest) -> None:
    manifest = train_job("train-x", "/dacapo/execution", request_, annotations={"run": "1"}, owner=OWNER)
    manifest = json.loads(json.dumps(manifest))
    read = models.TrainerV1alpha1TrainJob.from_dict(manifest)
    assert read is not None
    assert read.to_dict() == manifest


def test_what_the_request_says_stands_in_the_job() -> None:
    spec = train_job("train-x", "/dacapo/execution", REQUEST, annotations={})["spec"]
    resources = spec["trainer"]["resourcesPerNode"]
    assert resources["requests"] == REQUEST.resources
    assert resources["limits"] == {"cpu": "12", "memory": "32Gi", "nvidia.com/gpu": "1"}
    assert spec["trainer"]["env"] == [{"name": "NCCL_DEBUG", "value": "INFO"}]
    (job,) = spec["runtimePatches"][0]["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    pod = job["template"]["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert pod["securityContext"] == {"runAsUser": 10002, "runAsGroup": 10003, "fsGroup": 10003}
    assert [volume["name"] for volume in pod["volumes"]] == ["dacapo", "more", "shared-memory"]
    (container,) = pod["containers"]
    assert container["volumeMounts"] == [
        {"name": "dacapo", "mountPath": "/dacapo"},
        {"name": "more", "mountPath": "/more", "subPath": "a"},
    ]


def test_cpu_is_not_limited_unless_that_is_asked_for() -> None:
    request = TrainJobRequest(image="dacapo", resources={"cpu": "4", "memory": "8Gi"})
    trainer = train_job("train-x", "/dacapo/execution", request, annotations={})["spec"]["trainer"]
    assert trainer["resourcesPerNode"]["limits"] == {"memory": "8Gi"}


def test_a_field_that_the_models_do_not_know_is_noticed() -> None:
    manifest = train_job("train-x", "/dacapo/execution", REQUEST, annotations={})
    manifest["spec"]["trainer"]["nodes"] = 3
    read = models.TrainerV1alpha1TrainJob.from_dict(manifest)
    assert read is not None
    assert read.to_dict() != manifest


def test_a_name_is_a_host_name_with_room_for_the_pods_suffix() -> None:
    name = job_name("Separation_of-a-very.long.library.name-that-goes-on-and-on-full", "run", "Trainer", "/a")
    pod = worker_addresses(name, 1000)[-1].split(".")[0]
    assert len(pod) <= 63
    assert name.replace("-", "").isalnum()
    assert name == name.lower()


def test_a_name_stays_when_a_step_is_launched_again_and_differs_between_runs() -> None:
    assert job_name("p", "run-1", "Trainer", "/a") == job_name("p", "run-1", "Trainer", "/a")
    others = {job_name("p", run, "Trainer", folder) for run in ("run-1", "run-2") for folder in ("/a", "/b")}
    assert len(others) == 4


def test_the_first_worker_is_the_chief_and_all_know_the_same_cluster() -> None:
    addresses = worker_addresses("job", 3)
    configs = [json.loads(tf_config(addresses, index)) for index in range(3)]
    assert [config["task"] for config in configs] == [
        {"type": "chief", "index": 0},
        {"type": "worker", "index": 0},
        {"type": "worker", "index": 1},
    ]
    cluster = {
        "chief": ["job-node-0-0.job:2222"],
        "worker": ["job-node-0-1.job:2222", "job-node-0-2.job:2222"],
    }
    assert all(config["cluster"] == cluster for config in configs)


def test_a_misspelt_field_of_a_request_is_refused() -> None:
    with pytest.raises(ValidationError, match="node"):
        TrainJobRequest.model_validate({"image": "dacapo", "node": 2})
