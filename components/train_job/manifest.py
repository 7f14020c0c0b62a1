"""The ``TrainJob`` of an execution: Kubeflow Trainer v2, ``trainer.kubeflow.org/v1alpha1``.

What is common to all trainings (volumes, security, restarts after a lost worker) stands in the ``TrainingRuntime``
(``kubeflow/base/training-runtime.yaml``); here stands what differs from job to job.
"""

import hashlib
import re
from typing import Any

from components.train_job.addresses import REPLICATED_JOB, worker_addresses
from components.train_job.request import TrainJobRequest

API_GROUP = "trainer.kubeflow.org"
API_VERSION = "v1alpha1"
PLURAL = "trainjobs"
MANAGER = "dacapo.music/step"  # whose patches of the runtime these are; others, such as Kueue's, may stand beside them
SHARED_MEMORY = "shared-memory"  # the runtime's volume at /dev/shm
CHECKPOINTS = "dacapo.music/checkpoints"  # label: jobs with equal values may write the same checkpoints
LABELS = {"app.kubernetes.io/part-of": "dacapo", "app.kubernetes.io/component": "training"}


def job_name(pipeline: str, run_id: str, node_id: str, folder: str) -> str:
    """Name of the TrainJob of an execution: the same whenever the same execution is launched again.

    At most 50 characters, since the pods' names (``<name>-node-0-<index>``) are host names.

    Parameters
    ----------
    pipeline, run_id, node_id : of the execution.
    folder : of the execution's files; tells apart executions of several metadata stores in one namespace.
    """
    digest = hashlib.sha256("\0".join((pipeline, run_id, node_id, folder)).encode()).hexdigest()[:10]
    readable = re.sub(r"[^a-z0-9]+", "-", pipeline.lower()).strip("-")[:35].strip("-")
    return f"train-{readable}"[:39].rstrip("-") + f"-{digest}"


def checkpoints_label(node_id: str, folder: str) -> str:
    """Value of the label `CHECKPOINTS`: the same for all runs of one pipeline, whose trainings share checkpoints.

    Parameters
    ----------
    node_id : of the execution.
    folder : of the execution's files, ``<pipeline root>/<node>/...``.
    """
    root, _, _ = folder.partition(f"/{node_id}/")
    return hashlib.sha256(f"{root}\0{node_id}".encode()).hexdigest()[:16]


def train_job(
    name: str,
    folder: str,
    request: TrainJobRequest,
    *,
    annotations: dict[str, str],
    checkpoints: str | None = None,
    owner: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The manifest.

    Parameters
    ----------
    name : from `job_name`.
    folder : what the workers run (`execution.write_execution`), on storage that they mount.
    request : image, machines, pool.
    annotations : what the job belongs to, for people.
    checkpoints : from `checkpoints_label`.
    owner : reference to the step's pod; the job goes when the pod is removed, whatever became of the step.

    Returns
    -------
    dict
        As the API takes it.
    """
    labels = LABELS | ({CHECKPOINTS: checkpoints} if checkpoints is not None else {})
    metadata: dict[str, Any] = {"name": name, "labels": labels, "annotations": annotations}
    if owner is not None:
        metadata["ownerReferences"] = [owner]
    trainer: dict[str, Any] = {
        "image": request.image,
        "numNodes": request.nodes,
        "command": ["python", "-m", "components.train_job.worker"],
        "args": ["--execution", folder, "--addresses", ",".join(worker_addresses(name, request.nodes))],
    }
    if request.resources:
        limits = {kind: amount for kind, amount in request.resources.items() if kind != "cpu"}
        limits |= {"cpu": request.cpu_limit} if request.cpu_limit else {}
        trainer["resourcesPerNode"] = {"requests": request.resources, "limits": limits}
    if request.env:
        trainer["env"] = [{"name": name, "value": value} for name, value in request.env.items()]
    spec: dict[str, Any] = {
        "runtimeRef": {"apiGroup": API_GROUP, "kind": "TrainingRuntime", "name": request.runtime},
        "activeDeadlineSeconds": request.deadline_s,
        "trainer": trainer,
    }
    if pod := _pod(request):
        job = {"name": REPLICATED_JOB, "template": {"spec": {"template": {"spec": pod}}}}
        patch = {"template": {"spec": {"replicatedJobs": [job]}}}
        spec["runtimePatches"] = [{"manager": MANAGER, "trainingRuntimeSpec": patch}]
    return {"apiVersion": f"{API_GROUP}/{API_VERSION}", "kind": "TrainJob", "metadata": metadata, "spec": spec}


def _pod(request: TrainJobRequest) -> dict[str, Any]:
    """What differs from the runtime's pod; Trainer merges volumes by name and mounts by path."""
    user = {"runAsUser": request.user, "runAsGroup": request.group, "fsGroup": request.group}
    volumes: list[dict[str, Any]] = [
        {"name": claim, "persistentVolumeClaim": {"claimName": claim}}
        for claim in dict.fromkeys(volume.claim for volume in request.volumes)
    ]
    if request.shared_memory is not None:
        memory = {"medium": "Memory", "sizeLimit": request.shared_memory}
        volumes.append({"name": SHARED_MEMORY, "emptyDir": memory})
    mounts = [
        {"name": volume.claim, "mountPath": volume.mount} | ({"subPath": volume.sub_path} if volume.sub_path else {})
        for volume in request.volumes
    ]
    placed = {
        "nodeSelector": request.node_selector,
        "tolerations": list(request.tolerations),
        "affinity": request.affinity,
        "imagePullSecrets": [{"name": name} for name in request.image_pull_secrets],
        "securityContext": {field: number for field, number in user.items() if number is not None},
        "volumes": volumes,
        "containers": [{"name": REPLICATED_JOB, "volumeMounts": mounts}] if mounts else [],
    }
    return {field: value for field, value in placed.items() if value}
