"""How much a figure of the Evaluator moves by chance: half its 95 % interval over bootstrap samples of the recordings.

An allowed drop that is smaller than this can be luck of which recordings are in the eval split. TFMA can compute
intervals itself (``compute_confidence_intervals``), by evaluating every metric on 20 Poisson samples; here only what
the gate asks about is resampled, from the recordings' answers, a thousand times in milliseconds. Recordings are drawn
one by one, as if an artist's were independent evidence, so it is a lower bound; benchmarks draw artists.
"""

import json
import math
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2

from trainers.gate_figures import DECISION
from trainers.recording_metric import RecordingCombiner, computations

NOISE = "_noise"
MODULE = __name__
_RESAMPLES = 1000
_AT_ONCE = 1_000_000  # recordings drawn at a time: 8 MB an array, however many recordings there are
_INTERVAL = (0.025, 0.975)
Pairs = list[tuple[float, float]]


def noise_of(metric: str) -> config_pb2.MetricConfig:
    """The noise of a metric for an EvalConfig: ``precision``, ``recall``, or the mean of any score."""
    config = {"name": metric + NOISE, "figure": metric if metric in _FIGURES else "mean"}
    return config_pb2.MetricConfig(class_name="BootstrapNoise", module=MODULE, config=json.dumps(config))


def bootstrap_noise(figure: str, pairs: Pairs) -> float:
    """Half the 95 % percentile interval of a figure (Efron & Tibshirani 1993, chapter 13).

    Parameters
    ----------
    figure : ``precision``, ``recall`` or ``mean``
    pairs : (label, prediction) of each recording, in any order; those whose prediction is NaN, undefined, are left out

    Returns
    -------
    float; NaN where no bootstrap sample has the figure, or a prediction is infinite
    """
    defined = sorted(pair for pair in pairs if not math.isnan(pair[1]))
    labels, predictions = np.array(defined, dtype=np.float64).reshape(-1, 2).T
    if not len(labels) or not np.isfinite(predictions).all():
        return float("nan")
    rng, at_once = np.random.default_rng(0), max(1, _AT_ONCE // len(labels))
    blocks = []
    for start in range(0, _RESAMPLES, at_once):
        samples = rng.integers(0, len(labels), (min(at_once, _RESAMPLES - start), len(labels)))
        blocks.append(_FIGURES[figure](labels[samples], predictions[samples]))
    values = np.concatenate(blocks)
    values = values[np.isfinite(values)]
    if not len(values):
        return float("nan")
    low, high = np.quantile(values, _INTERVAL)
    return float(high - low) / 2


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Share of `whole` that is in `part` too, by sample; NaN where there is none."""
    count = whole.sum(axis=1)
    return np.divide((part & whole).sum(axis=1), count, out=np.full(len(count), np.nan), where=count > 0)


_FIGURES = {
    "precision": lambda labels, predictions: _share(labels > 0, predictions >= DECISION),
    "recall": lambda labels, predictions: _share(predictions >= DECISION, labels > 0),
    "mean": lambda labels, predictions: predictions.mean(axis=1),
}


class BootstrapNoise(metric_types.Metric):
    """`bootstrap_noise` as a metric of TFMA.

    Parameters
    ----------
    figure : whose noise
    name : of the metric
    """

    def __init__(self, figure: str, name: str) -> None:
        super().__init__(computations(_Collect), figure=figure, name=name)


class _Collect(RecordingCombiner):
    """(label, prediction) of every recording, then the noise of the figure."""

    def create_accumulator(self) -> Pairs:
        return []

    def add_input(self, accumulator: Pairs, element: metric_types.StandardMetricInputs) -> Pairs:
        accumulator += self.pairs(element)
        return accumulator

    def merge_accumulators(self, accumulators: Any) -> Pairs:
        return [pair for accumulator in accumulators for pair in accumulator]

    def extract_output(self, accumulator: Pairs) -> dict[metric_types.MetricKey, float]:
        return {self.key: bootstrap_noise(self.figure, accumulator)}
