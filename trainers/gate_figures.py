"""The figures that the gate judges, as metrics of TFMA: precision and recall of a decision, the mean of a score.

Conventions
-----------
* All three are a part over a whole: what is right of what is given, or of what there is; the sum of a score over the
  recordings that have it.
* A score is NaN where it is **not defined** for a recording (a voice that does not sing). Such a recording is in no
  mean, and ``<metric>_recordings`` says how many are. It is the candidate that says so, for the model in service too:
  both are compared on the same recordings, even where the older one was exported with scores of another meaning.
* A figure without a whole is **undefined**, and so is the mean of a score that is infinite somewhere, as the model's
  own audio was not finite. TFMA compares with NaN by failing, so that one such figure in service would block every
  later model. So to TFMA it is worse than any figure can be: it fails floor and ceiling, it fails against a figure in
  service that is defined, and as the figure in service it is no bar.
* Two undefined *shares* are equal, both the largest finite number on the bad side: a model that never gives a tag is no
  worse than one in service that never does. Two undefined *means* are infinite, so that their difference is NaN and
  fails: no recording of the eval split shows what the gate asks about.
"""

import json
import math
import sys
from typing import Any

from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2

from trainers.gate import Gate
from trainers.recording_metric import RecordingCombiner, computations

RECORDINGS = "_recordings"
DECISION = 0.5
"""A tag is given from here on, as thresholds are learnt (`trainers.calibration`) and as scans say it."""
_MEAN = "mean"
_SHARES = ("precision", "recall")
UNDEFINED_SHARE = -sys.float_info.max
"""What stands for a share that is undefined, of which more is better."""
_WORST = {_MEAN: math.inf} | dict.fromkeys(_SHARES, -UNDEFINED_SHARE)
Sums = tuple[float, float]


def figure_of(gate: Gate, metric: str) -> config_pb2.MetricConfig:
    """A figure for an EvalConfig: ``precision``, ``recall``, or the mean of any other metric.

    Parameters
    ----------
    gate : knows which side is the bad one
    metric : its name
    """
    config = {"name": metric, "figure": metric if metric in _SHARES else _MEAN}
    kind = LessIsBetter if gate.less_is_better(metric) else MoreIsBetter
    return config_pb2.MetricConfig(class_name=kind.__name__, module=__name__, config=json.dumps(config))


def is_undefined(value: float) -> bool:
    """Whether a figure in TFMA's results stands for one that is undefined."""
    return not abs(value) < -UNDEFINED_SHARE


class _Ratio(RecordingCombiner):
    """Part and whole, summed over recordings."""

    bad_side = -1.0

    def create_accumulator(self) -> Sums:
        return 0.0, 0.0

    def add_input(self, accumulator: Sums, element: metric_types.StandardMetricInputs) -> Sums:
        if self.figure == _MEAN and not self._defined(element):
            return accumulator
        part, whole = accumulator
        for label, prediction in self.pairs(element):
            has, given = label > 0, prediction >= DECISION
            part += prediction if self.figure == _MEAN else has and given
            whole += {"precision": given, "recall": has, _MEAN: True}[self.figure]
        return part, whole

    def merge_accumulators(self, accumulators: Any) -> Sums:
        merged = list(accumulators)
        return sum(part for part, _ in merged), sum(whole for _, whole in merged)

    def extract_output(self, accumulator: Sums) -> dict[metric_types.MetricKey, float]:
        part, whole = accumulator
        defined = whole and math.isfinite(part)
        figures = {self.key: float(part / whole) if defined else self.bad_side * _WORST[self.figure]}
        if self.figure == _MEAN:
            figures[self.key._replace(name=self.key.name + RECORDINGS)] = float(whole)
        return figures

    def _defined(self, element: metric_types.StandardMetricInputs) -> bool:
        """Whether a recording has the score."""
        models = {self.candidate, self.key.model_name}
        return not any(math.isnan(score) for model in models for _, score in self.pairs(element, model))


class _RatioOfLess(_Ratio):
    """Part and whole of what is better the less there is."""

    bad_side = 1.0


class MoreIsBetter(metric_types.Metric):
    """A figure as a metric of TFMA.

    Parameters
    ----------
    figure : ``precision``, ``recall`` or ``mean``
    name : of the metric
    """

    def __init__(self, figure: str, name: str) -> None:
        super().__init__(computations(_Ratio), figure=figure, name=name)


class LessIsBetter(metric_types.Metric):
    """The same for a figure of which less is better."""

    def __init__(self, figure: str, name: str) -> None:
        super().__init__(computations(_RatioOfLess), figure=figure, name=name)
