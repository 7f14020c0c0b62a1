"""A damaged signal, and where the damage is heard."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Region:
    """Samples `start` to `stop` (exclusive) of a signal that hold the defect `name`."""

    name: str
    start: int
    stop: int


@dataclass(frozen=True)
class Removal:
    """`count` samples that are missing; those around them meet at sample `at` of the damaged signal."""

    at: int
    count: int


@dataclass(frozen=True)
class Damaged:
    """What a kind of damage left.

    Attributes
    ----------
    y : np.ndarray [samples], float32; shorter than the original by all removals.
    regions : in order of their start, in samples of `y`.
    removals : in order, where the timeline shrank.
    """

    y: np.ndarray
    regions: tuple[Region, ...]
    removals: tuple[Removal, ...] = ()


def shifted(regions: Iterable[Region], removals: Sequence[Removal]) -> tuple[Region, ...]:
    """Regions of a signal in the time of what `removals` left of it; one that was removed whole is gone.

    Parameters
    ----------
    regions : in samples of the signal before
    removals : in order, their places in samples of the signal after
    """

    def place(sample: int) -> int:
        for removal in removals:
            if sample <= removal.at:
                break
            sample = max(removal.at, sample - removal.count)
        return sample

    moved = (Region(region.name, place(region.start), place(region.stop)) for region in regions)
    return tuple(region for region in moved if region.stop > region.start)


def merged(name: str, marked: np.ndarray, gap: int) -> tuple[Region, ...]:
    """The stretches of `marked` as regions; those less than `gap` samples apart are one.

    Parameters
    ----------
    name : of the defect
    marked : np.ndarray [samples], bool
    gap : samples
    """
    places = np.flatnonzero(marked)
    if not len(places):
        return ()
    breaks = np.flatnonzero(np.diff(places) > gap)
    starts, stops = places[np.append(0, breaks + 1)], places[np.append(breaks, len(places) - 1)] + 1
    return tuple(Region(name, int(start), int(stop)) for start, stop in zip(starts, stops, strict=True))


def within_full_scale(y: np.ndarray) -> np.ndarray:
    """A signal turned down as a whole where it would exceed +-1.0: cut off, it has a defect that no label tells."""
    return np.asarray(y / max(1.0, float(np.max(np.abs(y), initial=0.0))), np.float32)


def rms(y: np.ndarray) -> float:
    """Root of the mean square, 0 of nothing."""
    return float(np.sqrt(np.mean(np.square(y, dtype=np.float64)))) if len(y) else 0.0
