"""How sure of a defect one has to be to say where it is: so sure that clean recordings hold hardly any events.

A decision about a recording weighs what it misses against what it makes up, on recordings of which a sixth has the
defect. A list of events of a collection that is mostly sound is read by people, whom false ones cost. So events ask for
a level of their own, learnt on the validation recordings that have no defect at all. It is one of the pooled
probability: where the detector is wrong about a clean recording, single frames are as sure as where it is right.

A level is one of a window as long as a training segment: it is learnt on excerpts of about one window and applied to
each window of a long recording.
"""

import numpy as np

FALSE_PER_MINUTE = 0.1
"""Recordings with a false event that are allowed in a minute of clean ones, for each defect."""
LEAST_MINUTES = 5.0
"""Of clean recordings; of less nothing is learnt: one of three that is wrong would silence every event."""
MARGIN = 0.5
"""Logits between the worst clean recording and the level: the worst of others may be a little worse."""
SLACK = 2.0
"""Logits between a certain recording and the highest level: a pool's sums in float32 lose some 1e-7 of a certainty."""


def learn_event_levels(scores: np.ndarray, minutes: float, ceilings: np.ndarray) -> np.ndarray:
    """The levels at which no more clean recordings than allowed have an event.

    Parameters
    ----------
    scores : np.ndarray [recordings, defects], of clean recordings: logits above the thresholds that decide
    minutes : that these recordings last
    ceilings : np.ndarray [defects], scores of a recording that certainly has the defect

    Returns
    -------
    np.ndarray [defects], float32, logits above the thresholds: 0 where deciding is enough, or less than
        `LEAST_MINUTES` is clean; `SLACK` below the ceilings at most, so that there are events at all, if more false
        ones than allowed
    """
    allowed = int(FALSE_PER_MINUTE * minutes)
    if minutes < LEAST_MINUTES or len(scores) <= allowed:
        return np.zeros(scores.shape[1], np.float32)
    worst = np.sort(scores, axis=0)[len(scores) - 1 - allowed]
    return np.where(worst >= 0.0, np.clip(ceilings - SLACK, 0.0, worst + MARGIN), 0.0).astype(np.float32)
