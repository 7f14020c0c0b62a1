"""TFX's Evaluator, with a baseline that may know other tags than the candidate.

TFMA 0.52 crashes on a baseline with fewer outputs. So before TFMA sees it, a baseline of another vocabulary is wrapped
into a SavedModel that answers in the candidate's order, and the change thresholds of the tags that it does not know are
taken out of the configuration: a tag is compared where both know it. A tag that the baseline knows and never gives has
an undefined precision, which no candidate falls behind (`trainers.gate_figures`).
"""

import copy
import json
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import executor as tfx_executor
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import json_utils, path_utils, proto_utils

DESCRIPTION = "assets.extra/dacapo.json"
PROBABILITIES = "probabilities"
UNKNOWN = "baseline_unknown.json"


class _Restacked(tf.Module):
    """A baseline whose columns are put in the candidate's order; tags that it does not know answer 0.

    Parameters
    ----------
    baseline : a loaded SavedModel with an ``evaluate`` signature.
    columns : for each of the candidate's tags, the baseline's column, or -1.
    """

    def __init__(self, baseline: Any, columns: list[int]) -> None:
        super().__init__()
        self.baseline = baseline
        self._columns = [max(column, 0) for column in columns]
        self._known = [float(column >= 0) for column in columns]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Probabilities [batch, candidate's tags] of serialized Examples [batch]."""
        answer = self.baseline.signatures["evaluate"](examples=examples)[PROBABILITIES]
        return {PROBABILITIES: tf.gather(answer, self._columns, axis=1) * tf.constant(self._known)}


def describe(model: Path) -> dict[str, Any]:
    """What an export says of itself (``assets.extra/dacapo.json``): task, library, vocabulary, audio specification."""
    description: dict[str, Any] = json.loads((model / DESCRIPTION).read_text(encoding="utf-8"))
    return description


def adapt_baseline(candidate: Path, baseline: Path, folder: Path) -> tuple[Path, tuple[int, ...]]:
    """A baseline that answers in the candidate's vocabulary.

    Returns
    -------
    (Path, tuple[int, ...])
        `baseline` itself or a wrapped model in `folder`, and the candidate's columns that the baseline does not know.
    """
    wanted = describe(candidate)["vocabulary"]
    known = describe(baseline)["vocabulary"]
    if wanted == known:
        return baseline, ()
    columns = [known.index(tag) if tag in known else -1 for tag in wanted]
    module = _Restacked(tf.saved_model.load(str(baseline)), columns)
    tf.saved_model.save(module, str(folder), signatures={"evaluate": module.evaluate})
    return folder, tuple(index for index, column in enumerate(columns) if column < 0)


def without_change_thresholds(config: config_pb2.EvalConfig, class_ids: tuple[int, ...]) -> config_pb2.EvalConfig:
    """A copy of `config` in which the metrics of `class_ids` are compared with no baseline."""
    config = copy.deepcopy(config)
    for spec in config.metrics_specs:
        if not set(spec.binarize.class_ids.values) & set(class_ids):
            continue
        for metric in spec.metrics:
            for gate in metric.per_slice_thresholds:
                gate.threshold.ClearField("change_threshold")
    return config


def unknown_columns(evaluation: Path) -> tuple[int, ...]:
    """The candidate's columns that the baseline of an evaluation does not know; none where there was no baseline."""
    path = evaluation / UNKNOWN
    return tuple(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else ()


class Executor(tfx_executor.Executor):
    """TFX's Evaluator executor behind :func:`adapt_baseline`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates the candidate, beside the baseline where there is one, and writes the blessing."""
        unknown: tuple[int, ...] = ()
        if input_dict.get("baseline_model"):
            input_dict, exec_properties, unknown = self._adapted(input_dict, exec_properties)
        super().Do(input_dict, output_dict, exec_properties)
        evaluation = artifact_utils.get_single_uri(output_dict["evaluation"])
        Path(evaluation, UNKNOWN).write_text(json.dumps(unknown), encoding="utf-8")

    def _adapted(
        self, input_dict: dict[str, list[types.Artifact]], exec_properties: dict[str, Any]
    ) -> tuple[dict[str, list[types.Artifact]], dict[str, Any], tuple[int, ...]]:
        baseline = input_dict["baseline_model"][0]
        folder = Path(self._get_tmp_dir(), "baseline")
        served, unknown = adapt_baseline(
            Path(path_utils.serving_model_path(input_dict["model"][0].uri)),
            Path(path_utils.serving_model_path(baseline.uri)),
            Path(path_utils.serving_model_path(str(folder))),
        )
        if served.is_relative_to(folder):
            baseline = copy.deepcopy(baseline)
            baseline.uri = str(folder)
        config = config_pb2.EvalConfig()
        proto_utils.json_to_proto(exec_properties["eval_config"], config)
        config = without_change_thresholds(config, unknown)
        return (
            {**input_dict, "baseline_model": [baseline]},
            {**exec_properties, "eval_config": proto_utils.proto_to_json(config)},
            unknown,
        )


class EvaluatorSpec(component_spec.ComponentSpec):
    """TFX's Evaluator specification and the hash of the code that evaluates."""

    PARAMETERS = {  # noqa: RUF012
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = standard_component_specs.EvaluatorSpec.INPUTS
    OUTPUTS = standard_component_specs.EvaluatorSpec.OUTPUTS


class Evaluator(base_beam_component.BaseBeamComponent):
    """Evaluates a model on the eval split against ``gate.yaml`` and the model in service.

    Parameters
    ----------
    examples : raw Examples; one a recording in the eval split.
    model, baseline_model : channels of Model; the baseline may be empty.
    schema : of the raw Examples.
    eval_config : metrics, slices and thresholds.
    code : hash of the sources that evaluate; part of the cache key.
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        baseline_model: types.BaseChannel,
        schema: types.BaseChannel,
        eval_config: config_pb2.EvalConfig,
        code: str,
    ) -> None:
        super().__init__(
            spec=EvaluatorSpec(
                examples=examples,
                model=model,
                baseline_model=baseline_model,
                schema=schema,
                eval_config=eval_config,
                example_splits=json_utils.dumps(["eval"]),
                fairness_indicator_thresholds=json_utils.dumps(None),
                code=code,
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )
