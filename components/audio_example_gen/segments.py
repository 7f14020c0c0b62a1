"""Where a recording is cut: segments for training, one piece of bounded length for evaluation.

Everything is counted in samples of one channel at the task's sample rate; times are seconds. Pure functions.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audio.spec import AudioSpec
from catalog.recording import Event

MIN_AUDIO_S = 0.5
"""A recording shorter than this is set aside; a last segment that holds less audio than this is dropped."""


@dataclass(frozen=True)
class Excerpt:
    """Samples `start` to `stop` (exclusive) of a recording."""

    start: int
    stop: int


@dataclass(frozen=True)
class Cut:
    """One Example's audio: excerpts joined in order, then zeros up to `length` samples."""

    excerpts: tuple[Excerpt, ...]
    length: int

    @property
    def num_samples(self) -> int:
        """Valid samples, before the padding."""
        return sum(excerpt.stop - excerpt.start for excerpt in self.excerpts)


def training_cuts(num_samples: int, spec: AudioSpec) -> list[Cut]:
    """A recording in segments of ``spec.segment_s``, without overlap, the last one padded.

    Parameters
    ----------
    num_samples : length of the recording, > 0.

    Returns
    -------
    list[Cut]
        At least one. A last segment with less than `MIN_AUDIO_S` of audio (and less than a segment) is left out, unless
        it is the only one.
    """
    length = spec.segment_samples
    enough = min(length, round(MIN_AUDIO_S * spec.sample_rate))
    starts = [start for start in range(0, num_samples, length) if start == 0 or num_samples - start >= enough]
    return [Cut((Excerpt(start, min(start + length, num_samples)),), length) for start in starts]


def evaluation_cut(num_samples: int, spec: AudioSpec, recording_id: str) -> Cut:
    """A recording as one piece: whole up to ``spec.eval_max_s``, else seeded excerpts of a segment's length, joined in
    time order.

    The recording is divided into as many equal spans as excerpts fit, and one excerpt is drawn uniformly from each:
    they never overlap, and they reach from the beginning to the end.

    Parameters
    ----------
    num_samples : length of the recording, > 0.
    recording_id : its SHA-256 is the seed, so the excerpts depend on nothing else than the id and the length.

    Returns
    -------
    Cut
        Without padding.
    """
    limit = round(spec.eval_max_s * spec.sample_rate)
    if num_samples <= limit:
        return Cut((Excerpt(0, num_samples),), num_samples)
    length = min(spec.segment_samples, limit)
    count = limit // length
    bounds = np.linspace(0, num_samples, count + 1).astype(np.int64)
    seed = int.from_bytes(hashlib.sha256(recording_id.encode()).digest()[:8], "big")
    starts = np.random.default_rng(seed).integers(bounds[:-1], bounds[1:] - length, endpoint=True)
    return Cut(tuple(Excerpt(int(start), int(start) + length) for start in starts), count * length)


def clip_events(events: Sequence[Event], cut: Cut, sample_rate: int) -> list[Event]:
    """The events that sound in a cut, in the cut's own time.

    Parameters
    ----------
    events : in seconds of the recording.
    sample_rate : Hz.

    Returns
    -------
    list[Event]
        In order of excerpts, then as given. An event over several excerpts appears once in each; one that only touches
        an excerpt does not appear; an event of no length appears where ``start <= onset < stop``.
    """
    clipped = []
    offset_s = 0.0
    for excerpt in cut.excerpts:
        start_s, stop_s = excerpt.start / sample_rate, excerpt.stop / sample_rate
        for name, onset_s, end_s in events:
            begin, end = max(onset_s, start_s), min(end_s, stop_s)
            if begin < end or (onset_s == end_s and start_s <= onset_s < stop_s):
                clipped.append(Event(name, begin - start_s + offset_s, end - start_s + offset_s))
        offset_s += stop_s - start_s
    return clipped
