"""What the Evaluator measures of a detector's events, on recordings whose defects are known with their times.

Three figures of a defect, beside precision and recall of whole recordings: event-based and segment-based F1 of its
event list (`trainers.defects.event_scores`), and PSDS of its frame probabilities (Bilen et al. 2020; by
`sed_scores_eval`, Ebbers, Haeb-Umbach, Serizel 2022). A recording with times has all of them, as in training. One
without is left out of the figures of the defects that its tags name, and has no event of the others. A defect that no
recording has times for, and a model that answers no events (an older export, another vocabulary), have figures that
are undefined, as `trainers.gate_figures` says.

Memory: an event is three numbers, a frame of 64 ms one byte.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2

from catalog.recording import Event
from trainers.decision_gate import gated
from trainers.defects.event_scores import Counts, event_counts, segment_counts
from trainers.defects.frames import FRAME_S
from trainers.gate import Gate
from trainers.gate_figures import UNDEFINED_SHARE
from trainers.recording_metric import RecordingCombiner, computations

FIGURES = ("event_f1", "segment_f1", "psds")
PSDS = {"dtc_threshold": 0.7, "gtc_threshold": 0.7, "cttc_threshold": None, "alpha_ct": 0.0, "alpha_st": 1.0}
"""Tolerances of detection and ground truth; one defect at a time, so that there are no cross-triggers."""
MAX_EFPR = 100.0
"""False events an hour up to which PSDS looks."""
_LEVELS = 255
_COUNT: dict[str, Callable[[Iterable[Event], Iterable[Event], str], Counts]] = {
    "event_f1": event_counts,
    "segment_f1": segment_counts,
}


@dataclass(frozen=True)
class Timeline:
    """One defect in one recording.

    Attributes
    ----------
    probabilities : uint8 [frames], in steps of 1/255.
    reference : where the defect is.
    """

    probabilities: np.ndarray
    reference: tuple[Event, ...]


@dataclass
class Heard:
    """One defect in some recordings: counts of its events, and timelines where PSDS is asked for."""

    counts: Counts = field(default_factory=Counts)
    timelines: list[Timeline] = field(default_factory=list)


def figures_of_events(gate: Gate, output: str) -> list[config_pb2.MetricConfig]:
    """The figures of a defect for a binarized MetricsSpec, with what the gate asks of them."""
    return [gated(_figure(figure), gate, output) for figure in FIGURES]


def _figure(name: str) -> config_pb2.MetricConfig:
    config = json.dumps({"figure": name, "name": name})
    return config_pb2.MetricConfig(class_name=EventFigure.__name__, module=__name__, config=config)


def reference_of(events: Iterable[Event]) -> list[tuple[float, float, str]]:
    """Events as `sed_scores_eval` wants them: in order, those of one name that touch or overlap joined."""
    joined: list[tuple[float, float, str]] = []
    for event in sorted(events, key=lambda event: (event.event, event.onset_s)):
        if joined and joined[-1][2] == event.event and event.onset_s <= joined[-1][1]:
            onset, offset, name = joined[-1]
            joined[-1] = (onset, max(offset, event.offset_s), name)
        else:
            joined.append((event.onset_s, event.offset_s, event.event))
    return joined


def psds_of(timelines: list[Timeline]) -> float:
    """PSDS of one defect; NaN where no timeline has it."""
    if not any(timeline.reference for timeline in timelines):
        return math.nan
    from sed_scores_eval.base_modules.scores import create_score_dataframe  # seconds, which no command line waits for
    from sed_scores_eval.intersection_based import psds

    scores, truth, durations = {}, {}, {}
    for number, timeline in enumerate(timelines):
        name, frames = str(number), len(timeline.probabilities)
        probabilities = timeline.probabilities[:, np.newaxis] / _LEVELS
        scores[name] = create_score_dataframe(probabilities, np.arange(frames + 1) * FRAME_S, event_classes=["defect"])
        truth[name] = reference_of(event._replace(event="defect") for event in timeline.reference)
        durations[name] = frames * FRAME_S
    value, *_ = psds(scores=scores, ground_truth=truth, audio_durations=durations, max_efpr=MAX_EFPR, **PSDS)
    return float(value)


class EventFigure(metric_types.Metric):
    """One of `FIGURES` as a metric of TFMA, of the column that the MetricsSpec binarizes.

    The model's ``evaluate`` answers what it hears and what is known, as `trainers.defects.signatures` says.
    """

    def __init__(self, figure: str, name: str) -> None:
        super().__init__(computations(_Add), figure=figure, name=name)


class _Add(RecordingCombiner):
    """Recordings one by one, then the figure."""

    def create_accumulator(self) -> Heard:
        return Heard()

    def add_input(self, accumulator: Heard, element: metric_types.StandardMetricInputs) -> Heard:
        answer = element.prediction
        if self.key.model_name:
            answer = answer[self.key.model_name]
        column = self.key.sub_key.class_id
        if not isinstance(answer, Mapping) or not self._known(element, answer):
            return accumulator
        reference = _events(answer, "reference", column)
        if self.figure == "psds":
            frames = answer["frame_probabilities"][: int(answer["frame_count"].item()), column]
            accumulator.timelines.append(Timeline(np.round(_LEVELS * frames).astype(np.uint8), reference))
        else:
            estimated = _events(answer, "event", column)
            accumulator.counts += _COUNT[self.figure](reference, estimated, str(column))
        return accumulator

    def merge_accumulators(self, accumulators: Any) -> Heard:
        merged = Heard()
        for accumulator in accumulators:
            merged.counts += accumulator.counts
            merged.timelines += accumulator.timelines
        return merged

    def extract_output(self, accumulator: Heard) -> dict[metric_types.MetricKey, float]:
        counts = accumulator.counts
        f1 = counts.f1 if counts.reference else math.nan
        figure = psds_of(accumulator.timelines) if self.figure == "psds" else f1
        return {self.key: UNDEFINED_SHARE if math.isnan(figure) else figure}

    def _known(self, element: metric_types.StandardMetricInputs, answer: Mapping[str, Any]) -> bool:
        """Whether it is known where the recording has the defect: it has times, or has not got it."""
        ((label, _),) = self.pairs(element)
        return bool(answer["timed"].item()) or not label


def _events(answer: Mapping[str, Any], kind: str, column: int) -> tuple[Event, ...]:
    """The events of one column, ``reference`` or ``event``; other columns and padding left out."""
    onsets, offsets = answer[f"{kind}_onset_s"], answer[f"{kind}_offset_s"]
    found = np.flatnonzero(answer[f"{kind}_defect"] == column)
    return tuple(Event(str(column), float(onsets[i]), float(offsets[i])) for i in found)
