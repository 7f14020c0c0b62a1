"""TFMA's results as terminal and page show them: figures by output, over the whole eval split and its slices.

TFMA brings a viewer of its own (``static/vulcanized_tfma.js``, behind ``tfma.view``) that cannot be used offline. Tried
with TFMA 0.52 in Chromium 156: its custom elements start, but the table and the charts are ``google-chart`` elements
that load a script from www.gstatic.com and stay 0 pixels high without it. So the same numbers, read through TFMA's
interface, stand in tables of our own.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import tensorflow_model_analysis as tfma

from components.evaluator import unknown_columns
from pipeline.eval_config import COUNT, WHOLE, Place, Question, read_questions
from pipeline.verdict import Figure, Verdict
from trainers.bootstrap_noise import NOISE
from trainers.gate_figures import RECORDINGS, is_undefined

VALIDATIONS = "validations*"  # there is none where the gate asks nothing of any output


@dataclass(frozen=True)
class Slice:
    """The recordings of the eval split that share a value of a feature.

    Attributes
    ----------
    value : of the feature.
    recordings : how many there are.
    figures : output -> metric -> value.
    """

    value: str
    recordings: int
    figures: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Evaluation:
    """What the Evaluator of a run wrote.

    Attributes
    ----------
    verdict : the figures, and TFMA's validation result.
    metrics : in the order of the configuration.
    compared : whether there was a model in service to compare with.
    slices : feature -> its slices, by value.
    """

    verdict: Verdict
    metrics: tuple[str, ...]
    compared: bool
    slices: Mapping[str, tuple[Slice, ...]]


def read_evaluation(folder: Path) -> Evaluation:
    """Reads a ModelEvaluation artifact."""
    questions = read_questions(folder)
    candidate = _Results(folder, questions.candidate)
    news = {f"classId:{column}" for column in unknown_columns(folder)}
    baseline = _Results(folder, questions.baseline) if questions.baseline is not None else None
    figures = {
        row: {
            metric: Figure(
                value=candidate.number(question, metric),
                baseline=None if baseline is None or question.column in news else baseline.number(question, metric),
                limits=question.limits,
                noise=candidate.number(question, metric + NOISE),
                recordings=candidate.defined(question, metric),
                of=candidate.count(question.place),
            )
            for metric, question in metrics.items()
        }
        for row, metrics in questions.rows.items()
    }
    slices = defaultdict(list)
    for place in candidate.slices():
        feature = " × ".join(str(column) for column, _ in place)
        value = ", ".join(str(value) for _, value in place)
        here = {
            row: {metric: candidate.number(replace(q, place=place), metric) for metric, q in metrics.items()}
            for row, metrics in questions.rows.items()
            if all(question.place == WHOLE for question in metrics.values())
        }
        slices[feature].append(Slice(value, candidate.count(place), here))
    return Evaluation(
        verdict=Verdict(
            figures=figures,
            gated=frozenset(row for row, metrics in figures.items() if any(f.limits.asked for f in metrics.values())),
            recordings=candidate.count(WHOLE),
            blessed=any(folder.glob(VALIDATIONS)) and tfma.load_validation_result(str(folder)).validation_ok,
        ),
        metrics=tuple(dict.fromkeys(metric for metrics in questions.rows.values() for metric in metrics)),
        compared=baseline is not None,
        slices={feature: tuple(found) for feature, found in slices.items()},
    )


class _Results:
    """The numbers of one model, by slice, output and metric.

    Parameters
    ----------
    folder : a ModelEvaluation artifact.
    model : its name there; None where it is the only one.
    """

    def __init__(self, folder: Path, model: str | None) -> None:
        self._values = dict(tfma.load_eval_result(str(folder), model_name=model).slicing_metrics)

    def slices(self) -> list[Place]:
        """All slices but the whole."""
        return sorted((place for place in self._values if place), key=str)

    def number(self, question: Question, metric: str) -> float:
        """A metric's value; NaN where it is undefined or was not measured."""
        return self._value(question.place, question.output, question.column, metric)

    def defined(self, question: Question, metric: str) -> int | None:
        """In how many recordings a score is defined; None for what is no mean."""
        found = self.number(question, metric + RECORDINGS)
        if math.isnan(found):
            return None if self.count(question.place) else 0
        return int(found)

    def count(self, place: Place) -> int:
        """Recordings in the slice."""
        counts = [self._value(place, output, "", COUNT) for output in self._values.get(place, {})]
        return int(max((count for count in counts if math.isfinite(count)), default=0))

    def _value(self, place: Place, output: str, column: str, metric: str) -> float:
        value = self._values.get(place, {}).get(output, {}).get(column, {}).get(metric, {})
        number = value.get("doubleValue", value.get("boundedValue", {}).get("value"))
        return math.nan if number is None or is_undefined(float(number)) else float(number)
