"""What TFMA was asked: outputs, metrics and thresholds, from the EvalConfig that it keeps beside its results.

So a page shows the gate that its run was evaluated with, also after ``gate.yaml`` was edited.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import json_format
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator import describe

EVAL_CONFIG = "eval_config.json"
COUNT = "example_count"
Key = tuple[str, str]
"""An output as TFMA's results name it: the model's output, and ``classId:<i>`` where one column of it is meant."""


@dataclass(frozen=True)
class Asked:
    """What a metric must reach; None where nothing is asked.

    Attributes
    ----------
    floor : lowest value that passes.
    drop : largest loss against the model in service that passes.
    """

    floor: float | None = None
    drop: float | None = None


@dataclass(frozen=True)
class Questions:
    """An evaluation's questions.

    Attributes
    ----------
    candidate, baseline : names of the models in TFMA's results. A candidate that is alone has none.
    asked : output -> metric -> what it must reach; in the order of the configuration.
    names : what the model calls its outputs: tags where it has a column a tag.
    """

    candidate: str | None
    baseline: str | None
    asked: Mapping[Key, Mapping[str, Asked]]
    names: Mapping[Key, str]


def read_questions(folder: Path) -> Questions:
    """Reads the EvalConfig in a ModelEvaluation artifact."""
    run = json_format.Parse((folder / EVAL_CONFIG).read_text(encoding="utf-8"), config_pb2.EvalRun())
    models = {spec.is_baseline: spec.name for spec in run.eval_config.model_specs}
    baseline = models.get(True)
    exports = [Path(path) for name, path in run.model_locations.items() if name != baseline]
    vocabulary = _vocabulary(exports[0]) if exports else []
    asked: dict[Key, dict[str, Asked]] = {}
    for spec in run.eval_config.metrics_specs:
        metrics = {_name(metric): _asked(metric) for metric in spec.metrics if _name(metric) != COUNT}
        columns = [f"classId:{index}" for index in spec.binarize.class_ids.values] or [""]
        for key in [(output, column) for output in spec.output_names or [""] for column in columns]:
            if metrics:
                asked.setdefault(key, {}).update(metrics)
    return Questions(
        candidate=None if baseline is None else models[False],
        baseline=baseline,
        asked=asked,
        names={key: _output(key, vocabulary) for key in asked},
    )


def _name(metric: config_pb2.MetricConfig) -> str:
    named = json.loads(metric.config or "{}").get("name")
    return str(named or re.sub(r"(?<!^)(?=[A-Z])", "_", metric.class_name).lower())


def _asked(metric: config_pb2.MetricConfig) -> Asked:
    floor = drop = None
    for sliced in metric.per_slice_thresholds:
        threshold = sliced.threshold
        if threshold.value_threshold.HasField("lower_bound"):
            floor = threshold.value_threshold.lower_bound.value
        if threshold.change_threshold.HasField("absolute"):
            drop = -threshold.change_threshold.absolute.value
    return Asked(floor, drop)


def _vocabulary(model: Path) -> list[str]:
    """The names of the model's columns; none where the model is gone."""
    try:
        return list(describe(model)["vocabulary"])
    except FileNotFoundError:
        return []


def _output(key: Key, vocabulary: list[str]) -> str:
    output, column = key
    if not column:
        return output or "all"
    index = int(column.removeprefix("classId:"))
    name = vocabulary[index] if index < len(vocabulary) else f"column {index}"
    return f"{output} {name}".lstrip()
