"""The Evaluator's figures as a table: per output, its value, floor and baseline, and whether the gate let it pass."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow_model_analysis as tfma

from trainers.gate import Gate

CANDIDATE, BASELINE = "candidate", "baseline"


@dataclass(frozen=True)
class Figure:
    """One metric of one output over the whole eval split.

    Attributes
    ----------
    value : of the candidate; NaN where it is undefined (precision without a positive prediction).
    baseline : of the model in service; None where there is none.
    floor, drop : what the gate asks; None where it asks nothing.
    """

    value: float
    baseline: float | None
    floor: float | None
    drop: float | None

    @property
    def passed(self) -> bool:
        """Whether the floor is reached and the loss against the baseline is small enough, as TFMA decides it."""
        above = self.floor is None or self.value >= self.floor
        kept = self.drop is None or self.baseline is None or self.value - self.baseline >= -self.drop
        return above and kept


@dataclass(frozen=True)
class Verdict:
    """The gate's verdict on a model.

    Attributes
    ----------
    figures : output -> metric -> figure.
    gated : outputs that can block the model.
    recordings : recordings in the eval split.
    blessed : TFMA's own validation result.
    """

    figures: Mapping[str, Mapping[str, Figure]]
    gated: frozenset[str]
    recordings: int
    blessed: bool

    def failures(self) -> list[str]:
        """One line for every gated figure that did not pass."""
        lines = []
        for output, metrics in self.figures.items():
            for metric, figure in metrics.items():
                if output in self.gated and not figure.passed:
                    lines.append(f"{output}: {metric} {_why(figure)}")
        return lines


def read_verdict(evaluation: Path, gate: Gate, outputs: tuple[str, ...], metrics: tuple[str, ...]) -> Verdict:
    """Reads what the Evaluator wrote.

    Parameters
    ----------
    evaluation : folder of a ModelEvaluation artifact.
    gate : that it was evaluated with.
    outputs : in the order of the model's columns.
    metrics : names of the metrics to read.
    """
    candidate = _overall(evaluation, CANDIDATE)
    baseline = _overall(evaluation, BASELINE)
    figures = {}
    for index, output in enumerate(outputs):
        figures[output] = {
            metric: Figure(
                value=candidate.get((index, metric), math.nan),
                baseline=baseline.get((index, metric)),
                floor=gate.floor(output, metric),
                drop=gate.drop(output, metric),
            )
            for metric in metrics
        }
    return Verdict(
        figures=figures,
        gated=frozenset(output for output in outputs if gate.gated(output)),
        recordings=int(candidate.get((None, "example_count"), 0)),
        blessed=tfma.load_validation_result(str(evaluation)).validation_ok,
    )


def _overall(evaluation: Path, model: str) -> dict[tuple[int | None, str], float]:
    """``(class id, metric) -> value`` of `model` over the whole eval split; empty where there is no such model."""
    found: dict[tuple[int | None, str], float] = {}
    for metrics in tfma.load_metrics(str(evaluation)):
        if metrics.slice_key.single_slice_keys:
            continue
        for item in metrics.metric_keys_and_values:
            key: Any = item.key
            if key.is_diff or (key.model_name or CANDIDATE) != model:
                continue
            class_id = key.sub_key.class_id.value if key.sub_key.HasField("class_id") else None
            found[class_id, key.name] = _number(item.value)
    return found


def _number(value: Any) -> float:
    kind = value.WhichOneof("type")
    if kind == "double_value":
        return float(value.double_value.value)
    if kind == "bounded_value":
        return float(value.bounded_value.value.value)
    if kind == "array_value":
        return float(value.array_value.float64_values[0]) if value.array_value.float64_values else math.nan
    return math.nan


def _why(figure: Figure) -> str:
    if math.isnan(figure.value):
        return "is undefined: the model never gives this output"
    if figure.floor is not None and figure.value < figure.floor:
        return f"{figure.value:.3f} is below its floor {figure.floor:g}"
    return f"{figure.value:.3f} dropped by more than {figure.drop:g} from {figure.baseline:.3f} in service"
