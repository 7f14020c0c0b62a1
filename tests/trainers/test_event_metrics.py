"""The Evaluator's figures of events are those of the counts and of PSDS, over the recordings whose times are known."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2

from catalog.recording import Event
from trainers.defects.evaluation import eval_config
from trainers.defects.event_metrics import FIGURES, EventFigure, Timeline, psds_of, reference_of
from trainers.defects.event_scores import event_counts, segment_counts, total
from trainers.defects.frames import FRAME_S
from trainers.gate import Gate, GateError
from trainers.gate_figures import is_undefined

HUM = 1
FRAMES = 160
MODEL = config_pb2.ModelSpec(name="candidate", label_key="labels")
CONFIG = config_pb2.EvalConfig(model_specs=[MODEL, config_pb2.ModelSpec(name="baseline", is_baseline=True)])


@dataclass(frozen=True)
class Case:
    """A recording: where hum is known to be, where it was heard, and whether times are known at all."""

    reference: Sequence[tuple[float, float]]
    heard: Sequence[tuple[float, float]]
    timed: bool = True
    labels: tuple[int, int] = (0, 1)

    def answer(self) -> dict[str, np.ndarray]:
        """The model's, with an event of another defect and padding."""
        frames = np.full((FRAMES + 5, 2), 0.1, np.float32)
        for onset, offset in self.heard:
            frames[round(onset / FRAME_S) : round(offset / FRAME_S), HUM] = 0.8
        answer = {
            "probabilities": np.array([0.2, 0.9], np.float32),
            "frame_probabilities": frames,
            "frame_count": np.array([FRAMES]),
            "timed": np.array([self.timed]),
        }
        for kind, events in (("reference", self.reference), ("event", self.heard)):
            rows = [(HUM, *event) for event in events] + [(0, 1.0, 2.0), (-1, 0.0, 0.0)]
            for name, column in zip(("defect", "onset_s", "offset_s"), zip(*rows, strict=True), strict=True):
                answer[f"{kind}_{name}"] = np.array(column)
        return answer


RIGHT = Case([(1.0, 3.0), (5.0, 6.0)], [(1.024, 2.944), (5.056, 6.016)])
LATE = Case([(2.0, 4.0)], [(2.56, 4.48), (7.04, 7.36)])
CLEAN = Case([], [(3.2, 3.84)], timed=False, labels=(0, 0))
WEAK = Case([], [(1.0, 2.0)], timed=False)
CASES = (RIGHT, LATE, CLEAN, WEAK)


def figure(name: str, cases: Sequence[Case], answers: Sequence[Any] | None = None) -> float:
    """A figure of the candidate's column `HUM`, its recordings added in two halves."""
    (computation,) = EventFigure(name, name).computations(
        eval_config=CONFIG, model_names=["candidate"], sub_keys=[metric_types.SubKey(class_id=HUM)]
    )
    combiner = computation.combiner
    halves = []
    for start in range(2):
        accumulator = combiner.create_accumulator()
        for number in range(start, len(cases), 2):
            answer = cases[number].answer() if answers is None else answers[number]
            extracts = {"labels": np.array(cases[number].labels), "predictions": {"candidate": answer}}
            accumulator = combiner.add_input(accumulator, metric_types.StandardMetricInputs(extracts))
        halves.append(accumulator)
    ((key, value),) = combiner.extract_output(combiner.merge_accumulators(halves)).items()
    assert (key.name, key.model_name, key.sub_key.class_id) == (name, "candidate", HUM)
    return float(value)


@pytest.mark.parametrize(("name", "count"), [("event_f1", event_counts), ("segment_f1", segment_counts)])
def test_f1_is_that_of_all_events_of_the_defect_where_times_are_known(name: str, count: Any) -> None:
    events = [
        ([Event("hum", *event) for event in case.reference], [Event("hum", *event) for event in case.heard])
        for case in (RIGHT, LATE, CLEAN)
    ]
    expected = total([count(reference, heard, "hum") for reference, heard in events]).f1
    assert 0 < expected < 1
    assert figure(name, CASES) == pytest.approx(expected)


def test_psds_falls_with_every_false_event_and_is_one_where_all_is_found() -> None:
    assert figure("psds", [RIGHT, RIGHT]) == pytest.approx(1.0)
    assert figure("psds", [RIGHT, RIGHT, WEAK]) == pytest.approx(1.0)
    quiet = [Case([], [], labels=(0, 0))] * 30  # five minutes, in which one false event is ten an hour
    assert 0 < figure("psds", [*CASES, *quiet]) < figure("psds", [RIGHT, LATE, *quiet]) < 1


def test_events_that_touch_or_overlap_are_one() -> None:
    pieces = Case([(1.0, 2.0), (2.0, 3.0), (5.0, 5.8), (5.5, 6.0)], RIGHT.heard)
    assert figure("psds", [pieces]) == figure("psds", [RIGHT])
    events = [Event("hum", 4.0, 5.0), Event("click", 1.0, 3.0), Event("hum", 1.0, 3.0), Event("hum", 3.0, 4.0)]
    assert reference_of(events) == [(1.0, 3.0, "click"), (1.0, 5.0, "hum")]


def test_psds_hardly_moves_by_a_byte_a_frame() -> None:
    from trainers.defects import event_metrics

    rng = np.random.default_rng(0)
    frames = np.clip(rng.normal(0.4, 0.2, (6, FRAMES)), 0, 1)
    for row in frames:
        row[40:80] += 0.25
    reference = (Event("hum", 40 * FRAME_S, 80 * FRAME_S),)

    def score(levels: int, kind: type) -> float:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(event_metrics, "_LEVELS", levels)
            return psds_of([Timeline(np.round(levels * np.minimum(row, 1)).astype(kind), reference) for row in frames])

    assert score(255, np.uint8) == pytest.approx(score(2**20, np.int64), abs=0.02)


@pytest.mark.parametrize("name", FIGURES)
def test_without_a_recording_that_has_the_defect_a_figure_is_undefined(name: str) -> None:
    assert is_undefined(figure(name, [CLEAN, WEAK]))
    assert is_undefined(figure(name, []))


@pytest.mark.parametrize("name", FIGURES)
def test_a_model_that_answers_no_events_has_no_figure(name: str) -> None:
    assert is_undefined(figure(name, [RIGHT], [np.array([0.2, 0.9])]))


def test_a_gate_asks_how_well_the_events_of_one_defect_are_placed() -> None:
    outputs = {"hum": {"floors": {"event_f1": 0.4}}}
    gate = Gate.model_validate({"floors": {"precision": 0.5}, "drops": {}, "outputs": outputs})
    specs = eval_config(gate, ("click", "hum")).metrics_specs
    asked = [
        (spec.binarize.class_ids.values[0], metric.config, limit.threshold.value_threshold.lower_bound.value)
        for spec in specs
        for metric in spec.metrics
        for limit in metric.per_slice_thresholds
        if metric.class_name == EventFigure.__name__
    ]
    assert [(column, json.loads(config)["name"], floor) for column, config, floor in asked] == [(HUM, "event_f1", 0.4)]


@pytest.mark.parametrize("limits", ["ceilings", "rises"])
def test_a_gate_that_wants_less_of_what_more_is_better_of_is_refused(limits: str) -> None:
    gate = Gate.model_validate({"floors": {}, "drops": {}, "outputs": {"hum": {limits: {"event_f1": 0.4}}}})
    with pytest.raises(GateError, match="event_f1 has a ceiling or a rise"):
        eval_config(gate, ("click", "hum"))
