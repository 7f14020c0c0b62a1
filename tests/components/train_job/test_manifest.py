import json

import pytest
from kubeflow_trainer_api import models
from pydantic import ValidationError

from components.train_job.addresses import tf_config, worker_addresses
from components.train_job.manifest import job_name, train_job
from components.train_job.request import TrainJobRequest

REQUEST = TrainJobRequest(
    image="registry.example/dacapo:cuda",
    nodes=3,
    resources={"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "1"},
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
