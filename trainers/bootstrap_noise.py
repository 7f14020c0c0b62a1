"""How much a figure of the Evaluator moves by chance: half its 95 % interval over bootstrap samples of the artists.

An allowed drop that is smaller than this can be luck of which artists are in the eval split. TFMA can compute intervals
itself (``compute_confidence_intervals``), by evaluating every metric on 20 Poisson samples of the recordings; here only
what the gate asks about is resampled, from the recordings' answers, a thousand times in milliseconds. Whole artists are
drawn (Davison & Hinkley 1997, section 3.8, "strategy 1"): their recordings are alike, and drawn one by one would pass
for more evidence than they are.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, get_args

import numpy as np
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2

from catalog.splits import Unit, group_text
from trainers.gate_figures import DECISION
from trainers.recording_metric import RecordingCombiner, computations

NOISE = "_noise"
MODULE = __name__
_RESAMPLES = 1000
_AT_ONCE = 1_000_000  # artists drawn at a time: 16 MB, however many artists there are
_INTERVAL = (0.025, 0.975)
GROUPS = get_args(Unit)
"""Features of an Example of which the first that it has says whose recording it is."""


class Judged(NamedTuple):
    """A recording: whose it is, and the label and prediction of an output."""

    artist: str
    label: float
    prediction: float


def noise_of(metric: str) -> config_pb2.MetricConfig:
    """The noise of a metric for an EvalConfig: ``precision``, ``recall``, or the mean of any score."""
    config = {"name": metric + NOISE, "figure": metric if metric in _FIGURES else "mean"}
    return config_pb2.MetricConfig(class_name="BootstrapNoise", module=MODULE, config=json.dumps(config))


def bootstrap_noise(figure: str, recordings: Sequence[Judged]) -> float:
    """Half the 95 % percentile interval of a figure (Efron & Tibshirani 1993, chapter 13), over draws of artists.

    Parameters
    ----------
    figure : ``precision``, ``recall`` or ``mean``
    recordings : in any order; those whose prediction is NaN, undefined, are left out

    Returns
    -------
    float; NaN where they are of fewer than two artists, no bootstrap sample has the figure, or a prediction is infinite
    """
    defined = sorted(recording for recording in recordings if not math.isnan(recording.prediction))
    _, artist = np.unique([recording.artist for recording in defined], return_inverse=True)
    labels, predictions = (np.array([recording[column] for recording in defined]) for column in (1, 2))
    artists = int(artist.max(initial=0)) + 1
    if artists < 2 or not np.isfinite(predictions).all():
        return float("nan")
    sums = np.stack([np.bincount(artist, part) for part in _FIGURES[figure](labels, predictions)])
    rng, at_once = np.random.default_rng(0), max(1, _AT_ONCE // artists)
    blocks = []
    for start in range(0, _RESAMPLES, at_once):
        samples = rng.integers(0, artists, (min(at_once, _RESAMPLES - start), artists))
        part, whole = sums[:, samples].sum(axis=-1)
        blocks.append(part[whole > 0] / whole[whole > 0])
    values = np.concatenate(blocks)
    if not len(values):
        return float("nan")
    low, high = np.quantile(values, _INTERVAL)
    return float(high - low) / 2


_FIGURES: dict[str, Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
    "precision": lambda labels, predictions: ((labels > 0) & (predictions >= DECISION), predictions >= DECISION),
    "recall": lambda labels, predictions: ((labels > 0) & (predictions >= DECISION), labels > 0),
    "mean": lambda labels, predictions: (predictions, np.ones_like(predictions)),
}
"""Part and whole of each recording, whose sums make the figure."""


class BootstrapNoise(metric_types.Metric):
    """`bootstrap_noise` as a metric of TFMA.

    Parameters
    ----------
    figure : whose noise
    name : of the metric
    """

    def __init__(self, figure: str, name: str) -> None:
        super().__init__(computations(_Collect, GROUPS), figure=figure, name=name)


class _Collect(RecordingCombiner):
    """What every recording answers, then the noise of the figure."""

    def create_accumulator(self) -> list[Judged]:
        return []

    def add_input(self, accumulator: list[Judged], element: metric_types.StandardMetricInputs) -> list[Judged]:
        artist = artist_of(element.features)
        accumulator += (Judged(artist, label, prediction) for label, prediction in self.pairs(element))
        return accumulator

    def merge_accumulators(self, accumulators: Any) -> list[Judged]:
        return [recording for accumulator in accumulators for recording in accumulator]

    def extract_output(self, accumulator: list[Judged]) -> dict[metric_types.MetricKey, float]:
        return {self.key: bootstrap_noise(self.figure, accumulator)}


def artist_of(features: Mapping[str, np.ndarray]) -> str:
    """Whose recording it is, as splits see it, by the features of its Example, of which `GROUPS` are read."""
    named = {kind: np.ravel(features[kind])[0].decode() for kind in GROUPS if np.size(features.get(kind, ()))}
    return group_text(named)
