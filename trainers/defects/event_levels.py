"""How sure an event has to be: so sure that clean recordings hold hardly any.

A decision about a recording weighs what it misses against what it makes up, on recordings of which a sixth has the
defect. A list of events of a collection that is mostly sound is read by people, whom false ones cost. So an event asks
for a frame above a level of its own, learnt on the validation recordings that have no defect at all.
"""

import numpy as np

FALSE_PER_MINUTE = 0.1
"""Recordings with a false event that are allowed in a minute of clean ones, for each defect."""
MARGIN = 0.5
"""Logits between the worst clean recording and the level: the worst of others may be a little worse."""


def learn_event_levels(highest: np.ndarray, thresholds: np.ndarray, minutes: float) -> np.ndarray:
    """The least levels at which no more clean recordings than allowed have an event.

    Parameters
    ----------
    highest : np.ndarray [recordings, defects], of clean recordings: the logit of the most probable frame, -inf where
        the defect is not decided
    thresholds : np.ndarray [defects], logits that decide
    minutes : that these recordings last

    Returns
    -------
    np.ndarray [defects], float32, logits above the thresholds: 0 where deciding is enough, or nothing is clean
    """
    allowed = int(FALSE_PER_MINUTE * minutes)
    if len(highest) <= allowed:
        return np.zeros(len(thresholds), np.float32)
    worst = np.sort(highest, axis=0)[len(highest) - 1 - allowed]
    above = worst - thresholds
    return np.where(above >= 0.0, above + MARGIN, 0.0).astype(np.float32)
