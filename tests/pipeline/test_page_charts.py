import re
from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from pipeline.pages.charts import HEIGHT, WIDTH, Bucket, common_scale, histogram


@st.composite
def buckets(draw: st.DrawFn) -> list[Bucket]:
    ends = sorted(draw(st.lists(st.integers(-1000, 1000), min_size=2, max_size=8, unique=True)))
    counts = draw(st.lists(st.integers(1, 50), min_size=len(ends) - 1, max_size=len(ends) - 1))
    return [Bucket(low, high, count) for (low, high), count in zip(pairwise(ends), counts, strict=True)]


def outline(path: str) -> list[tuple[float, float]]:
    """The corners of a path made of M, H, V and Z."""
    x = y = 0.0
    corners = []
    for command, rest in re.findall(r"([MHV])([^MHVZ]*)", path):
        numbers = [float(number) for number in rest.split()]
        x, y = numbers if command == "M" else (numbers[0], y) if command == "H" else (x, numbers[0])
        corners.append((x, y))
    return corners


def area(path: str) -> float:
    corners = outline(path)
    return sum((x1 - x0) * (HEIGHT - y0) for (x0, y0), (x1, _) in pairwise(corners))


@settings(deadline=None)
@given(buckets(), buckets())
def test_equal_shares_have_equal_areas(train: list[Bucket], evaluation: list[Bucket]) -> None:
    drawn = histogram({"train": train, "eval": evaluation})
    assert drawn is not None
    for path in drawn.paths.values():
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in outline(path))
    assert min(y for path in drawn.paths.values() for _, y in outline(path)) == 0
    assert area(drawn.paths["train"]) == pytest.approx(area(drawn.paths["eval"]), rel=0.05, abs=1)


def test_one_value_everywhere_has_no_histogram() -> None:
    assert histogram({"train": [Bucket(2, 2, 10)], "eval": [Bucket(2, 2, 4)]}) is None
    assert histogram({}) is None


@settings(deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=1))
def test_every_value_lies_on_the_scale_in_order(values: list[float]) -> None:
    scale = common_scale([*values, float("nan")])
    assert scale.low <= min(values)
    assert scale.high >= max(values)
    placed = [scale(value) for value in sorted(values)]
    assert placed == sorted(placed)
