"""From frames to events, in the graph: a list of what is where.

Conventions
-----------
Frame ``t`` lasts from ``t * FRAME_S`` to ``(t + 1) * FRAME_S``. An event is a run of active frames; pauses of at most
`BRIDGED` frames belong to it, as `catalog.damage` joins what lies closer together.
"""

from typing import NamedTuple

import tensorflow as tf

from trainers.defects.spectra import FRAME_S

BRIDGED = 2


class Events(NamedTuple):
    """Events of a recording, in order of onset, then of the defect.

    Attributes
    ----------
    defect : int32 [events], number of the defect.
    onset_s, offset_s : float32 [events], seconds.
    probability : float32 [events], the highest of its frames.
    """

    defect: tf.Tensor
    onset_s: tf.Tensor
    offset_s: tf.Tensor
    probability: tf.Tensor


def bridge(active: tf.Tensor) -> tf.Tensor:
    """Active frames with pauses of up to `BRIDGED` frames filled in: bool [frames, defects] to the same."""
    padded = tf.pad(active, [[BRIDGED, BRIDGED], [0, 0]])
    frames = tf.shape(active)[0]

    def shifted(steps: int) -> tf.Tensor:
        return padded[BRIDGED + steps : BRIDGED + steps + frames]

    bridged = active
    for before in range(1, BRIDGED + 1):
        for after in range(1, BRIDGED + 2 - before):
            bridged |= shifted(-before) & shifted(after)
    return bridged


def find_events(probabilities: tf.Tensor, active: tf.Tensor, duration_s: tf.Tensor) -> Events:
    """Runs of active frames as events.

    Parameters
    ----------
    probabilities : float32 [frames, defects]
    active : bool [frames, defects]
    duration_s : float32 [], where the last event ends at the latest
    """
    active = tf.transpose(bridge(active))
    edges = tf.pad(active, [[0, 0], [1, 1]])
    starts = tf.where(edges[:, 1:-1] & ~edges[:, :-2])
    stops = tf.where(edges[:, 1:-1] & ~edges[:, 2:])[:, 1] + 1
    begins = tf.cast(active & ~edges[:, :-2], tf.int32)
    number = tf.cumsum(tf.reshape(begins, [-1])) - 1
    inside = tf.reshape(active, [-1])
    highest = tf.math.unsorted_segment_max(
        tf.boolean_mask(tf.reshape(tf.transpose(probabilities), [-1]), inside),
        tf.boolean_mask(number, inside),
        tf.shape(starts)[0],
    )
    onset_s = tf.cast(starts[:, 1], tf.float32) * FRAME_S
    offset_s = tf.minimum(tf.cast(stops, tf.float32) * FRAME_S, duration_s)
    order = tf.argsort(starts[:, 1], stable=True)
    return Events(
        tf.gather(tf.cast(starts[:, 0], tf.int32), order),
        tf.gather(onset_s, order),
        tf.gather(offset_s, order),
        tf.gather(highest, order),
    )
