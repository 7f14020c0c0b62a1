"""How sure of a defect one has to be to say where it is: so sure that clean recordings hold hardly any events.

A decision about a recording weighs what it misses against what it makes up, on recordings of which a sixth has the
defect. A list of events of a collection that is mostly sound is read by people, whom false ones cost. So events ask for
a level of their own, learnt on the validation recordings that have no defect at all. All defects together may tell a
few events in these. Which may, is dealt so that the share of the recordings with a defect that keep their events,
averaged over defects, is largest. It is a level of the pooled probability: where the detector is wrong about a
clean window, single frames are as sure as where it is right.

A window is as long as a training segment. The surest of many is surer than that of one, whatever it holds: so from
`MANY_TIMES` the windows of a usual recording on, a decision asks for the level of events, and such a recording, where
it is sound, says nothing of what to decide about a usual one.
"""

from typing import NamedTuple

import numpy as np

LEAST_MINUTES = 5.0
"""Of clean recordings; of less nothing is learnt: one of three that is wrong would silence every event."""
MARGIN = 0.5
"""Logits between the worst clean window and the level: the worst of others may be a little worse."""
MANY_TIMES = 12
"""Of the windows of a usual recording; up to so many a decision's level rises with the logarithm of their number."""
SLACK = 2.0
"""Logits between a certain recording and the highest level: a pool's sums in float32 lose some 1e-7 of a certainty."""
PARTS = 20
"""That the clean recordings are dealt into, to see what levels do on a part that they were not learnt of."""
_STEPS = 1000
"""In which many allowed events are dealt: what deciding takes then grows no further."""
_DIGITS = 9
"""Of sums of shares: those that differ by less are equal."""


class Clean(NamedTuple):
    """Windows of recordings without a defect.

    Attributes
    ----------
    recording : np.ndarray [windows], int, which recording each is of. Neighbours by number are taken to be alike:
        those of an album, and all that was cut from one.
    scores : np.ndarray [windows, defects], logits above the thresholds that decide.
    events : np.ndarray [windows, defects], int, how many each would tell at a level of 0.
    minutes : np.ndarray [windows], that each lasts.
    """

    recording: np.ndarray
    scores: np.ndarray
    events: np.ndarray
    minutes: np.ndarray

    def take(self, windows: np.ndarray) -> "Clean":
        """Some of them."""
        return Clean(*(column[windows] for column in self))


def learn_event_levels(
    clean: Clean, scores: np.ndarray, labels: np.ndarray, false_per_minute: float, ceilings: np.ndarray
) -> np.ndarray:
    """The levels at which clean recordings have no more false events than allowed, and the mean share of the recordings
    with a defect that keep their events is largest.

    Levels fit the recordings that they were learnt of better than any others. So these may tell fewer than are
    allowed: so few that levels learnt of all parts but one, which may tell as few, tell no more than allowed in the
    parts that were left out, all together.

    Parameters
    ----------
    clean : windows of recordings without a defect
    scores : np.ndarray [recordings, defects], those of the surest window of other recordings
    labels : np.ndarray [recordings, defects], bool, what these have
    false_per_minute : false events that are allowed in a minute of clean recordings, of all defects together; those
        that only `MARGIN` keeps out count as well
    ceilings : np.ndarray [defects], scores of a window that certainly has the defect

    Returns
    -------
    np.ndarray [defects], float32, logits above the thresholds: 0 where deciding is enough, or less than
        `LEAST_MINUTES` is clean; `SLACK` below the ceilings at most, so that there are events at all, if more false
        ones than allowed
    """
    minutes = float(clean.minutes.sum())
    every = int(clean.events[clean.scores >= 0.0].sum())
    if minutes < LEAST_MINUTES or false_per_minute * minutes >= every:
        return np.zeros(scores.shape[1], np.float32)
    allowed = int(false_per_minute * minutes)
    having = [column[has] for column, has in zip(scores.T, labels.T, strict=True)]
    recordings, number = np.unique(clean.recording, return_inverse=True)
    part = number * PARTS // len(recordings)
    unheard = np.zeros(min(allowed, _STEPS) + 1, int)
    for left_out in np.unique(part):
        levels = best_levels(clean.take(part != left_out), having, allowed, ceilings)
        others = clean.take(part == left_out)
        unheard += [int(others.events[others.scores >= level].sum()) for level in levels]
    most = np.flatnonzero(unheard <= allowed).max(initial=0)
    return best_levels(clean, having, allowed, ceilings)[most].astype(np.float32)


def best_levels(clean: Clean, having: list[np.ndarray], allowed: int, ceilings: np.ndarray) -> np.ndarray:
    """The best levels at which clean windows tell 0, 1, ... `allowed` events at most, [allowed + 1, defects]; in
    `_STEPS` equal steps if these are fewer.
    """
    defects = range(len(having))
    steps = min(allowed, _STEPS)
    counts = np.arange(steps + 1) * allowed // max(steps, 1)
    offers = [_offers(clean.scores[:, d], clean.events[:, d], having[d], counts, ceilings[d]) for d in defects]
    forced = sum(int(clean.events[clean.scores[:, d] >= offers[d][0][0], d].sum()) for d in defects)
    shares = _shares(np.array([reached for _, reached in offers]))
    left = np.searchsorted(counts, np.maximum(counts - forced, 0), side="right") - 1
    return np.stack([offers[d][0][shares[left, d]] for d in defects], axis=1)


def _offers(
    clean: np.ndarray, events: np.ndarray, having: np.ndarray, counts: np.ndarray, ceiling: float
) -> tuple[np.ndarray, np.ndarray]:
    """The level of a defect at which clean windows may tell so many events, and the share of the recordings having the
    defect that reach it, each as `counts`, which rise from 0. At the first there may be some where the ceiling forces
    it.
    """
    order = np.argsort(-clean, kind="stable")
    first_too_many = np.searchsorted(np.cumsum(events[order]), counts, side="right")
    worst = np.append(clean[order], -np.inf)[first_too_many]
    levels = np.where(worst >= 0.0, np.clip(ceiling - SLACK, 0.0, worst + MARGIN), 0.0)
    if not len(having):
        return levels, np.zeros(len(counts))
    return levels, np.mean(having >= levels[:, np.newaxis], axis=1)


def _shares(reached: np.ndarray) -> np.ndarray:
    """How many steps of false ones each defect gets of 0, 1, ... allowed ones, so that the sum of what is reached is
    largest, and of equal sums with the fewest: int [steps, defects].

    Parameters
    ----------
    reached : np.ndarray [defects, steps], rising along the second axis
    """
    totals = np.arange(reached.shape[1])
    best, dealt = np.zeros(len(totals)), np.zeros((len(totals), 0), int)
    for row in reached:
        taken = np.array([_first_best(best[total::-1] + row[: total + 1]) for total in totals])
        best, dealt = best[totals - taken] + row[taken], np.column_stack([dealt[totals - taken], taken])
    return dealt[[_first_best(best[: total + 1]) for total in totals]]


def _first_best(sums: np.ndarray) -> int:
    return int(np.argmax(np.round(sums, _DIGITS)))
