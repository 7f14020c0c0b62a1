"""What a step asks of the cluster: how many machines of which kind train.

No TensorFlow, TFX or Kubernetes client is loaded here: the compiler of pipelines reads placements with it.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt


class Claim(BaseModel):
    """A volume claim that the workers mount.

    Attributes
    ----------
    claim : name of the PersistentVolumeClaim.
    mount : path in the container.
    sub_path : folder of the volume that is mounted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    claim: str
    mount: str
    sub_path: str = ""


class TrainJobRequest(BaseModel):
    """One training on the pool.

    Attributes
    ----------
    image : of the workers.
    nodes : workers, one a machine.
    resources : of each worker: ``{"cpu": "8", "nvidia.com/gpu": "1"}``; requested, and all but ``cpu`` also limited.
    cpu_limit : cores of a worker at most; None for no limit.
    node_selector, tolerations, affinity : as in a pod's specification; they lock the workers to a pool.
    env : further environment variables.
    image_pull_secrets : of the image's registry.
    shared_memory : size of ``/dev/shm``; None for that of the runtime.
    volumes : mounted beside those of the runtime, or in their place where claim or path are the same.
    user, group : that the workers run as; None for those of the runtime.
    runtime : the ``TrainingRuntime`` in the same namespace (``kubeflow/base/training-runtime.yaml``).
    namespace : None stands for that of the pod that asks.
    deadline_s : seconds after which the cluster ends a job.
    resubmissions : new jobs after one that failed or vanished; each goes on from the checkpoint. The restarts after a
        lost or preempted worker, which the runtime's failure policy makes within one job, are not counted here.
    poll_s : seconds between two looks at the job and its logs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str = Field(min_length=1)
    nodes: PositiveInt = 1
    resources: dict[str, str] = Field(default_factory=dict)
    cpu_limit: str | None = None
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: tuple[dict[str, Any], ...] = ()
    affinity: dict[str, Any] = Field(default_factory=dict)
    env: dict[str, str] = Field(default_factory=dict)
    image_pull_secrets: tuple[str, ...] = ()
    shared_memory: str | None = None
    volumes: tuple[Claim, ...] = ()
    user: PositiveInt | None = None
    group: PositiveInt | None = None
    runtime: str = "dacapo-tensorflow"
    namespace: str | None = None
    deadline_s: PositiveInt = 86_400
    resubmissions: NonNegativeInt = 2
    poll_s: PositiveFloat = 5.0
