"""Probabilities and events of a recording, from what a model answers of its parts.

Conventions
-----------
A model that answers events hears what is there at some place, so the recording has what any part of it has: the largest
probability counts. A model without events judges the whole, so its parts' probabilities are averaged, weighted by their
length. Exported probabilities are calibrated: 0.5 is the decision.

An event that goes on over the border of two parts is one event: each part's is cut at the border, and the two are
joined. Probabilities of frames, where there are any, are left out: they would be most of the output.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from serving.model import EVENT_COUNT, PROBABILITIES, CannotAnswer, Model
from serving.parts import Part

DECISION = 0.5
EVENT = "event_"
ONSET, OFFSET, PROBABILITY = "onset_s", "offset_s", "probability"


@dataclass(frozen=True)
class Event:
    """What a model heard at one place: seconds from the start of the recording, probability 0 to 1."""

    name: str
    onset_s: float
    offset_s: float
    probability: float


@dataclass
class Report:
    """What is known of a recording after some of its parts.

    Parameters
    ----------
    model : that answers a report
    """

    model: Model
    _parts: list[tuple[float, np.ndarray]] = field(default_factory=list)
    _names: tuple[str, ...] = ()
    _events: list[Event] = field(default_factory=list)

    def add(self, part: Part, answer: Mapping[str, np.ndarray]) -> None:
        """Take what the model answered of the next part.

        Raises
        ------
        CannotAnswer
            If a probability is not a number.
        """
        probabilities = np.asarray(answer[PROBABILITIES], np.float64)
        if not np.isfinite(probabilities).all():
            raise CannotAnswer("the model's answer is not a number")
        self._names = tuple(name.decode() for name in answer[self.model.names])
        self._parts.append((part.end - part.begin, probabilities))
        if self.model.has_events:
            self._join(part, _events(answer, self._names))

    def result(self) -> dict[str, Any]:
        """Probability and decision by name, under the name that the model's signature has for them; and the events."""
        weights, probabilities = np.array([w for w, _ in self._parts]), np.stack([p for _, p in self._parts])
        if self.model.has_events:
            pooled = probabilities.max(axis=0)
        else:
            pooled = np.average(probabilities, axis=0, weights=weights)
        named = {
            name: {"probability": round(float(p), 6), "decision": bool(p >= DECISION)}
            for name, p in zip(self._names, pooled, strict=True)
        }
        if not self.model.has_events:
            return {self.model.names: named}
        events = sorted(self._events, key=lambda event: (event.onset_s, event.name))
        return {self.model.names: named, "events": [_line(event) for event in events]}

    def _join(self, part: Part, events: list[Event]) -> None:
        rate = self.model.facts.spec.sample_rate
        start_s, begin_s, end_s = part.start / rate, part.begin / rate, part.end / rate
        for event in events:
            onset_s = max(event.onset_s + start_s, begin_s)
            offset_s = min(event.offset_s + start_s, end_s)
            if onset_s >= offset_s:
                continue
            found = replace(event, onset_s=onset_s, offset_s=offset_s)
            before = self._cut_at(begin_s, event.name) if onset_s == begin_s > 0 else None
            if before is not None:
                self._events.remove(before)
                louder = max(before.probability, event.probability)
                found = replace(found, onset_s=before.onset_s, probability=louder)
            self._events.append(found)

    def _cut_at(self, border_s: float, name: str) -> Event | None:
        """The event of that name that the part before heard up to the border."""
        return next((event for event in self._events if (event.name, event.offset_s) == (name, border_s)), None)


def _events(answer: Mapping[str, np.ndarray], names: tuple[str, ...]) -> list[Event]:
    """The events of one part, in its own time; the one output of integers tells which name each has."""
    count = int(answer[EVENT_COUNT])
    columns = {name.removeprefix(EVENT): values[:count] for name, values in answer.items() if _is_column(name)}
    which = next(values for values in columns.values() if np.issubdtype(values.dtype, np.integer))
    rows = zip(which, columns[ONSET], columns[OFFSET], columns[PROBABILITY], strict=True)
    return [Event(names[i], float(onset), float(offset), float(p)) for i, onset, offset, p in rows]


def _is_column(output: str) -> bool:
    return output.startswith(EVENT) and output != EVENT_COUNT


def _line(event: Event) -> dict[str, Any]:
    return {
        "name": event.name,
        ONSET: round(event.onset_s, 4),
        OFFSET: round(event.offset_s, 4),
        PROBABILITY: round(event.probability, 6),
    }
