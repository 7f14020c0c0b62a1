"""An executor operator for TFX's launcher that runs a Python executor as a Kubeflow ``TrainJob``.

The launcher calls it only after the cache had nothing: a cached step creates no job and wakes no GPU node. Outside of a
cluster the executor runs in this very process.
"""

import logging
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from google.protobuf import message
from tfx.orchestration.portable import base_executor_operator, data_types, python_executor_operator
from tfx.proto.orchestration import executable_spec_pb2, execution_result_pb2

from audio.errors import DaCapoError
from components.train_job import execution
from components.train_job.cluster import Cluster, Unreachable, in_cluster
from components.train_job.manifest import CHECKPOINTS, checkpoints_label, job_name, train_job
from components.train_job.request import TrainJobRequest
from components.train_job.worker_logs import WorkerLogs

LOGGER = logging.getLogger("dacapo.train_job")
PATIENCE_S = 600.0  # how long the API may be away before the step gives up; the job itself goes on meanwhile


class TrainingRefused(DaCapoError):
    """What the user gave is wrong, as a worker found out."""


class TrainJobFailed(RuntimeError):
    """A job, and those after it, did not end well."""


def executor_operators(
    request: TrainJobRequest | None, cluster: Cluster | None = None
) -> dict[type, Callable[..., Any]]:
    """What `pipeline.launch.launch_node` hands to TFX's launcher for a step.

    Parameters
    ----------
    request : the machines to train on; None runs the executor in the step's own container.
    cluster : by default the one that this process runs in, if it does.
    """
    if request is None:
        return {}
    make = partial(TrainJobOperator, request=request, cluster=cluster)
    return {executable_spec_pb2.PythonClassExecutableSpec: make}


class TrainJobOperator(base_executor_operator.BaseExecutorOperator):
    """Creates the job, follows it to its end, and answers what its chief's executor answered.

    A job that failed or vanished is submitted again, `TrainJobRequest.resubmissions` times, and goes on from the
    checkpoint. None is created while another run's job of the same pipeline goes on. A step that was killed and is
    launched again finds its job by name and follows it on. A step that is told to end (SIGTERM: the run was cancelled)
    deletes it.

    Parameters
    ----------
    executor_spec : the executor's class.
    platform_config : not used.
    request, cluster : as `executor_operators` says.
    sleep : waits for some seconds.
    """

    SUPPORTED_EXECUTOR_SPEC_TYPE = [executable_spec_pb2.PythonClassExecutableSpec]  # noqa: RUF012
    SUPPORTED_PLATFORM_CONFIG_TYPE: list[type] = []  # noqa: RUF012

    def __init__(
        self,
        executor_spec: message.Message,
        platform_config: message.Message | None = None,
        *,
        request: TrainJobRequest,
        cluster: Cluster | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(executor_spec, platform_config)
        self._request = request
        self._cluster = cluster or in_cluster(request.namespace)
        self._sleep = sleep

    def run_executor(self, execution_info: data_types.ExecutionInfo) -> execution_result_pb2.ExecutorOutput:
        """Runs the executor on the pool; here where there is no cluster.

        Raises
        ------
        TrainingRefused
            What the user gave is wrong.
        TrainJobFailed
            The job and its successors failed.
        """
        if self._cluster is None:
            LOGGER.info("no Kubernetes here: training in this process")
            return python_executor_operator.PythonExecutorOperator(self._executor_spec).run_executor(execution_info)
        folder = execution.folder_of(execution_info)
        pipeline, run_id = execution_info.pipeline_info.id, str(execution_info.pipeline_run_id)
        node_id = execution_info.pipeline_node.node_info.id
        name = job_name(pipeline, run_id, node_id, folder)
        annotations = {f"dacapo.music/{key}": text for key, text in (("pipeline", pipeline), ("run", run_id))}
        owner = self._answer(self._cluster.own_pod)
        shared = checkpoints_label(node_id, folder)
        manifest = train_job(name, folder, self._request, annotations=annotations, checkpoints=shared, owner=owner)
        execution.write_execution(folder, execution_info, self._executor_spec)
        with _deleted_at_the_end(self._cluster, name):
            return self._run(self._cluster, name, manifest, folder)

    def _run(
        self, cluster: Cluster, name: str, manifest: dict[str, Any], folder: str
    ) -> execution_result_pb2.ExecutorOutput:
        reason = ""
        for attempt in range(1 + self._request.resubmissions):
            if attempt:
                LOGGER.warning("%s: %s; submitted again, %d of %d", name, reason, attempt, self._request.resubmissions)
            self._submit(cluster, manifest, folder)
            reason = self._follow(cluster, name)
            result = execution.read_result(folder)
            if not reason and result is not None:
                return result
            failures = execution.read_failures(folder)
            if failures and failures[0].user:
                raise TrainingRefused(failures[0].line)
            worker = "; ".join(f"worker {failure.index}: {failure.line}" for failure in failures)
            reason = f"{reason or 'it is complete, but its chief left no result'}{f' ({worker})' if worker else ''}"
            self._remove(cluster, name)
        raise TrainJobFailed(f"TrainJob {name} in namespace {cluster.namespace}: {reason}")

    def _submit(self, cluster: Cluster, manifest: dict[str, Any], folder: str) -> None:
        """Creates the job, unless that of an earlier launch of this execution runs on or has ended well."""
        name = manifest["metadata"]["name"]
        there = self._answer(lambda: cluster.get(name))
        if there is not None and not there["metadata"].get("deletionTimestamp") and _condition(there, "Failed") is None:
            LOGGER.info("%s: already there, following it", name)
            if owners := manifest["metadata"].get("ownerReferences"):  # or it would go with the pod that made it
                self._answer(lambda: cluster.adopt(name, owners))
            return
        if there is not None:
            self._remove(cluster, name)
        self._wait_for_others(cluster, manifest)
        execution.clear(folder)
        self._answer(lambda: cluster.create(manifest))
        LOGGER.info("%s: created in namespace %s, %d workers", name, cluster.namespace, self._request.nodes)

    def _wait_for_others(self, cluster: Cluster, manifest: Mapping[str, Any]) -> None:
        """Waits while another run's job trains this pipeline: two chiefs must not write one checkpoint.

        The lock of `pipeline.step` is that of the step's pod. Where that is killed its job goes on, with no lock.
        """
        own, shared = manifest["metadata"]["name"], manifest["metadata"]["labels"][CHECKPOINTS]
        told: set[str] = set()
        while True:
            jobs = self._answer(lambda: cluster.labelled(CHECKPOINTS, shared))
            others = {job["metadata"]["name"] for job in jobs if not _ended(job)} - {own}
            if not others:
                return
            for name in sorted(others - told):
                LOGGER.info("%s: waits for %s, which trains the same pipeline", own, name)
            told |= others
            self._sleep(self._request.poll_s)

    def _follow(self, cluster: Cluster, name: str) -> str:
        """Shows the workers' logs until the job has ended; answers why it did not end well, or nothing.

        Logs that cannot be read end no training: those of a lost node are gone, and the job goes on elsewhere.
        """
        logs, told = WorkerLogs(cluster, name), ""
        while True:
            job = self._answer(lambda: cluster.get(name))
            try:
                _show(logs)
            except Unreachable as error:
                if str(error) != told:
                    LOGGER.warning("%s: logs of a worker are missing: %s", name, error)
                told = str(error)
            if job is None:
                return "it was deleted"
            if (failed := _condition(job, "Failed")) is not None:
                return " ".join(f"it failed: {failed.get('reason', '')}: {failed.get('message', '')}".split())
            if _condition(job, "Complete") is not None:
                return ""
            self._sleep(self._request.poll_s)

    def _remove(self, cluster: Cluster, name: str) -> None:
        """Deletes the job and waits until nothing of it is left: two jobs must not write one checkpoint."""
        self._answer(lambda: cluster.delete(name))
        while self._answer(lambda: cluster.get(name)) is not None or self._answer(lambda: cluster.pods(name)):
            self._sleep(self._request.poll_s)

    def _answer(self, ask: Callable[[], Any]) -> Any:
        """What `ask` answers, asked again while the API is away."""
        waited = 0.0
        while True:
            try:
                return ask()
            except Unreachable as error:
                if waited >= PATIENCE_S:
                    raise
                LOGGER.warning("%s; asking again", error)
            self._sleep(self._request.poll_s)
            waited += self._request.poll_s


def _show(logs: WorkerLogs) -> None:
    for index, line in logs.new_lines():
        LOGGER.info("[worker %d] %s", index, line)


def _condition(job: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """The condition `kind` of a TrainJob where it holds."""
    for condition in job.get("status", {}).get("conditions", []):
        if condition["type"] == kind and condition["status"] == "True":
            found: Mapping[str, Any] = condition
            return found
    return None


def _ended(job: Mapping[str, Any]) -> bool:
    """Whether nothing of a TrainJob runs any more."""
    return any(_condition(job, kind) is not None for kind in ("Complete", "Failed"))


@contextmanager
def _deleted_at_the_end(cluster: Cluster, name: str) -> Iterator[None]:
    """Deletes the job when the block ends, well or not, or when this process is told to end."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        try:
            cluster.delete(name)
        except Unreachable as error:
            LOGGER.warning("TrainJob %s could not be deleted: %s", name, error)
