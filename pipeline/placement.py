"""Where the steps of a pipeline run on a cluster: the typed file ``kubeflow/placement.yaml``.

No Kubernetes client, TFX or TensorFlow is loaded here.
"""

import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from audio.errors import DaCapoError
from catalog.yaml_text import NotYaml, read_yaml
from components.train_job.request import Claim, TrainJobRequest
from pipeline.settings import PROJECT
from trainers.task import TASKS

PLACEMENT = PROJECT / "kubeflow" / "placement.yaml"
GPU: Literal["nvidia.com/gpu"] = "nvidia.com/gpu"
"""KFP puts the accelerator's type straight into the pod's limits, so it is the device plugin's resource name."""
STEPS = (
    "AudioExampleGen",
    "ImportSchemaGen",
    "StatisticsGen",
    "ExampleValidator",
    "in_service_statistics",
    "DistributionValidator",
    "DataGate",
    "Transform",
    "Trainer",
    "in_service_model",
    "Evaluator",
    "Pusher",
)
"""Nodes of the graph (`pipeline.graph`); a test holds the two together."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
Quantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]
IMAGE = re.compile(
    r"([A-Za-z0-9.-]+(:[0-9]+)?/)?"  # registry
    r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@[a-z0-9]+:[0-9a-f]+)?"  # tag and digest
)
"""A reference as github.com/distribution/reference has it; nobody's registry has an IPv6 address."""


def _image(reference: str) -> str:
    if not IMAGE.fullmatch(reference):
        raise ValueError(f"{reference!r} is no reference of an image, such as registry.example.org/dacapo:cpu")
    return reference


Image = Annotated[str, AfterValidator(_image)]
Duration = Annotated[str, Field(pattern=r"^[0-9]+(s|m|h)$")]
PositiveDuration = Annotated[str, Field(pattern=r"^0*[1-9][0-9]*(s|m|h)$")]
SECONDS = {"s": 1, "m": 60, "h": 3600}


def seconds(duration: str) -> int:
    """`duration`, such as ``30s``, ``5m`` or ``1h``, in seconds."""
    return int(duration[:-1]) * SECONDS[duration[-1]]


class PlacementError(DaCapoError):
    """A placement that cannot be used; one line naming file, field and value."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Toleration(_Strict):
    """A taint that a pod puts up with; it allows a node, it does not choose one.

    Attributes
    ----------
    key, operator, value, effect : as in a pod's specification.
    """

    key: str | None = None
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None

    def manifest(self) -> dict[str, str]:
        """As in a pod's specification."""
        return self.model_dump(exclude_none=True)


class Expression(_Strict):
    """What a node's label must, or should, be.

    Attributes
    ----------
    key, operator, values : as in a node selector term.
    weight : 1 to 100 where it is a preference; None where it is a must.
    """

    key: str = Field(min_length=1)
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    values: tuple[str, ...] = ()
    weight: int | None = Field(None, ge=1, le=100)

    def manifest(self) -> dict[str, Any]:
        """As in a node selector term."""
        found: dict[str, Any] = {"key": self.key, "operator": self.operator}
        return found | ({"values": list(self.values)} if self.values else {})


class Pool(_Strict):
    """Nodes of one kind.

    Attributes
    ----------
    node_selector : labels of the pool's nodes; it locks a step to them.
    tolerations : of the taints that keep other pods away.
    affinity : finer musts and preferences.
    gpu : whether its nodes carry GPUs; only steps with accelerators may go there.
    """

    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    affinity: tuple[Expression, ...] = ()
    gpu: bool = False

    def affinity_manifest(self) -> dict[str, Any]:
        """``affinity`` as in a pod's specification; empty where there is none."""
        musts = [expression.manifest() for expression in self.affinity if expression.weight is None]
        wishes = [
            {"weight": expression.weight, "preference": {"matchExpressions": [expression.manifest()]}}
            for expression in self.affinity
            if expression.weight is not None
        ]
        node: dict[str, Any] = {}
        if musts:
            node["requiredDuringSchedulingIgnoredDuringExecution"] = {
                "nodeSelectorTerms": [{"matchExpressions": musts}]
            }
        if wishes:
            node["preferredDuringSchedulingIgnoredDuringExecution"] = wishes
        return {"nodeAffinity": node} if node else {}


class Resources(_Strict):
    """What a container asks for and may use at most; memory has one figure for both, so that no node is overcommitted.

    Attributes
    ----------
    cpu, cpu_limit : cores; no limit by default.
    memory : bytes, requested and limited alike.
    """

    cpu: Quantity = "1"
    cpu_limit: Quantity | None = None
    memory: Quantity = "4Gi"


class Accelerators(_Strict):
    """GPUs of one machine.

    Attributes
    ----------
    type : the device plugin's resource name.
    count : how many.
    """

    type: Literal["nvidia.com/gpu"] = GPU
    count: PositiveInt = 1


class Retry(_Strict):
    """What happens after a step failed.

    Attributes
    ----------
    times : how often it is started again.
    backoff : wait before the first retry, as ``60s``, ``5m`` or ``1h``.
    factor : each later wait is this many times longer.
    """

    times: Annotated[int, Field(ge=0, le=10)] = 2
    backoff: Duration = "60s"
    factor: float = Field(2.0, ge=1, le=10)


class Step(_Strict):
    """How one step runs.

    Attributes
    ----------
    pool : name of a pool.
    resources : of the container.
    accelerators : GPUs; None for none.
    runs_in : for a step with accelerators, ``step`` (its own pod carries the GPUs) or ``train_job`` (its pod is a cheap
        one with driver and cache check, and on a miss creates a ``TrainJob`` on `pool`, so that a cached step wakes no
        GPU node).
    waits_in : pool of that cheap pod.
    waits_with : resources of that cheap pod.
    nodes : machines of the TrainJob.
    timeout : after which the pod is ended, and with ``train_job`` the job.
    retry : what happens after it failed.
    shared_memory : size of ``/dev/shm``; None for the container engine's 64 MiB.
    env : further environment variables.
    """

    pool: Name = "cpu"
    resources: Resources = Resources()
    accelerators: Accelerators | None = None
    runs_in: Literal["step", "train_job"] = "step"
    waits_in: Name = "cpu"
    waits_with: Resources = Resources()
    nodes: PositiveInt = 1
    timeout: PositiveDuration = "6h"
    retry: Retry = Retry()
    shared_memory: Quantity | None = None
    env: dict[str, str] = Field(default_factory=dict)

    @property
    def timeout_s(self) -> int:
        """`timeout` in seconds."""
        return seconds(self.timeout)

    @property
    def retry_window_s(self) -> int:
        """Seconds from the first start in which every retry finds its wait and its whole `timeout`."""
        retry = self.retry
        waits = sum(seconds(retry.backoff) * retry.factor**attempt for attempt in range(retry.times))
        return (retry.times + 1) * self.timeout_s + math.ceil(waits)

    @model_validator(mode="after")
    def _machines_are_for_train_jobs(self) -> Self:
        if self.nodes > 1 and self.runs_in == "step":
            raise ValueError(f"nodes={self.nodes} needs runs_in: train_job, a step's own pod is one machine")
        return self


class Volume(_Strict):
    """A volume claim that every step mounts.

    Attributes
    ----------
    claim : name of the PersistentVolumeClaim.
    mount : path in the container.
    sub_path : folder of the volume that is mounted.
    """

    claim: Name
    mount: str = Field(pattern=r"^/[^:]*$")
    sub_path: str = ""


class SecretEnvironment(_Strict):
    """A secret whose keys become environment variables.

    Attributes
    ----------
    secret : its name.
    keys : key -> environment variable.
    """

    secret: str = Field(min_length=1)
    keys: dict[str, str] = Field(min_length=1)


class Placement(_Strict):
    """Everything of ``kubeflow/placement.yaml``.

    Attributes
    ----------
    image : of the steps; ``dacapo compile --image`` wins.
    gpu_image : of steps with accelerators and of TrainJobs' workers; by default `image`. ``--gpu-image`` wins.
    image_pull_policy, image_pull_secrets : as in a pod's specification; with TrainJobs the policy is IfNotPresent.
    user, group : that the containers run as; must be able to write the volumes.
    labels : of every step's pod.
    volumes : that every step mounts.
    secrets : that every step gets as environment; the workers of a TrainJob, which reach nothing, get none.
    runtime : name of the ``TrainingRuntime`` of TrainJobs.
    blocked_model : ``succeed`` or ``fail``: how the Pusher's step ends where the gate blocked the model.
    pools : by name.
    steps : by the node's id; what is not named runs with the defaults of `Step`.
    tasks : task -> step -> fields that differ for this task.
    """

    image: Image
    gpu_image: Image | None = None
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    image_pull_secrets: tuple[Name, ...] = ()
    user: PositiveInt = 10001
    group: PositiveInt = 10001
    labels: dict[str, str] = Field(default_factory=dict)
    volumes: tuple[Volume, ...] = ()
    secrets: tuple[SecretEnvironment, ...] = ()
    runtime: Name = "dacapo-tensorflow"
    blocked_model: Literal["succeed", "fail"] = "succeed"
    pools: dict[Name, Pool]
    steps: dict[str, Step] = Field(default_factory=dict)
    tasks: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        for task in self.tasks:
            if task not in TASKS:
                raise ValueError(f"tasks.{task} is not one of {', '.join(TASKS)}")
        named = {"steps": list(self.steps), **{f"tasks.{task}": list(steps) for task, steps in self.tasks.items()}}
        for where, names in named.items():
            for name in names:
                if name not in STEPS:
                    raise ValueError(f"{where}.{name} is not one of {', '.join(STEPS)}")
        for task in TASKS:
            for name in STEPS:
                self._check(f"tasks.{task}.{name}" if name in self.tasks.get(task, {}) else f"steps.{name}", task, name)
        return self

    def step(self, task: str, node_id: str) -> Step:
        """How the node `node_id` of `task` runs."""
        base = self.steps.get(node_id, Step())
        override = self.tasks.get(task, {}).get(node_id)
        if override is None:
            return base
        return Step.model_validate(_merged(base.model_dump(exclude_unset=True), override))

    def image_of(self, step: Step) -> str:
        """The image of a step's own pod."""
        return self.gpu_image or self.image if step.accelerators and step.runs_in == "step" else self.image

    def train_job(self, step: Step) -> TrainJobRequest | None:
        """The machines that a step asks for, or None where it runs in its own pod."""
        if step.runs_in == "step":
            return None
        pool = self.pools[step.pool]
        resources = {"cpu": step.resources.cpu, "memory": step.resources.memory}
        if step.accelerators is not None:
            resources[step.accelerators.type] = str(step.accelerators.count)
        return TrainJobRequest(
            image=self.gpu_image or self.image,
            nodes=step.nodes,
            resources=resources,
            node_selector=pool.node_selector,
            tolerations=tuple(toleration.manifest() for toleration in pool.tolerations),
            affinity=pool.affinity_manifest(),
            cpu_limit=step.resources.cpu_limit,
            env=step.env,
            image_pull_secrets=self.image_pull_secrets,
            shared_memory=step.shared_memory,
            volumes=tuple(Claim.model_validate(volume.model_dump()) for volume in self.volumes),
            user=self.user,
            group=self.group,
            runtime=self.runtime,
            deadline_s=step.timeout_s,
        )

    def _check(self, where: str, task: str, name: str) -> None:
        try:
            step = self.step(task, name)
        except ValidationError as error:
            raise ValueError(f"{where}.{_problem(error)}") from error
        for field, pool in (("pool", step.pool), ("waits_in", step.waits_in)):
            if pool not in self.pools and (field == "pool" or step.runs_in == "train_job"):
                raise ValueError(f"{where}.{field}={pool!r} is not one of the pools {', '.join(sorted(self.pools))}")
        if step.runs_in == "train_job" and name != "Trainer":
            raise ValueError(f"{where}.runs_in=train_job: only the Trainer runs in a TrainJob")
        if step.runs_in == "train_job" and self.image_pull_policy != "IfNotPresent":
            raise ValueError(
                f"image_pull_policy={self.image_pull_policy!r}: {where}.runs_in=train_job, and a TrainJob cannot say "
                "it: name images by digest, or set runs_in: step"
            )
        chosen = self.pools[step.pool]
        if step.accelerators is not None and not chosen.gpu:
            raise ValueError(f"{where}.accelerators: the pool {step.pool} has gpu: false")
        if step.accelerators is None and chosen.gpu:
            raise ValueError(f"{where}.pool={step.pool!r} has GPUs but the step asks for no accelerators")
        if step.runs_in == "train_job" and self.pools[step.waits_in].gpu:
            raise ValueError(f"{where}.waits_in={step.waits_in!r} has GPUs; the pod that asks the cache needs none")


def load_placement(path: Path = PLACEMENT, *, image: str | None = None, gpu_image: str | None = None) -> Placement:
    """The placement in the file `path`.

    Parameters
    ----------
    path : YAML.
    image, gpu_image : in place of the file's ones.

    Raises
    ------
    PlacementError
        If the file cannot be read, or a field or an image has a wrong name or value.
    """
    try:
        found = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PlacementError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except NotYaml as error:
        raise PlacementError(f"{path}: is not YAML: {error}") from error
    if not isinstance(found, dict):
        raise PlacementError(f"{path}: is not a mapping of fields")
    options = {"image": image, "gpu_image": gpu_image}
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return Placement.model_validate(found | given)
    except ValidationError as error:
        place = "" if error.errors()[0]["loc"][:1] in {(name,) for name in given} else f"{path}: "
        raise PlacementError(f"{place}{_problem(error)}") from error


def _merged(base: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in override.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    field = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    if problem["type"] == "extra_forbidden":
        return f"{field} is not a field"
    if problem["type"] == "missing":
        return f"{field} is missing"
    if problem["type"] == "value_error":
        return f"{field + ': ' if field else ''}{problem['ctx']['error']}"
    return f"{field}={problem['input']!r}: {problem['msg']}"
