"""The rules of the lints of pipelines and TrainJobs, what they find, and the rules that both keep.

Each rule is a row of what was found in the sources of Kubeflow and by running it (kubeflow/pipelines 2.16 and 2.17);
the text of a finding says what happens there.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.placement import GPU

NO_FILE_SYSTEM = ("s3://", "minio://")
RULES = {
    "parse": "both documents parse strictly as the protos of the spec",
    "schema-version": "schemaVersion is 2.1.0; TFX's default, 2.0.0, is rejected",
    "resolver": "no resolver and no importer executors: 'resolver not implemented yet'",
    "driver": "no container lifecycle: the driver of a file-based ExampleGen is silently ignored",
    "artifacts": "no artifact inputs, which arrive empty, and no artifact types of one's own",
    "uri-scheme": "no s3:// or minio:// for a step: TensorFlow has no such file system",
    "volume": "files that a run form names lie on a volume that the steps mount",
    "pipeline-root": "the pipeline root is gs, s3, minio or oci: KFP's launcher refuses a path on a volume",
    "infra-validator": "no InfraValidator: it starts containers, which a step may not",
    "platform": "placement stands in the platform document, once for every executor",
    "node-id": "names of tasks, components and executors are such that Argo takes them",
    "caching": "KFP's cache is off: TFX caches by content, KFP would by name",
    "accelerator": "an accelerator's type is nvidia.com/gpu: it goes into the pod's limits as it is",
    "gpu-pool": "a GPU step tolerates the taint and is locked to the pool; no other step may go there",
    "retry": "retries have the time for it: the window runs from the first start and cuts the last try short",
    "run-id": "every step gets the id of KFP's run",
    "flat": "one flat graph whose order is known: no conditions, loops or pipelines inside",
    "train-job": "the TrainJob of a step keeps to the same rules",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a compiled pipeline.

    Attributes
    ----------
    rule : one of `RULES`.
    where : path in the documents.
    text : what is wrong and what happens.
    """

    rule: str
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.where}: {self.text}"


def gpu_pool(where: str, gpu: bool, selected: bool, tolerations: Any) -> Iterator[Finding]:
    """Findings on a pod's place: a toleration allows a GPU node, only a selector or a must of affinity locks to it.

    Parameters
    ----------
    gpu : whether the pod asks for GPUs.
    selected : whether it is locked to a pool.
    tolerations : as in a pod's specification.
    """
    tolerates = any(
        entry.get("key") == GPU or (not entry.get("key") and entry.get("operator") == "Exists") for entry in tolerations
    )
    if gpu and not tolerates:
        yield Finding("gpu-pool", where, f"asks for GPUs and does not tolerate {GPU}: it would wait for ever")
    if gpu and not selected:
        yield Finding("gpu-pool", where, "asks for GPUs and is locked to no pool: any GPU node would do")
    if tolerates and not gpu:
        yield Finding("gpu-pool", where, f"tolerates {GPU} and asks for none: it would fill GPU nodes")


def urls(where: str, values: Iterable[Any]) -> Iterator[Finding]:
    """Findings of URLs in the words and settings of a step that it has no file system for."""
    for value in values:
        text = value if isinstance(value, str) else json.dumps(value)
        for scheme in NO_FILE_SYSTEM:
            if scheme in text:
                yield Finding("uri-scheme", where, f"{scheme} in {text[:80]!r}: TensorFlow has no such file system")
