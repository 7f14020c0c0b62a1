"""A lint of TrainJobs (Kubeflow Trainer v2), by the rules of the steps that start them."""

import re
from collections.abc import Mapping
from typing import Any

from pipeline.lint_rules import Finding, gpu_pool, urls
from pipeline.placement import GPU


def lint_train_job(manifest: Mapping[str, Any], *, where: str = "TrainJob") -> list[Finding]:
    """All findings in the manifest of a TrainJob (Trainer v2)."""
    spec = manifest.get("spec", {})
    trainer = spec.get("trainer", {})
    found = []
    name = manifest.get("metadata", {}).get("name", "")
    if manifest.get("kind") != "TrainJob" or not str(manifest.get("apiVersion", "")).startswith(
        "trainer.kubeflow.org/"
    ):
        found.append(Finding("train-job", where, "is no TrainJob of trainer.kubeflow.org"))
    if not re.fullmatch(r"[a-z]([-a-z0-9]{0,48}[a-z0-9])?", name):
        found.append(Finding("train-job", f"{where}.metadata.name", f"{name!r} is no name of hosts below 51 letters"))
    if not spec.get("runtimeRef", {}).get("name"):
        found.append(Finding("train-job", f"{where}.spec.runtimeRef", "names no TrainingRuntime"))
    if not trainer.get("image"):
        found.append(
            Finding("train-job", f"{where}.spec.trainer.image", "is missing: the runtime's one has other code")
        )
    environment = [entry.get("value") for entry in trainer.get("env", ())]
    found += urls(f"{where}.spec.trainer", [*trainer.get("command", ()), *trainer.get("args", ()), *environment])
    limits = trainer.get("resourcesPerNode", {}).get("limits", {})
    for kind in limits:
        if "/" in kind and kind != GPU:
            found.append(Finding("accelerator", f"{where}.spec.trainer.resourcesPerNode", f"{kind!r}: write {GPU}"))
    pods = [
        job.get("template", {}).get("spec", {}).get("template", {}).get("spec", {})
        for patch in spec.get("runtimePatches", ())
        for job in patch.get("trainingRuntimeSpec", {}).get("template", {}).get("spec", {}).get("replicatedJobs", ())
    ]
    pod: dict[str, Any] = {key: value for each in pods for key, value in each.items()}
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    selected = bool(pod.get("nodeSelector")) or required in pod.get("affinity", {}).get("nodeAffinity", {})
    found += gpu_pool(where, GPU in limits, selected, pod.get("tolerations", ()))
    return found
