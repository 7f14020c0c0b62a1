"""How well lists of events agree: event-based and segment-based counts, which add up over recordings.

Conventions
-----------
Both follow Mesaros, Heittola, Virtanen ("Metrics for polyphonic sound event detection", 2016) and agree with their
`sed_eval`. Counts are of one defect; figures of several recordings come from summed counts (micro average), never from
averaged figures.

* **Event-based**: an estimated event is right if its onset lies within `COLLAR_S` of a reference event's that no other
  one has taken; offsets do not count. Of all ways to pair them the one with the most pairs is taken.
* **Segment-based**: time is cut into segments of `SEGMENT_S`; an event fills every segment that it touches.

Without anything to find and nothing found, precision, recall and F1 are NaN.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catalog.recording import Event

COLLAR_S = 0.2
SEGMENT_S = 1.0
_ROUNDING_S = 1e-9


@dataclass(frozen=True)
class Counts:
    """Right, estimated and reference events (or segments) of one defect; they add up with ``+``."""

    right: int = 0
    estimated: int = 0
    reference: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.right + other.right, self.estimated + other.estimated, self.reference + other.reference)

    @property
    def precision(self) -> float:
        """Share of the estimated that is right."""
        return self.right / self.estimated if self.estimated else math.nan

    @property
    def recall(self) -> float:
        """Share of the reference that was found."""
        return self.right / self.reference if self.reference else math.nan

    @property
    def f1(self) -> float:
        """Harmonic mean of the two."""
        total = self.estimated + self.reference
        return 2 * self.right / total if total else math.nan

    @property
    def wrong(self) -> int:
        """Estimated and not there."""
        return self.estimated - self.right


def event_counts(
    reference: Iterable[Event], estimated: Iterable[Event], defect: str, *, collar_s: float = COLLAR_S
) -> Counts:
    """Event-based counts of `defect` in one recording.

    Onsets are points on a line, so that pairing both lists in order, dropping whichever is too early, gives the most
    pairs.
    """
    wanted, heard = _onsets(reference, defect), _onsets(estimated, defect)
    right = i = j = 0
    while i < len(wanted) and j < len(heard):
        distance = heard[j] - wanted[i]
        if abs(distance) <= collar_s + _ROUNDING_S:
            right, i, j = right + 1, i + 1, j + 1
        elif distance > 0:
            i += 1
        else:
            j += 1
    return Counts(right, len(heard), len(wanted))


def segment_counts(
    reference: Iterable[Event], estimated: Iterable[Event], defect: str, *, segment_s: float = SEGMENT_S
) -> Counts:
    """Segment-based counts of `defect` in one recording."""
    wanted, heard = _segments(reference, defect, segment_s), _segments(estimated, defect, segment_s)
    return Counts(len(wanted & heard), len(heard), len(wanted))


def total(counts: Sequence[Counts]) -> Counts:
    """The sum."""
    return sum(counts, Counts())


def _onsets(events: Iterable[Event], defect: str) -> list[float]:
    return sorted(event.onset_s for event in events if event.event == defect)


def _segments(events: Iterable[Event], defect: str, segment_s: float) -> set[int]:
    return {
        segment
        for event in events
        if event.event == defect
        for segment in range(math.floor(event.onset_s / segment_s), math.ceil(event.offset_s / segment_s))
    }
