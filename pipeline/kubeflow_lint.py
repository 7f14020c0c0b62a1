"""A lint of compiled pipelines: what open-source Kubeflow Pipelines v2 rejects, or worse, silently ignores.

`pipeline.lint_rules.RULES` lists the rules.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from google.protobuf import json_format, message
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

from audio.errors import DaCapoError
from catalog.yaml_text import NotYaml, read_documents
from components.train_job.manifest import train_job
from pipeline.lint_rules import Finding, gpu_pool, urls
from pipeline.placement import GPU
from pipeline.run_node import train_job_of
from pipeline.settings import SettingsError
from pipeline.train_job_lint import lint_train_job

SCHEMA_VERSION = "2.1.0"
ARGO_NAME = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*")
RUN_ID = "{{$.pipeline_job_uuid}}"
LOOKED_AT = ("system.Metrics", "system.ClassificationMetrics", "system.HTML", "system.Markdown")
"""Artifacts that people look at and no step reads."""
ROOTS = ("gs://", "s3://", "minio://", "oci://")
PATHS = ("catalog", "schemas")
"""Settings of a run that name files which the steps read."""
PLATFORM = "platforms.kubernetes.deploymentSpec.executors"
_NO_MESSAGE = (json_format.Error, TypeError, AttributeError, OverflowError, RecursionError)
"""What protobuf raises: beside its own, of a list where a mapping belongs, a number too large, an alias of itself."""


class NotAPipeline(DaCapoError):
    """A file that is no compiled pipeline."""


class Unparsed(Exception):
    """A document that is none of its proto.

    Attributes
    ----------
    finding : what is wrong with it.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def lint_file(path: Path) -> list[Finding]:
    """All findings in the compiled pipeline `path`.

    Raises
    ------
    NotAPipeline
        If it cannot be read as YAML documents.
    """
    return lint(*documents_of(path))


def documents_of(path: Path) -> list[dict[str, Any]]:
    """The documents of a compiled pipeline as they stand in the file.

    Raises
    ------
    NotAPipeline
        If it cannot be read as YAML documents.
    """
    try:
        documents = read_documents(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotAPipeline(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, NotYaml) as error:
        raise NotAPipeline(f"{path}: is not YAML: {error}") from error
    if not documents or not all(isinstance(document, dict) for document in documents):
        raise NotAPipeline(f"{path}: holds no pipeline")
    return documents


def lint(spec: Mapping[str, Any], *platforms: Mapping[str, Any]) -> list[Finding]:
    """All findings in a pipeline spec and its platform documents."""
    if len(platforms) != 1:
        return [Finding("platform", "documents", f"{1 + len(platforms)} documents, not pipeline and platform spec")]
    try:
        spec, platform = as_kubeflow_reads(spec, platforms[0])
    except Unparsed as error:
        return [error.finding]
    found = list(_named_graph(spec))
    if found:
        return found  # the rules below trust that there is a graph
    executors = dict(spec.get("deploymentSpec", {}).get("executors", {}))
    placed = _executors(platform)
    found += _document(spec)
    found += _defaults(spec, mounts_of(platform))
    for name, component in spec.get("components", {}).items():
        found += _component(f"components.{name}", component)
    for name, task in spec["root"].get("dag", {}).get("tasks", {}).items():
        found += _task(f"root.dag.tasks.{name}", name, task, spec)
        found += _retries(f"root.dag.tasks.{name}", task, placed.get(_label(task, spec), {}))
    for label in placed:
        if label not in executors:
            found.append(Finding("platform", f"{PLATFORM}.{label}", "no executor has this label, so it is ignored"))
    for label, executor in executors.items():
        found += _executor(f"deploymentSpec.executors.{label}", label, executor, placed.get(label))
    return found


def as_kubeflow_reads(spec: Mapping[str, Any], platform: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Pipeline and platform spec as protobuf reads them: every field of its type, those that are there and empty left
    out.

    Raises
    ------
    Unparsed
        One of them does not parse strictly as its proto.
    """
    read = _parsed("pipeline spec", spec, pipeline_spec_pb2.PipelineSpec())
    config = pipeline_spec_pb2.PipelineDeploymentConfig()
    read["deploymentSpec"] = _parsed("deploymentSpec", read.get("deploymentSpec", {}), config)
    placed = _parsed("platform spec", platform, pipeline_spec_pb2.PlatformSpec())
    for label, executor in (executors := _executors(placed)).items():
        kubernetes = kubernetes_executor_config_pb2.KubernetesExecutorConfig()
        executors[label] = _parsed(f"{PLATFORM}.{label}", executor, kubernetes)
    return read, placed


def _named_graph(spec: Mapping[str, Any]) -> Iterator[Finding]:
    if not spec.get("root", {}).get("dag"):
        yield Finding("parse", "root", "there is no graph: this is no pipeline but a part of one, or another file")
    if not spec.get("pipelineInfo", {}).get("name"):
        yield Finding("parse", "pipelineInfo.name", "is missing: Kubeflow has no name for it")


def _without_nulls(document: Any) -> Any:
    """`document` as protobuf reads it: null is what is not there."""
    if isinstance(document, list):
        return [_without_nulls(entry) for entry in document]
    if isinstance(document, dict):
        return {key: _without_nulls(value) for key, value in document.items() if value is not None}
    return document


def _parsed(where: str, document: Any, into: message.Message) -> dict[str, Any]:
    try:
        json_format.ParseDict(_without_nulls(document), into, ignore_unknown_fields=False)
        return json_format.MessageToDict(into)
    except _NO_MESSAGE as error:
        raise Unparsed(Finding("parse", where, " ".join(str(error).split()))) from error


def _executors(platform: Mapping[str, Any]) -> dict[str, Any]:
    deployment = platform.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {})
    found: dict[str, Any] = deployment.get("executors", {})
    return found


def _document(spec: Mapping[str, Any]) -> Iterator[Finding]:
    version = spec.get("schemaVersion", "")
    if version != SCHEMA_VERSION:
        yield Finding("schema-version", "schemaVersion", f"{version!r} is rejected, {SCHEMA_VERSION} is accepted")
    yield from _root("defaultPipelineRoot", spec.get("defaultPipelineRoot", ""))


def _defaults(spec: Mapping[str, Any], mounts: Sequence[str]) -> Iterator[Finding]:
    for name, parameter in spec["root"].get("inputDefinitions", {}).get("parameters", {}).items():
        yield from _parameter(f"root.inputDefinitions.parameters.{name}", name, parameter.get("defaultValue"), mounts)


def _parameter(where: str, name: str, value: Any, mounts: Sequence[str]) -> Iterator[Finding]:
    """Findings in one value of the run form; ``overrides`` holds settings by dotted name, of which some are paths."""
    found = list(urls(where, [value]))
    more = value.items() if name == "overrides" and isinstance(value, dict) else ()
    for setting, path in ((name, value), *more):
        if setting not in PATHS or not isinstance(path, str) or not path or found:
            continue
        if "://" in path:
            found.append(
                Finding("uri-scheme", where, f"{setting}={path!r} is a URL: steps read files of their volumes")
            )
        elif not on_a_mount(path, mounts):
            mounted = ", ".join(mounts) or "none"
            found.append(Finding("volume", where, f"{setting}={path!r} lies on no volume of the steps ({mounted})"))
    yield from found


def lint_run(parameters: Mapping[str, Any], pipeline_root: str | None, mounts: Sequence[str]) -> list[Finding]:
    """All findings in what a run is given beside the pipeline.

    Parameters
    ----------
    parameters : values of the run form by name.
    pipeline_root : where Kubeflow keeps metrics and pages, or None.
    mounts : folders at which the steps' volumes are mounted (`mounts_of`).
    """
    found = list(_root("--pipeline-root", pipeline_root or ""))
    for name, value in parameters.items():
        found += _parameter(f"--parameter {name}", name, value, mounts)
    return found


def mounts_of(platform: Mapping[str, Any]) -> tuple[str, ...]:
    """Folders at which every step of a platform document mounts a volume."""
    steps = [
        [mount.get("mountPath", "") for mount in placed.get("pvcMount", ())] for placed in _executors(platform).values()
    ]
    return tuple(
        path for path in dict.fromkeys(path for paths in steps for path in paths) if all(path in s for s in steps)
    )


def on_a_mount(path: Path | str, mounts: Iterable[str]) -> bool:
    """Whether `path` lies at or below one of the folders `mounts`."""
    return any(Path(os.path.normpath(path)).is_relative_to(mount) for mount in mounts)


def _root(where: str, root: str) -> Iterator[Finding]:
    if root and not root.startswith(ROOTS):
        yield Finding("pipeline-root", where, f"{root!r} is refused by the launcher: use {', '.join(ROOTS)}")


def _component(where: str, component: Mapping[str, Any]) -> Iterator[Finding]:
    name = where.removeprefix("components.")
    if not ARGO_NAME.fullmatch(name):
        yield Finding("node-id", where, f"{name!r} is refused by Argo: letters, digits and '-'")
    if "dag" in component:
        yield Finding("flat", where, "is a pipeline inside: kfp.local runs its branches whatever their condition")
    for artifact in component.get("inputDefinitions", {}).get("artifacts", {}):
        yield Finding("artifacts", where, f"takes the artifact {artifact!r}: it arrives empty, 'Could not import'")
    for artifact, output in component.get("outputDefinitions", {}).get("artifacts", {}).items():
        kind = output.get("artifactType", {})
        title = kind.get("schemaTitle", kind.get("schemaUri") or "a schema of its own")
        if title not in LOOKED_AT:
            yield Finding("artifacts", where, f"writes {artifact!r} as {title}, which the next step cannot read")


def _task(where: str, name: str, task: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Finding]:
    if not ARGO_NAME.fullmatch(name):
        yield Finding("node-id", where, f"{name!r} is refused by Argo: letters, digits and '-'")
    if task.get("cachingOptions", {}).get("enableCache"):
        yield Finding("caching", where, "KFP would skip the step although the data behind an equal name changed")
    for field in ("triggerPolicy", "parameterIterator", "artifactIterator"):
        if task.get(field):
            yield Finding("flat", where, f"has a {field}: steps after it would not know whether it ran")
    for other in task.get("dependentTasks", ()):
        if other not in spec["root"]["dag"]["tasks"]:
            yield Finding("flat", where, f"comes after {other!r}, which is no task")
    parameters = task.get("inputs", {}).get("parameters", {})
    constants = [p.get("runtimeValue", {}).get("constant") for p in parameters.values()]
    yield from urls(where, constants)
    if _label(task, spec) and RUN_ID not in constants:
        yield Finding("run-id", where, f"is not given {RUN_ID}: it would not find what the steps before it wrote")


def _label(task: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    """The executor of a task, or nothing."""
    component = spec.get("components", {}).get(task.get("componentRef", {}).get("name", ""), {})
    return str(component.get("executorLabel", ""))


def _retries(where: str, task: Mapping[str, Any], placed: Mapping[str, Any]) -> Iterator[Finding]:
    """``backoffMaxDuration`` is Argo's ``maxDuration``: of all tries and waits together, from the first start."""
    policy = task.get("retryPolicy", {})
    tries, timeout = 1 + int(policy.get("maxRetryCount", 0)), int(placed.get("activeDeadlineSeconds", 0))
    window = float(str(policy.get("backoffMaxDuration", "0s")).removesuffix("s"))
    if tries > 1 and window < tries * timeout:
        yield Finding(
            "retry", where, f"{tries} tries of {timeout} s in {window:.0f} s: later ones are cut or never made"
        )


def _executor(
    where: str, label: str, executor: Mapping[str, Any], placed: Mapping[str, Any] | None
) -> Iterator[Finding]:
    if not ARGO_NAME.fullmatch(label):
        yield Finding("node-id", where, f"{label!r} is refused by Argo: letters, digits and '-'")
    for kind in ("resolver", "importer", "customJob"):
        if kind in executor:
            yield Finding("resolver", where, f"is a {kind}: '{kind} not implemented yet' or nothing at all happens")
    if not executor:
        yield Finding("parse", where, "is empty: there is nothing to run")
    container = executor.get("container")
    if container is None:
        return
    if "lifecycle" in container:
        yield Finding("driver", where, "has a lifecycle (TFX's driver), which is ignored: changed data hits the cache")
    words = [*container.get("command", ()), *container.get("args", ())]
    if any("InfraValidator" in word for word in words):
        yield Finding("infra-validator", where, "TFX's InfraValidator starts containers of its own")
    yield from urls(where, [*words, *(entry.get("value") for entry in container.get("env", ()))])
    accelerator = container.get("resources", {}).get("accelerator", {})
    kind = accelerator.get("resourceType") or accelerator.get("type")
    if accelerator and kind != GPU:
        yield Finding("accelerator", where, f"{kind!r} goes into the pod's limits as it is: write {GPU}")
    if placed is None:
        yield Finding("platform", where, f"is not in {PLATFORM}: no pool, no volume, no timeout")
        return
    if not placed.get("pvcMount"):
        yield Finding("platform", f"{PLATFORM}.{label}", "mounts no volume: the steps share their files on one")
    selected = bool(placed.get("nodeSelector", {}).get("labels")) or any(
        "weight" not in term for term in placed.get("nodeAffinity", ())
    )
    yield from gpu_pool(f"{PLATFORM}.{label}", bool(accelerator), selected, placed.get("tolerations", ()))
    for given, value in pairwise(words):
        if given == "--train-job":
            try:
                request = train_job_of(value)
            except SettingsError as error:
                yield Finding("train-job", where, str(error))
                continue
            manifest = train_job("train-lint", "/lint", request, annotations={})
            yield from lint_train_job(manifest, where=f"{where}.train-job")
