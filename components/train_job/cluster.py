"""The few calls to the Kubernetes API that a training needs, and one line for each way in which they fail.

The step's service account needs no more than these (``kubeflow/base/rbac.yaml``): create, get, list, patch and
delete TrainJobs; get and list pods; get pods' logs.
"""

import json
import logging
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes  # type: ignore[import-untyped]
import urllib3
from kubernetes.client.exceptions import ApiException  # type: ignore[import-untyped]

from audio.errors import DaCapoError
from components.train_job.addresses import REPLICATED_JOB
from components.train_job.manifest import API_GROUP, API_VERSION, PLURAL

NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
TIMEOUT_S = (10, 60)  # to connect, to read
JOB_SET = "jobset.sigs.k8s.io/jobset-name"
INDEX = "batch.kubernetes.io/job-completion-index"
WEBHOOK = "admission webhook"  # how the API begins what one of them refuses
HOST = "KUBERNETES_SERVICE_HOST"  # set by Kubernetes in every container
POD_NAME = "KFP_POD_NAME"  # set by Kubeflow Pipelines in every step
LOGGER = logging.getLogger("dacapo.train_job")


class ClusterError(DaCapoError):
    """The cluster refuses what a training needs; one line with what to do."""


class Unreachable(RuntimeError):
    """The API did not answer, or not with an answer that means anything: trying again may help."""


@dataclass(frozen=True)
class Pod:
    """A worker's pod.

    Attributes
    ----------
    name, uid : of the pod; a restarted worker has another uid.
    index : of the worker.
    started : whether its container has begun, so that it has logs.
    """

    name: str
    uid: str
    index: int
    started: bool


class Cluster:
    """TrainJobs and their pods in one namespace.

    Parameters
    ----------
    client : of the API.
    namespace : of jobs and pods.
    """

    def __init__(self, client: kubernetes.client.ApiClient, namespace: str) -> None:
        self.namespace = namespace
        self._core = kubernetes.client.CoreV1Api(client)
        self._custom = kubernetes.client.CustomObjectsApi(client)

    def create(self, manifest: dict[str, Any]) -> bool:
        """Creates a TrainJob; False if there is one of this name.

        Raises
        ------
        ClusterError, Unreachable
            As for all calls.
        """
        try:
            self._call("create TrainJobs", self._custom.create_namespaced_custom_object, *self._jobs(), manifest)
        except ApiException:  # 409
            return False
        return True

    def get(self, name: str) -> dict[str, Any] | None:
        """A TrainJob, or None if there is none of this name."""
        try:
            answer: dict[str, Any] = self._call(
                "get TrainJobs", self._custom.get_namespaced_custom_object, *self._jobs(), name, missing=True
            )
        except ApiException:  # 404
            return None
        return answer

    def labelled(self, label: str, value: str) -> list[dict[str, Any]]:
        """TrainJobs whose `label` has this value."""
        answer = self._call(
            "list TrainJobs",
            self._custom.list_namespaced_custom_object,
            *self._jobs(),
            label_selector=f"{label}={value}",
        )
        return list(answer["items"])

    def adopt(self, name: str, owners: list[dict[str, Any]]) -> None:
        """Makes a TrainJob belong to others than before; well if it is not there."""
        change = [{"op": "add", "path": "/metadata/ownerReferences", "value": owners}]
        try:
            self._call(
                "patch TrainJobs",
                self._custom.patch_namespaced_custom_object,
                *self._jobs(),
                name,
                change,
                missing=True,
            )
        except ApiException:  # 404
            return

    def delete(self, name: str) -> None:
        """Asks for a TrainJob and all that belongs to it to be removed; well if it is not there."""
        try:
            self._call(
                "delete TrainJobs",
                self._custom.delete_namespaced_custom_object,
                *self._jobs(),
                name,
                missing=True,
                propagation_policy="Foreground",
            )
        except ApiException:  # 404
            return

    def pods(self, job: str) -> list[Pod]:
        """Pods of a TrainJob's workers, by index."""
        answer = self._call(
            "list pods", self._core.list_namespaced_pod, self.namespace, label_selector=f"{JOB_SET}={job}"
        )
        return sorted(map(_pod, answer.items), key=lambda pod: pod.index)

    def log(self, pod: str, since_s: int | None) -> str:
        """The log of a worker, each line behind its time stamp; empty if the pod is gone or has not begun.

        Parameters
        ----------
        pod : its name.
        since_s : how far back, or None for all.
        """
        since = {} if since_s is None else {"since_seconds": since_s}

        def read(*arguments: Any, **options: Any) -> bytes:
            """The whole log: a connection may also break off in the middle of it."""
            return bytes(self._core.read_namespaced_pod_log(*arguments, _preload_content=False, **options).data)

        try:
            answer: bytes = self._call(
                "get pods/log",
                read,
                pod,
                self.namespace,
                missing=True,
                container=REPLICATED_JOB,
                timestamps=True,
                **since,
            )
        except ApiException:  # 404, or 400 while the container is being created
            return ""
        return answer.decode("utf-8", errors="replace")

    def own_pod(self) -> dict[str, Any] | None:
        """Owner reference to the pod that this process runs in, or None if there is no such pod.

        Kubeflow Pipelines tells steps the name of their pod. The host name is cut at 63 characters, which the names of
        its steps exceed.
        """
        name = os.environ.get(POD_NAME) or socket.gethostname()
        try:
            pod = self._call("get pods", self._core.read_namespaced_pod, name, self.namespace, missing=True)
        except ApiException:  # 404
            LOGGER.warning("namespace %s: there is no pod %s, so no job goes when it goes", self.namespace, name)
            return None
        return {"apiVersion": "v1", "kind": "Pod", "name": pod.metadata.name, "uid": pod.metadata.uid}

    def _jobs(self) -> tuple[str, str, str, str]:
        return API_GROUP, API_VERSION, self.namespace, PLURAL

    def _call(self, what: str, function: Any, *arguments: Any, missing: bool = False, **options: Any) -> Any:
        """Calls the API. ``ApiException`` is left for what callers expect: 409, and with `missing` 404 and 400."""
        try:
            return function(*arguments, _request_timeout=TIMEOUT_S, **options)
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f"the Kubernetes API does not answer: {error}") from error
        except ApiException as error:
            if error.status == 409 or (missing and error.status in (400, 404)):
                raise
            said = _said(error)
            denied = WEBHOOK in said  # by 403, as a missing right is; Trainer's looks into each TrainJob
            if error.status in (401, 403) and not denied:
                raise ClusterError(
                    f"namespace {self.namespace}: this step's service account may not {what} ({error.status}): "
                    "apply kubeflow/base/rbac.yaml and run steps as dacapo-step"
                ) from error
            if error.status == 404:
                raise ClusterError(
                    f"namespace {self.namespace}: the cluster cannot {what} (404): install Kubeflow Trainer v2, or set "
                    "runs_in: step in kubeflow/placement.yaml"
                ) from error
            if error.status in (400, 422) or denied:
                raise ClusterError(f"namespace {self.namespace}: cannot {what}: {said}") from error
            raise Unreachable(f"the Kubernetes API answers {error.status} {error.reason}") from error


def in_cluster(namespace: str | None = None) -> Cluster | None:
    """The cluster that this process runs in, or None outside of one.

    Parameters
    ----------
    namespace : None stands for that of the pod.

    Raises
    ------
    ClusterError
        In a pod that may not talk to the API: one that only waits for a training is no place to train.
    """
    configuration = kubernetes.client.Configuration()
    try:
        kubernetes.config.load_incluster_config(client_configuration=configuration)
    except kubernetes.config.ConfigException as error:
        if os.environ.get(HOST):
            raise ClusterError(
                f"this step has no token for the Kubernetes API ({error}): run steps as dacapo-step, or set "
                "runs_in: step in kubeflow/placement.yaml"
            ) from error
        return None
    return Cluster(
        kubernetes.client.ApiClient(configuration), namespace or NAMESPACE_FILE.read_text(encoding="utf-8").strip()
    )


def _pod(pod: Any) -> Pod:
    statuses = pod.status.container_statuses or []
    started = any(status.state.running or status.state.terminated for status in statuses)
    index = int((pod.metadata.labels or {}).get(INDEX, "0"))
    return Pod(pod.metadata.name, pod.metadata.uid, index, started)


def _said(error: ApiException) -> str:
    """The message in the API's answer."""
    try:
        return " ".join(str(json.loads(error.body)["message"]).split())
    except (KeyError, TypeError, ValueError):
        return str(error.reason)
