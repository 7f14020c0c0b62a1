"""Where a long recording is cut, so that no more than a part of it lies in memory.

Conventions
-----------
Parts are equally long to a sample, overlap, and are at most as long as the longest piece that the gate judged
(``eval_max_s`` of the model's audio specification). A recording up to that length is one part: it is answered as a
server answers it. Where two parts overlap, each has the last word up to the middle of the overlap.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from audio.spec import AudioSpec

OVERLAP_S = 4.0


@dataclass(frozen=True)
class Cut:
    """How a recording is cut.

    Attributes
    ----------
    length : samples of a part.
    overlap : samples that neighbours share, at most half a part.
    """

    length: int
    overlap: int


@dataclass(frozen=True)
class Part:
    """A part of a recording.

    Attributes
    ----------
    y : float32 [channels, samples].
    start : its first sample in the recording.
    begin, end : the samples of the recording, `end` exclusive, on which this part has the last word.
    """

    y: np.ndarray
    start: int
    begin: int
    end: int


def cut(samples: int, spec: AudioSpec) -> Cut:
    """How a recording of `samples` samples a channel is cut; one part if it lasts at most ``spec.eval_max_s``."""
    longest = max(round(spec.eval_max_s * spec.sample_rate), 1)
    overlap = min(round(OVERLAP_S * spec.sample_rate), longest // 3)
    parts = max(-(-(samples - overlap) // (longest - overlap)), 1)
    if parts == 1:
        return Cut(max(samples, 1), min(overlap, max(samples, 1) // 2))
    return Cut(-(-(samples - overlap) // parts) + overlap, overlap)


def parts(blocks: Iterable[np.ndarray], how: Cut) -> Iterator[Part]:
    """The parts of audio that arrives in blocks.

    Parameters
    ----------
    blocks : float32 [channels, any number of samples], one after another
    how : from `cut`

    Yields
    ------
    Part
        All but the last are ``how.length`` long; together they cover every sample. None where there is no sample.
    """
    waiting: list[np.ndarray] = []
    samples = start = 0
    for block in blocks:
        waiting.append(block)
        samples += block.shape[1]
        while samples > how.length:  # one sample more, and so another part follows
            held = np.concatenate(waiting, axis=1)
            yield _part(held[:, : how.length], start, how, last=False)
            hop = how.length - how.overlap
            waiting, samples, start = [held[:, hop:]], samples - hop, start + hop
    if samples:
        yield _part(np.concatenate(waiting, axis=1), start, how, last=True)


def _part(y: np.ndarray, start: int, how: Cut, *, last: bool) -> Part:
    half = how.overlap // 2
    end = start + y.shape[1] - (0 if last else how.overlap - half)
    return Part(y, start, start + half if start else 0, end)
