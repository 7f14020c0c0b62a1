"""From frames to events, in the graph: a list of what is where.

Conventions
-----------
Frame ``t`` lasts from ``t * FRAME_S`` to ``(t + 1) * FRAME_S``. An event is a run of active frames. Short
pauses belong to it: of at most `BRIDGED` frames, as `catalog.damage` joins what lies closer together, of more in what
lasts (`LASTING`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from trainers.defects.frames import FRAME_S

BRIDGED = 2
LASTING = {"clipping": 8, "hum": 16}
"""Pauses in frames: half a second between two peaks of a clipped passage, as `audio.damage.clipping` joins them, and a
second in which loud music hides the hum.
"""


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


def pauses_of(defects: Sequence[str]) -> tuple[int, ...]:
    """The longest pause within an event of each defect, in frames."""
    return tuple(LASTING.get(defect, BRIDGED) for defect in defects)


def bridge(active: tf.Tensor, pauses: Sequence[int]) -> tf.Tensor:
    """Active frames with pauses filled in (a morphological closing): bool [..., frames, defects] to the same.

    Parameters
    ----------
    active : bool [..., frames, defects]
    pauses : frames that are filled at most, of each defect
    """
    shape = tf.shape(active)
    windows = tf.reshape(tf.cast(active, tf.float32), [-1, shape[-2], shape[-1]])

    def closed(column: tf.Tensor, pause: int) -> tf.Tensor:
        padded = tf.pad(column, [[0, 0], [pause, pause], [0, 0]])
        widened = tf.nn.max_pool1d(padded, pause + 1, 1, "VALID")
        return -tf.nn.max_pool1d(-widened, pause + 1, 1, "VALID") > 0.5

    columns = [closed(windows[:, :, number : number + 1], pause) for number, pause in enumerate(pauses)]
    return tf.reshape(tf.concat(columns, axis=-1), shape)


def count_events(active: tf.Tensor, *, pauses: Sequence[int]) -> tf.Tensor:
    """How many events windows have, int32 [windows, defects].

    Parameters
    ----------
    active : bool [windows, frames, defects]
    pauses : frames that belong to an event of each defect at most
    """
    bridged = bridge(active, pauses)
    begins = bridged & ~tf.pad(bridged, [[0, 0], [1, 0], [0, 0]])[:, :-1]
    return tf.reduce_sum(tf.cast(begins, tf.int32), axis=1)


def find_events(probabilities: tf.Tensor, active: tf.Tensor, duration_s: tf.Tensor, *, pauses: Sequence[int]) -> Events:
    """Runs of active frames as events.

    Parameters
    ----------
    probabilities : float32 [frames, defects]
    active : bool [frames, defects]
    duration_s : float32 [], where the last event ends at the latest
    pauses : frames that belong to an event of each defect at most
    """
    active = tf.transpose(bridge(active, pauses))
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
