"""Event-based and segment-based counts agree with sed_eval."""

import math

import dcase_util
import numpy as np
import pytest
import sed_eval

from catalog.recording import Event
from trainers.defects.event_scores import Counts, event_counts, segment_counts, total

NAMES = ("click", "hum")
CASES: dict[str, tuple[list[Event], list[Event]]] = {
    "exact": ([Event("click", 1.0, 1.02)], [Event("click", 1.0, 1.02)]),
    "on the collar": ([Event("click", 1.0, 1.1)], [Event("click", 1.19, 1.3), Event("click", 0.79, 0.9)]),
    "one for two": ([Event("click", 1.0, 1.1), Event("click", 1.15, 1.3)], [Event("click", 1.1, 1.2)]),
    "greedy trap": (
        [Event("click", 1.0, 1.1), Event("click", 1.3, 1.4)],
        [Event("click", 1.15, 1.2), Event("click", 0.85, 0.9)],
    ),
    "wrong name": ([Event("click", 1.0, 1.1)], [Event("hum", 1.0, 1.1)]),
    "nothing found": ([Event("hum", 0.0, 9.5)], []),
    "nothing there": ([], [Event("hum", 0.5, 2.5)]),
    "long": ([Event("hum", 0.3, 7.2), Event("click", 3.0, 3.02)], [Event("hum", 0.4, 5.1), Event("click", 3.9, 4.0)]),
}


def random_case(seed: int) -> tuple[list[Event], list[Event]]:
    rng = np.random.default_rng(seed)

    def events(count: int) -> list[Event]:
        onsets = np.round(rng.uniform(0, 8, count), 3)
        return [Event(str(rng.choice(NAMES)), float(t), float(round(t + rng.uniform(0.02, 1.5), 3))) for t in onsets]

    return events(int(rng.integers(1, 12))), events(int(rng.integers(0, 12)))


def dcase_list(events: list[Event]) -> object:
    return dcase_util.containers.MetaDataContainer(
        [{"filename": "a.wav", "event_label": name, "onset": on, "offset": off} for name, on, off in events]
    )


@pytest.mark.parametrize("case", [*CASES, *range(20)])
def test_event_counts_are_those_of_sed_eval(case: str | int) -> None:
    reference, estimated = CASES[case] if isinstance(case, str) else random_case(case)
    peer = sed_eval.sound_event.EventBasedMetrics(list(NAMES), t_collar=0.2, evaluate_onset=True, evaluate_offset=False)
    peer.evaluate(dcase_list(reference), dcase_list(estimated))
    for name in NAMES:
        ours, theirs = event_counts(reference, estimated, name), peer.class_wise[name]
        assert (ours.right, ours.estimated, ours.reference) == (theirs["Ntp"], theirs["Nsys"], theirs["Nref"])
        expected = peer.results_class_wise_metrics()[name]["f_measure"]["f_measure"]
        if ours.right:
            assert ours.f1 == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("case", [*CASES, *range(20)])
def test_segment_counts_are_those_of_sed_eval(case: str | int) -> None:
    reference, estimated = CASES[case] if isinstance(case, str) else random_case(case)
    peer = sed_eval.sound_event.SegmentBasedMetrics(list(NAMES), time_resolution=1.0)
    peer.evaluate(dcase_list(reference), dcase_list(estimated), evaluated_length_seconds=10.0)
    for name in NAMES:
        ours, theirs = segment_counts(reference, estimated, name), peer.class_wise[name]
        assert (ours.right, ours.estimated, ours.reference) == (theirs["Ntp"], theirs["Nsys"], theirs["Nref"])


def test_counts_add_up_and_figures_come_from_the_sum() -> None:
    counts = total([Counts(1, 2, 1), Counts(0, 0, 3)])
    assert counts == Counts(1, 2, 4)
    assert (counts.precision, counts.recall, counts.wrong) == (0.5, 0.25, 1)
    assert counts.f1 == pytest.approx(1 / 3)


def test_nothing_to_find_and_nothing_found_has_no_figures() -> None:
    empty = event_counts([], [], "click")
    assert all(math.isnan(figure) for figure in (empty.precision, empty.recall, empty.f1))
