"""TFX pipeline -> TFX IR -> Kubeflow Pipelines v2: one container a node, in the order of the graph.

TFX's own ``KubeflowV2DagRunner`` targets a managed service; open-source Kubeflow Pipelines rejects or ignores much of
what it compiles (`pipeline.lint_rules` lists it). Here Kubeflow only orders and places containers; what a node
means stays TFX's: every container is ``python -m pipeline.run_node``, which lets TFX's launcher run that node.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kfp.compiler
from kfp import dsl, kubernetes
from kfp.dsl import PipelineTask
from kfp.dsl.structures import RetryPolicy
from kfp.pipeline_spec import pipeline_spec_pb2

from audio.errors import DaCapoError
from catalog.folder import make_folder
from components.source_hash import source_hash
from pipeline.beam import Beam
from pipeline.graph import create_pipeline
from pipeline.kubeflow_lint import PATHS, on_a_mount
from pipeline.launch import compile_pipeline
from pipeline.placement import Placement, Step
from pipeline.settings import Metadata, Settings
from pipeline.step import EVALUATOR, PUSHER

INFRA_VALIDATOR = "InfraValidator"
PYTHON = ("python", "-m", "pipeline.run_node")
SHARED_MEMORY = "/dev/shm"
PARAMETERS = {
    "catalog": "Catalog file as the steps see it; empty: the one of the library in the home folder.",
    "profile": "Audio and hyperparameters of the task: quick or full.",
    "steps": "Training steps at most; 0: as the profile says.",
    "warm_start": "none, latest, a served version, or published weights of the task (tagging: musicnn).",
    "overrides": 'Settings by dotted name, {"train.learning_rate": 0.001}; not task, library, home, metadata.',
    "resume": "Run id to go on with; empty: a run of its own.",
}
"""Settings that leave the graph's shape as it is: parameters of the run form, the compiled settings being defaults."""


class NotForKubeflow(DaCapoError):
    """A pipeline that cannot run on Kubeflow Pipelines."""


@dataclass(frozen=True)
class Node:
    """A node of the graph.

    Attributes
    ----------
    id : in TFX.
    kind : its type without module path.
    upstream : ids of the nodes that must end before.
    """

    id: str
    kind: str
    upstream: tuple[str, ...]

    @property
    def task_name(self) -> str:
        """Its name in Kubeflow Pipelines, which Argo accepts: ``[a-zA-Z0-9][-a-zA-Z0-9]*``."""
        return argo_name(self.id)


def argo_name(node_id: str) -> str:
    """`node_id` in letters that Argo accepts, lower case as KFP writes names."""
    return "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in node_id).strip("-").lower()


def nodes(settings: Settings) -> tuple[Node, ...]:
    """The nodes of the graph in order, from TFX's intermediate representation.

    Only the shape is wanted: nothing of the home folder or of the metadata store of `settings` is touched.

    Raises
    ------
    DaCapoError
        If the vocabulary, the gate or the schema cannot be used, or Kubeflow cannot run a node.
    """
    with tempfile.TemporaryDirectory() as folder:
        here = {"home": Path(folder), "metadata": Metadata(), "beam": Beam(), "warm_start": "none"}
        ir = compile_pipeline(create_pipeline(settings.model_copy(update=here)), "shape")
    found = []
    for entry in ir.nodes:
        node = entry.pipeline_node
        kind = node.node_info.type.name.rsplit(".", 1)[-1]
        if kind == INFRA_VALIDATOR:
            raise NotForKubeflow(f"{node.node_info.id}: an InfraValidator starts containers, which a step may not")
        found.append(Node(node.node_info.id, kind, tuple(node.upstream_nodes)))
    names = [node.task_name for node in found]
    if len(set(names)) < len(names):
        raise NotForKubeflow(f"two nodes have one name in Kubeflow Pipelines: {', '.join(sorted(names))}")
    return tuple(found)


def compile_to(
    path: Path,
    settings: Settings,
    placement: Placement,
    *,
    name: str | None = None,
    code: str | None = None,
    graph: Sequence[Node] | None = None,
) -> Path:
    """Writes the pipeline as two YAML documents: pipeline spec 2.1.0 and Kubernetes platform spec.

    Parameters
    ----------
    path : of the file, ending in ``.yaml``.
    settings : of the runs; their paths are the containers'.
    placement : where and how steps run.
    name : of the pipeline in Kubeflow; by default ``<task>-<library>``.
    code : hash that the image must have; by default that of the code beside this module.
    graph : by default the `nodes` of `settings`, whose schemas must then be on this machine.

    Returns
    -------
    Path
        `path`.
    """
    if path.suffix != ".yaml":
        raise NotForKubeflow(f"output={str(path)!r} does not end in .yaml")
    mounts = [volume.mount for volume in placement.volumes]
    for setting, given in (("home", settings.home), *((path, getattr(settings, path)) for path in PATHS)):
        if given is None:
            continue
        if ":" in str(given):
            raise NotForKubeflow(f"{setting}={str(given)!r} is no path that a container can mount")
        if not on_a_mount(given, mounts):
            mounted = ", ".join(mounts) or "none"
            raise NotForKubeflow(f"{setting}={str(given)!r} lies on no volume of the placement (mounted: {mounted})")
    if settings.beam.runner == "dataflow":
        raise NotForKubeflow(
            "beam.runner='dataflow': the home folder lies on a volume of the cluster, and Dataflow's machines, "
            "which would read and write it, mount none; use direct, flink or spark"
        )
    if settings.metadata.store == "sqlite":
        raise NotForKubeflow(
            "metadata.store='sqlite': containers on several machines need metadata.store=mysql "
            "(--set metadata.store=mysql --set metadata.host=...)"
        )
    return write_pipeline(path, graph or nodes(settings), settings, placement, name=name, code=code)


def write_pipeline(
    path: Path,
    graph: Sequence[Node],
    settings: Settings,
    placement: Placement,
    *,
    name: str | None = None,
    code: str | None = None,
) -> Path:
    """As `compile_to`, for the nodes in `graph`."""
    make_folder(path.parent)
    # The run form says train.steps and the catalog: were they here too, its 0 would not mean the profile's, nor nothing
    # the library's own.
    train = {name: value for name, value in settings.train.items() if name != "steps"}
    base = settings.model_copy(update={"train": train, "catalog": None}).model_dump_json(exclude_none=True)
    hashed = code or source_hash()

    def steps(
        catalog: str = str(settings.catalog or ""),
        profile: str = settings.profile,
        steps: int = int(settings.train.get("steps", 0)),
        warm_start: str = settings.warm_start,
        overrides: dict = {},  # noqa: B006 (KFP reads it, nobody writes it)
        resume: str = "",
    ) -> None:
        form = {"catalog": catalog, "profile": profile, "steps": steps, "warm_start": warm_start}
        form |= {"overrides": overrides, "resume": resume}
        tasks: dict[str, PipelineTask] = {}
        for node in graph:
            step = placement.step(settings.task, node.id)
            component = _component(node, step, base, hashed, placement)
            task = tasks[node.id] = component(run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER, **form)
            _trusted(task)
            task.after(*(tasks[upstream] for upstream in node.upstream))
            task.set_display_name(node.id)
            task.set_caching_options(False)  # TFX caches, by content; KFP would by name
            blocked = node.kind == PUSHER and placement.blocked_model == "fail"
            if not blocked:  # or a blocked model would be blocked again, retry.times times
                _retry(task, step)
            _place(task, step, placement)

    # The run form shows what a parameter is for, which KFP reads from here.
    told = (f"  {parameter}: {text}" for parameter, text in PARAMETERS.items())
    steps.__doc__ = "\n".join([f"Retrains {settings.task} on {settings.library}.", "", "Args:", *told])
    pipeline: Any = dsl.pipeline(name=name or f"{settings.task}-{settings.library}")(steps)
    kfp.compiler.Compiler().compile(pipeline, str(path))
    return path


def _component(node: Node, step: Step, base: str, code: str, placement: Placement) -> Callable[..., PipelineTask]:
    """The container of one node, as a component of that name."""
    request = placement.train_job(step)
    fixed = ["--settings", base, "--node", node.id, "--code", code]
    if request is not None:
        fixed += ["--train-job", request.model_dump_json(exclude_none=True)]
    if node.kind == PUSHER and placement.blocked_model == "succeed":
        fixed += ["--unblessed-exit", "0"]
    image = placement.image_of(step)

    def container(form: dict[str, Any], outputs: list[Any]) -> dsl.ContainerSpec:
        given = [part for option, value in form.items() for part in (f"--{option.replace('_', '-')}", value)]
        return dsl.ContainerSpec(image=image, command=list(PYTHON), args=[*fixed, *given, *outputs])

    if node.kind == EVALUATOR:

        def telling(
            run_id: str,
            catalog: str,
            profile: str,
            steps: int,
            warm_start: str,
            overrides: dict,
            resume: str,
            metrics: dsl.Output[dsl.Metrics],
            page: dsl.Output[dsl.HTML],
        ) -> dsl.ContainerSpec:
            form = {"run_id": run_id, "catalog": catalog, "profile": profile, "steps": steps, "warm_start": warm_start}
            form |= {"overrides": overrides, "resume": resume}
            return container(form, ["--metrics", metrics.path, "--page", page.path, "--executor-input", "{{$}}"])

        function: Callable[..., Any] = telling
    else:

        def silent(
            run_id: str, catalog: str, profile: str, steps: int, warm_start: str, overrides: dict, resume: str
        ) -> dsl.ContainerSpec:
            form = {"run_id": run_id, "catalog": catalog, "profile": profile, "steps": steps, "warm_start": warm_start}
            return container(form | {"overrides": overrides, "resume": resume}, [])

        function = silent
    function.__name__ = node.task_name
    component: Callable[..., PipelineTask] = dsl.container_component(function)
    return component


def _trusted(task: Any) -> None:
    """Takes KFP's word that `task` is a container.

    Every setter asks, and for the words of an error that never comes kfp 2.16 reads the source of each frame above it:
    seven eighths of the time that compiling takes.
    """
    task._ensure_container_spec_exists = lambda: None


class _WholeWindow(RetryPolicy):
    """A retry policy whose window is what it says: kfp 2.16 cuts it to one hour (kubeflow/pipelines #13452)."""

    def to_proto(self) -> pipeline_spec_pb2.PipelineTaskSpec.RetryPolicy:
        policy = super().to_proto()
        policy.backoff_max_duration.FromJsonString(self.backoff_max_duration)
        return policy


def _retry(task: PipelineTask, step: Step) -> None:
    """Argo counts ``backoffMaxDuration`` from the first start, running included; what is over it is not tried again."""
    retry = step.retry
    window = f"{step.retry_window_s}s"
    task._task_spec.retry_policy = _WholeWindow(retry.times, retry.backoff, retry.factor, window)


def _place(task: PipelineTask, step: Step, placement: Placement) -> None:
    """Says on the Kubernetes platform where a step's own pod runs, and what it gets."""
    asks = step.runs_in == "train_job"  # then the pod only asks the cache, and waits for the job
    pool = placement.pools[step.waits_in if asks else step.pool]
    resources = step.waits_with if asks else step.resources
    task.set_cpu_request(resources.cpu).set_memory_request(resources.memory).set_memory_limit(resources.memory)
    if resources.cpu_limit is not None:
        task.set_cpu_limit(resources.cpu_limit)
    if step.accelerators is not None and not asks:
        task.set_accelerator_type(step.accelerators.type).set_accelerator_limit(step.accelerators.count)
    for variable, value in step.env.items():
        task.set_env_variable(variable, value)
    for label, value in pool.node_selector.items():
        kubernetes.add_node_selector(task, label, value)
    for toleration in pool.tolerations:
        kubernetes.add_toleration(
            task, key=toleration.key, operator=toleration.operator, value=toleration.value, effect=toleration.effect
        )
    if musts := [expression.manifest() for expression in pool.affinity if expression.weight is None]:
        kubernetes.add_node_affinity(task, match_expressions=musts)  # one term: Kubernetes ORs terms
    for wish in (expression for expression in pool.affinity if expression.weight is not None):
        kubernetes.add_node_affinity(task, match_expressions=[wish.manifest()], weight=wish.weight)
    for volume in placement.volumes:
        kubernetes.mount_pvc(task, volume.claim, volume.mount, volume.sub_path)
    for secret in placement.secrets:
        kubernetes.use_secret_as_env(task, secret.secret, secret.keys)
    if step.shared_memory is not None and not asks:
        kubernetes.empty_dir_mount(task, "shared-memory", SHARED_MEMORY, "Memory", step.shared_memory)
    kubernetes.set_timeout(task, step.timeout_s)
    kubernetes.set_image_pull_policy(task, placement.image_pull_policy)
    if placement.image_pull_secrets:
        kubernetes.set_image_pull_secrets(task, list(placement.image_pull_secrets))
    kubernetes.set_security_context(task, placement.user, placement.group, run_as_non_root=True)
    for label, value in placement.labels.items():
        kubernetes.add_pod_label(task, label, value)
