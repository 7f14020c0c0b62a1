"""What TFMA was asked: rows, metrics and limits, from the EvalConfig that it keeps beside its results.

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
from trainers.bootstrap_noise import MODULE

EVAL_CONFIG = "eval_config.json"
COUNT = "example_count"
Place = tuple[tuple[str, str], ...]
"""A slice as TFMA's results name it: pairs of feature and value; empty for the whole split."""
WHOLE: Place = ()


@dataclass(frozen=True)
class Limits:
    """What a metric must keep; None where nothing is asked.

    Attributes
    ----------
    floor, ceiling : lowest and highest value that pass.
    drop, rise : largest loss and largest gain against the model in service that pass.
    """

    floor: float | None = None
    ceiling: float | None = None
    drop: float | None = None
    rise: float | None = None

    @property
    def asked(self) -> bool:
        """Whether anything is asked."""
        return self != Limits()

    @property
    def bounds(self) -> bool:
        """Whether the value itself is bounded, whatever is in service."""
        return self.floor is not None or self.ceiling is not None


@dataclass(frozen=True)
class Question:
    """A figure of the verdict: where TFMA's results hold it, and what it must keep.

    Attributes
    ----------
    output, column : the model's output, and ``classId:<i>`` where one column of it is meant; both may be empty.
    place : the slice that it is about.
    """

    output: str
    column: str
    place: Place
    limits: Limits


@dataclass(frozen=True)
class Questions:
    """An evaluation's questions.

    Attributes
    ----------
    candidate, baseline : names of the models in TFMA's results. A candidate that is alone has none.
    rows : row of the verdict -> metric -> question; in the order of the configuration. A row is called as a tag or
        defect where the model has a column for each, as the output that a score is of, or as the tag whose slice it is.
    """

    candidate: str | None
    baseline: str | None
    rows: Mapping[str, Mapping[str, Question]]


def read_questions(folder: Path) -> Questions:
    """Reads the EvalConfig in a ModelEvaluation artifact."""
    run = json_format.Parse((folder / EVAL_CONFIG).read_text(encoding="utf-8"), config_pb2.EvalRun())
    models = {spec.is_baseline: spec.name for spec in run.eval_config.model_specs}
    baseline = models.get(True)
    exports = [Path(path) for name, path in run.model_locations.items() if name != baseline]
    vocabulary = _vocabulary(exports[0]) if exports else []
    rows: dict[str, dict[str, Question]] = {}
    for spec in run.eval_config.metrics_specs:
        columns = [f"classId:{index}" for index in spec.binarize.class_ids.values] or [""]
        for metric in spec.metrics:
            if _name(metric) == COUNT or metric.module == MODULE:
                continue
            for output, column in [(output, column) for output in spec.output_names or [""] for column in columns]:
                for place, limits in _places(metric).items():
                    name = place[0][1] if place else _row(output, column, _name(metric), vocabulary)
                    rows.setdefault(name, {})[_name(metric)] = Question(output, column, place, limits)
    return Questions(candidate=None if baseline is None else models[False], baseline=baseline, rows=rows)


def _name(metric: config_pb2.MetricConfig) -> str:
    named = json.loads(metric.config or "{}").get("name")
    return str(named or re.sub(r"(?<!^)(?=[A-Z])", "_", metric.class_name).lower())


def _places(metric: config_pb2.MetricConfig) -> dict[Place, Limits]:
    """The slices that a metric is a figure of, the whole split always among them."""
    places = {WHOLE: Limits()}
    for sliced in metric.per_slice_thresholds:
        value, change = sliced.threshold.value_threshold, sliced.threshold.change_threshold
        lower_is_better = change.direction == config_pb2.MetricDirection.LOWER_IS_BETTER
        moved = change.absolute.value if change.HasField("absolute") else None
        limits = Limits(
            floor=value.lower_bound.value if value.HasField("lower_bound") else None,
            ceiling=value.upper_bound.value if value.HasField("upper_bound") else None,
            drop=-moved if moved is not None and not lower_is_better else None,
            rise=moved if lower_is_better else None,
        )
        for where in sliced.slicing_specs:
            places[tuple(sorted(where.feature_values.items()))] = limits
    return places


def _vocabulary(model: Path) -> list[str]:
    """The names of the model's columns; none where the model is gone."""
    try:
        return list(describe(model)["vocabulary"])
    except FileNotFoundError:
        return []


def _row(output: str, column: str, metric: str, vocabulary: list[str]) -> str:
    output = output.removesuffix(metric).removesuffix(".")  # a score is called <output>.<metric>
    if not column:
        return output or "all"
    index = int(column.removeprefix("classId:"))
    name = vocabulary[index] if index < len(vocabulary) else f"column {index}"
    return f"{output} {name}".lstrip()
