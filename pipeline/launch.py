"""Launches the nodes of a compiled pipeline, one at a time, and says what became of each.

``LocalDagRunner`` returns nothing, so the run id is bound before, and what a node did is read from ML Metadata after.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from absl import flags
from google.protobuf import message
from ml_metadata.proto import metadata_store_pb2
from tfx import v1 as tfx
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration.local import local_dag_runner, runner_utils
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from pipeline.metadata import open_store

State = Literal["ran", "cached", "resolved", "failed"]
STATES: dict[int, State] = {
    metadata_store_pb2.Execution.COMPLETE: "ran",
    metadata_store_pb2.Execution.CACHED: "cached",
    metadata_store_pb2.Execution.FAILED: "failed",
}


@dataclass(frozen=True)
class NodeResult:
    """What became of one node.

    Attributes
    ----------
    node_id : the node.
    state : ``ran`` (its executor ran), ``cached``, ``resolved`` (a Resolver) or ``failed``.
    duration_s : seconds from start to end.
    execution_id : the execution in ML Metadata.
    """

    node_id: str
    state: State
    duration_s: float
    execution_id: int


class _Handle(metadata.Metadata):
    """TFX's handle, on a store in which runs at the same time do not disturb each other."""

    def __enter__(self) -> Self:
        if self._users == 0:
            self._store = open_store(self._connection_config)
        self._users += 1
        return self


class InputsMissing(RuntimeError):
    """A node whose inputs could not be resolved; TFX says so in its log and goes on."""


def compile_pipeline(pipeline: tfx.dsl.Pipeline, run_id: str) -> pipeline_pb2.Pipeline:
    """TFX's intermediate representation of `pipeline`, bound to `run_id`."""
    ir: pipeline_pb2.Pipeline = compiler.Compiler().compile(pipeline)
    runtime_parameter_utils.substitute_runtime_parameter(ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    return ir


def launch_node(
    ir: pipeline_pb2.Pipeline,
    node_id: str,
    connection: message.Message,
    executor_operators: Mapping[type, Callable[..., Any]] | None = None,
) -> NodeResult:
    """Prepares and launches one node: driver, cache check, executor, publisher.

    Parameters
    ----------
    ir : a compiled pipeline with its run id bound.
    node_id : one of its nodes.
    connection : ML Metadata connection configuration.
    executor_operators : makers of executor operators by executable specification, in place of TFX's own
        (`components.train_job.executor_operator.executor_operators`).

    Raises
    ------
    InputsMissing
        If an input could not be resolved, since an earlier node of the run did not produce it.
    Exception
        Whatever the executor raises; the execution is then marked as failed.
    """
    # A batch bounded in bytes: by default a thousand records at once go to Transform, StatisticsGen and the Evaluator.
    flags.FLAGS.set_default("tfxio_use_byte_size_batching", True)
    node = next(n.pipeline_node for n in ir.nodes if n.pipeline_node.node_info.id == node_id)
    deployment = runner_utils.extract_local_deployment_config(ir)
    start = time.monotonic()
    info = launcher.Launcher(
        pipeline_node=node,
        mlmd_connection=_Handle(connection),
        pipeline_info=ir.pipeline_info,
        pipeline_runtime_spec=ir.runtime_spec,
        executor_spec=runner_utils.extract_executor_spec(deployment, node_id),
        custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
        custom_executor_operators=dict(executor_operators or {}),
    ).launch()
    duration_s = time.monotonic() - start
    if info is None or not info.execution_id:
        raise InputsMissing(f"{node_id}: its inputs are not there")
    with _Handle(connection) as handle:
        (execution,) = handle.store.get_executions_by_id([info.execution_id])
    resolver = node.node_info.type.name.endswith("Resolver")
    state: State = STATES.get(execution.last_known_state, "failed")
    if state == "failed":
        raise InputsMissing(f"{node_id}: its inputs could not be resolved")
    return NodeResult(node_id, "resolved" if resolver else state, duration_s, info.execution_id)


class DagRunner(local_dag_runner.LocalDagRunner):
    """TFX's LocalDagRunner, which tells a listener what it does.

    Parameters
    ----------
    started : called with the id of a node before it is launched.
    finished : called with the result of a node.
    """

    def __init__(self, started: Callable[[str], None], finished: Callable[[NodeResult], None]) -> None:
        super().__init__()
        self._started = started
        self._finished = finished

    def run_with_ir(self, pipeline: pipeline_pb2.Pipeline, run_options: pipeline_pb2.RunOptions | None = None) -> None:
        """Launches every node in order; the first exception ends the run."""
        deployment = runner_utils.extract_local_deployment_config(pipeline).metadata_connection_config
        connection = getattr(deployment, deployment.WhichOneof("connection_config"))
        for node in pipeline.nodes:
            node_id = node.pipeline_node.node_info.id
            self._started(node_id)
            self._finished(launch_node(pipeline, node_id, connection))
