"""A pipeline of one step, launched as run_node launches the Trainer: driver, cache, executor operator, publisher."""

from pathlib import Path
from typing import Any

from tfx import types
from tfx import v1 as tfx
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts

from audio.errors import DaCapoError
from components.train_job.cluster import Cluster
from components.train_job.executor_operator import executor_operators
from components.train_job.request import TrainJobRequest
from pipeline.launch import NodeResult, compile_pipeline, launch_node


class Executor(base_executor.BaseExecutor):
    """Writes its answer, or finds fault with it."""

    def Do(self, input_dict: Any, output_dict: Any, exec_properties: dict[str, Any]) -> None:
        if exec_properties["answer"] == "mistaken":
            raise DaCapoError("answer=mistaken is no answer")
        Path(artifact_utils.get_single_uri(output_dict["model"]), "answer").write_text(exec_properties["answer"])


class StepSpec(component_spec.ComponentSpec):
    PARAMETERS = {"answer": component_spec.ExecutionParameter(type=str)}  # noqa: RUF012
    INPUTS: dict[str, Any] = {}  # noqa: RUF012
    OUTPUTS = {"model": component_spec.ChannelParameter(type=standard_artifacts.Model)}  # noqa: RUF012


class Step(base_component.BaseComponent):
    SPEC_CLASS = StepSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, answer: str) -> None:
        super().__init__(spec=StepSpec(answer=answer, model=types.Channel(type=standard_artifacts.Model)))


def launch(
    home: Path, run_id: str, cluster: Cluster | None, *, answer: str = "42", **request: Any
) -> tuple[NodeResult, Path]:
    """Launches the step; gives what became of it and the folder of its outputs."""
    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(home / "metadata.sqlite"))
    ir = compile_pipeline(
        tfx.dsl.Pipeline(
            pipeline_name="one-step",
            pipeline_root=str(home / "root"),
            components=[Step(answer)],
            enable_cache=True,
            metadata_connection_config=connection,
        ),
        run_id,
    )
    wanted = TrainJobRequest(image="dacapo:cuda", **({"poll_s": 0.02} | request))
    return launch_node(ir, "Step", connection, executor_operators(wanted, cluster)), home / "root" / "Step"
