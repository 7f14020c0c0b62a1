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

import numpy as np

LEAST_MINUTES = 5.0
"""Of clean recordings; of less nothing is learnt: one of three that is wrong would silence every event."""
MARGIN = 0.5
"""Logits between the worst clean window and the level: the worst of others may be a little worse."""
MANY_TIMES = 12
"""Of the windows of a usual recording; up to so many a decision's level rises with the logarithm of their number."""
SLACK = 2.0
"""Logits between a certain recording and the highest level: a pool's sums in float32 lose some 1e-7 of a certainty."""
_DIGITS = 9
"""Of sums of shares: those that differ by less are equal."""


def learn_event_levels(
    clean: np.ndarray,
    events: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    minutes: float,
    false_per_minute: float,
    ceilings: np.ndarray,
) -> np.ndarray:
    """The levels at which clean recordings have no more false events than allowed, and the mean share of the recordings
    with a defect that keep their events is largest.

    Parameters
    ----------
    clean : np.ndarray [windows, defects], logits above the thresholds that decide, of all windows of recordings without
        a defect
    events : np.ndarray [windows, defects], int, how many each of them would tell at a level of 0
    scores : np.ndarray [recordings, defects], those of the surest window of other recordings
    labels : np.ndarray [recordings, defects], bool, what these have
    minutes : that the clean recordings last
    false_per_minute : false events that are allowed in a minute of them, of all defects together; those that only
        `MARGIN` keeps out count as well
    ceilings : np.ndarray [defects], scores of a window that certainly has the defect

    Returns
    -------
    np.ndarray [defects], float32, logits above the thresholds: 0 where deciding is enough, or less than
        `LEAST_MINUTES` is clean; `SLACK` below the ceilings at most, so that there are events at all, if more false
        ones than allowed
    """
    defects = range(scores.shape[1])
    every = int(events[clean >= 0.0].sum())
    if minutes < LEAST_MINUTES or false_per_minute * minutes >= every:
        return np.zeros(len(defects), np.float32)
    allowed = int(false_per_minute * minutes)
    offers = [_offers(clean[:, d], events[:, d], scores[labels[:, d], d], allowed, ceilings[d]) for d in defects]
    forced = sum(int(events[clean[:, d] >= offers[d][0][0], d].sum()) for d in defects)
    left = max(0, allowed - forced)
    shares = _shares(np.array([reached[: left + 1] for _, reached in offers]))
    return np.array([offers[d][0][shares[d]] for d in defects], np.float32)


def _offers(
    clean: np.ndarray, events: np.ndarray, having: np.ndarray, allowed: int, ceiling: float
) -> tuple[np.ndarray, np.ndarray]:
    """The level of a defect at which clean windows may tell 0, 1, ... `allowed` events, and the share of the recordings
    having the defect that reach it, each [allowed + 1]. At the first there may be some where the ceiling forces it.
    """
    order = np.argsort(-clean, kind="stable")
    first_too_many = np.searchsorted(np.cumsum(events[order]), np.arange(allowed + 1), side="right")
    worst = np.append(clean[order], -np.inf)[first_too_many]
    levels = np.where(worst >= 0.0, np.clip(ceiling - SLACK, 0.0, worst + MARGIN), 0.0)
    if not len(having):
        return levels, np.zeros(allowed + 1)
    return levels, np.mean(having >= levels[:, np.newaxis], axis=1)


def _shares(reached: np.ndarray) -> tuple[int, ...]:
    """How many of the allowed false ones each defect gets, so that the sum of what is reached is largest, and of equal
    sums with the fewest.

    Parameters
    ----------
    reached : np.ndarray [defects, allowed + 1], rising along the second axis
    """
    totals = range(reached.shape[1])
    best: list[tuple[float, tuple[int, ...]]] = [(0.0, ()) for _ in totals]
    for row in reached.tolist():
        # Of each total: what is reached, and what each defect so far takes of it.
        best = [
            max(
                ((best[total - k][0] + row[k], (*best[total - k][1], k)) for k in range(total + 1)),
                key=_reached,
            )
            for total in totals
        ]
    return max(best, key=_reached)[1]


def _reached(offer: tuple[float, tuple[int, ...]]) -> float:
    return round(offer[0], _DIGITS)
