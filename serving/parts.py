"""Where a long recording is cut, so that no more than a part of it lies in memory.

Conventions
-----------
Parts overlap, are equally long but for the last, and at most as long as the longest piece that the gate judged
(``eval_max_s`` of the model's audio specification). A recording up to that length is one part: it is answered as a
server answers it. Where two parts overlap, each has the last word up to the middle of the overlap. Parts and borders
lie on a grid of `GRID_S`, and so on the frames of every model: what goes on over a border is cut at the same frame by
both, and no sliver of a frame is left.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from audio.spec import AudioSpec

GRID_S = 0.64
"""A whole number of frames of 10, 20, 32, 40 and 64 ms, and of samples at every usual rate."""
OVERLAP_S = 6 * GRID_S


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
    overlap, grid = min(round(OVERLAP_S * spec.sample_rate), longest // 3), round(GRID_S * spec.sample_rate)
    if overlap < 2 * grid:
        grid = 1  # parts too short for it
    overlap -= overlap % (2 * grid)
    if samples <= longest:
        return Cut(max(samples, 1), min(overlap, max(samples, 1) // 2))
    most = (longest - overlap) // grid
    parts = -(-(samples - overlap) // (most * grid))
    return Cut(-(-(samples - overlap) // (parts * grid)) * grid + overlap, overlap)


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
