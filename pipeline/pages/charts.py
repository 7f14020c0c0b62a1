"""Geometry of the charts: where values lie, in the units of an SVG's view box. The templates draw them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 100.0, 40.0
SINGLE = 0.1
"""Width of a bucket that holds one single value, as a share of the axis: that of one of TFDV's ten buckets."""


@dataclass(frozen=True)
class Scale:
    """Maps values from [low, high] to [0, 100]; values outside lie on the ends."""

    low: float
    high: float

    def __call__(self, value: float) -> float:
        """Where `value` lies."""
        inside = min(max(value, self.low), self.high)
        return round(WIDTH * (inside - self.low) / (self.high - self.low), 2)


def common_scale(values: Iterable[float]) -> Scale:
    """The scale for `values` of one metric: [0, 1] if they fit, else between the whole numbers around them."""
    finite = [value for value in values if math.isfinite(value)]
    if all(0 <= value <= 1 for value in finite):
        return Scale(0.0, 1.0)
    low, high = math.floor(min(finite)), math.ceil(max(finite))
    return Scale(float(low), float(max(high, low + 1)))


@dataclass(frozen=True)
class Bucket:
    """`count` values between `low` and `high`."""

    low: float
    high: float
    count: float


@dataclass(frozen=True)
class Histogram:
    """Densities of several sets of values over one axis.

    Attributes
    ----------
    low, high : ends of the axis.
    paths : by the name of the set, a closed SVG path in a box of `WIDTH` x `HEIGHT`; equal areas are equal shares.
    """

    low: float
    high: float
    paths: Mapping[str, str]


def histogram(sets: Mapping[str, Sequence[Bucket]]) -> Histogram | None:
    """The histogram of `sets`; None where there is nothing to see: no bucket, or one value everywhere.

    Sets may differ in their buckets and their size, so what is drawn is density: share of the set by width of bucket.
    """
    finite = {
        name: [b for b in buckets if math.isfinite(b.low) and math.isfinite(b.high) and b.count > 0]
        for name, buckets in sets.items()
    }
    ends = [end for buckets in finite.values() for b in buckets for end in (b.low, b.high)]
    if not ends or min(ends) == max(ends):
        return None
    scale = Scale(min(ends), max(ends))
    steps = {name: _steps(buckets, scale) for name, buckets in finite.items() if buckets}
    highest = max(density for shape in steps.values() for _, _, density in shape)
    return Histogram(scale.low, scale.high, {name: _path(shape, highest) for name, shape in steps.items()})


def _steps(buckets: Sequence[Bucket], scale: Scale) -> list[tuple[float, float, float]]:
    total = sum(bucket.count for bucket in buckets)
    steps = []
    for bucket in buckets:
        left = scale(bucket.low)
        width = scale(bucket.high) - left or SINGLE * WIDTH
        left = min(left, WIDTH - width)
        steps.append((left, left + width, bucket.count / total / width))
    return steps


def _path(steps: Sequence[tuple[float, float, float]], highest: float) -> str:
    parts = []
    right = None
    for left, end, density in steps:
        y = HEIGHT * (1 - density / highest)
        if right is None:
            parts.append(f"M{left:.2f} {HEIGHT:g}")
        elif left > right:
            parts.append(f"V{HEIGHT:g}H{left:.2f}")
        parts.append(f"V{y:.2f}H{end:.2f}")
        right = end
    return "".join(parts) + f"V{HEIGHT:g}Z"
