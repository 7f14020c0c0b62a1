"""The TrainingRuntime and the TrainJob that the operator makes fit each other and the published models."""

from typing import Any

import kubernetes_validate
import pytest
from kubeflow_trainer_api import models

from components.train_job.addresses import PORT, REPLICATED_JOB
from components.train_job.manifest import SHARED_MEMORY, train_job
from components.train_job.request import TrainJobRequest
from tests.kubeflow.conftest import VERSION, rendered

REQUEST = TrainJobRequest(image="dacapo:cuda", nodes=2, node_selector={"dacapo.music/pool": "gpu-l4"})
JOB = train_job("train-x", "/dacapo/pipelines/x", REQUEST, annotations={})


def runtime() -> dict[str, Any]:
    (found,) = [manifest for manifest in rendered("gke") if manifest["kind"] == "TrainingRuntime"]
    return found


def replicated_job() -> dict[str, Any]:
    (job,) = runtime()["spec"]["template"]["spec"]["replicatedJobs"]
    found: dict[str, Any] = job
    return found


def test_the_published_models_lose_nothing_of_the_runtime() -> None:
    read = models.TrainerV1alpha1TrainingRuntime.from_dict(runtime())
    assert read is not None
    assert read.to_dict() == runtime()


def test_the_jobs_of_a_set_are_strictly_valid() -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "x"},
        "spec": replicated_job()["template"]["spec"],
    }
    kubernetes_validate.validate(job, VERSION, strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job | {"spec": job["spec"] | {"podFailurePolicies": {}}}, VERSION, strict=True)


def test_a_job_names_the_runtime_and_patches_its_replicated_job() -> None:
    assert JOB["spec"]["runtimeRef"]["name"] == runtime()["metadata"]["name"]
    (patch,) = JOB["spec"]["runtimePatches"]
    (job,) = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    assert job["name"] == replicated_job()["name"] == REPLICATED_JOB


def test_a_job_s_volumes_take_the_place_of_the_runtime_s() -> None:
    """Merged by name and path, so these must be the runtime's."""
    pod = replicated_job()["template"]["spec"]["template"]["spec"]
    named = {volume["name"]: volume for volume in pod["volumes"]}
    assert named["dacapo"]["persistentVolumeClaim"] == {"claimName": "dacapo"}
    mounts = {mount["mountPath"]: mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts["/dev/shm"] == SHARED_MEMORY
    assert mounts["/dacapo"] == "dacapo"


def test_trainer_finds_the_container_that_it_fills_in() -> None:
    """By the label of the job and the container's name ``node`` (Trainer's pkg/constants)."""
    job = replicated_job()["template"]
    assert job["metadata"]["labels"]["trainer.kubeflow.org/trainjob-ancestor-step"] == "trainer"
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["name"] == "node"
    assert container["command"] == JOB["spec"]["trainer"]["command"]


def test_pods_have_the_completion_index_and_the_host_names_that_tf_config_is_made_of() -> None:
    spec = runtime()["spec"]["template"]["spec"]
    assert spec["network"]["enableDNSHostnames"] is True
    assert "subdomain" not in spec["network"]  # then the headless service is called like the job
    job = replicated_job()["template"]["spec"]
    assert job["completionMode"] == "Indexed"
    (container,) = job["template"]["spec"]["containers"]
    assert {"name": "tensorflow", "containerPort": PORT, "protocol": "TCP"} in container["ports"]


def test_a_lost_worker_restarts_all_and_a_users_mistake_none() -> None:
    policy = runtime()["spec"]["template"]["spec"]["failurePolicy"]
    job = replicated_job()["template"]["spec"]
    assert job["backoffLimit"] == 0  # the set starts again as a whole, not a pod alone
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    mistake, disruption = job["podFailurePolicy"]["rules"]
    assert mistake["onExitCodes"] == {"containerName": "node", "operator": "In", "values": [2]}
    assert disruption["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
    assert [rule["action"] for rule in policy["rules"]] == ["FailJobSet", "RestartJobSetAndIgnoreMaxRestarts"]
    assert 1 <= policy["maxRestarts"] <= 10
