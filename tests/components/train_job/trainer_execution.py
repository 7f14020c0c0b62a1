"""An execution of TFX's Trainer on the tiny library, as the launcher would hand it to the operator."""

import json
from pathlib import Path
from typing import Any

from tfx.orchestration.portable import data_types
from tfx.proto import trainer_pb2
from tfx.proto.orchestration import executable_spec_pb2, pipeline_pb2
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from tests.trainers.tiny_library import Library

SPEC = executable_spec_pb2.PythonClassExecutableSpec(class_path="tfx.components.trainer.executor.GenericExecutor")


def trainer_execution(library: Library, work: Path, run_id: str = "run", **changes: Any) -> data_types.ExecutionInfo:
    """The Trainer's execution with outputs and checkpoints under `work`; `changes` as `Library.custom_config` takes."""
    examples = standard_artifacts.Examples()
    examples.uri = str(work.parent / "examples")
    examples.split_names = json.dumps(["train", "validation"])
    for split in ("train", "validation"):
        link = Path(examples.uri, f"Split-{split}")
        link.parent.mkdir(exist_ok=True)
        if not link.exists():
            link.symlink_to(library.folder / split)
    graph = standard_artifacts.TransformGraph()
    graph.uri = str(library.folder / "graph")
    model, model_run = standard_artifacts.Model(), standard_artifacts.ModelRun()
    model.uri, model_run.uri = str(work / "model"), str(work / "run")
    node = pipeline_pb2.PipelineNode(node_info=pipeline_pb2.NodeInfo(id="Trainer"))
    config = library.custom_config(checkpoint_root=str(work / "checkpoints"), strategy="auto", **changes)
    for folder in ("temp", "execution"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    return data_types.ExecutionInfo(
        execution_id=1,
        input_dict={"examples": [examples], "transform_graph": [graph]},
        output_dict={"model": [model], "model_run": [model_run]},
        exec_properties={
            "run_fn": "trainers.run.run_fn",
            "train_args": proto_utils.proto_to_json(trainer_pb2.TrainArgs(splits=["train"])),
            "eval_args": proto_utils.proto_to_json(trainer_pb2.EvalArgs(splits=["validation"])),
            "custom_config": json.dumps(config),
        },
        execution_output_uri=str(work / "execution" / "executor_output.pb"),
        tmp_dir=str(work / "temp"),
        pipeline_node=node,
        pipeline_info=pipeline_pb2.PipelineInfo(id="tagging-tones-quick"),
        pipeline_run_id=run_id,
    )
