"""TFDV's statistics as the page shows them: every feature, a column a split.

TFDV brings a viewer too (Facets, behind ``tfdv.visualize_statistics``); it is an HTML import from GitHub with a
polyfill from a CDN, so it is of no use offline. The protos hold all that it shows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tensorflow_metadata.proto.v0 import statistics_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from catalog.recording import SPLITS
from pipeline.pages.charts import Bucket, Histogram, histogram
from pipeline.pages.formatting import UNKNOWN, count, number, share

STATISTICS = "FeatureStats.pb"
OVERLAID = ("train", "eval")
TOP_VALUES = 12
LONGEST_VALUE = 80
Rows = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class TopValue:
    """A value of a feature and the share of the Examples that hold it, by split; None where TFDV did not keep it."""

    value: str
    shares: tuple[float | None, ...]


@dataclass(frozen=True)
class Feature:
    """A feature in every split.

    Attributes
    ----------
    name, kind : its name and TFDV's type of it.
    rows : label and one text a split.
    top : the most frequent values of text, by their share in the first split.
    histogram : of numbers, `OVERLAID` splits over each other.
    """

    name: str
    kind: str
    rows: Rows
    top: tuple[TopValue, ...]
    histogram: Histogram | None


@dataclass(frozen=True)
class Statistics:
    """What StatisticsGen wrote, splits in the order train, validation, eval, test."""

    splits: tuple[str, ...]
    examples: tuple[int, ...]
    features: tuple[Feature, ...]


def read_statistics(folder: Path) -> Statistics | None:
    """Reads an ExampleStatistics artifact; None where `folder` holds no statistics."""
    datasets = {}
    for path in sorted(folder.glob(f"Split-*/{STATISTICS}"), key=_order):
        found = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())
        if found.datasets:
            datasets[path.parent.name.removeprefix("Split-")] = found.datasets[0]
    if not datasets:
        return None
    by_name: dict[str, dict[str, FeatureNameStatistics]] = {}
    for split, dataset in datasets.items():
        for stats in dataset.features:
            by_name.setdefault(stats.name or ".".join(stats.path.step), {})[split] = stats
    splits = tuple(datasets)
    return Statistics(
        splits=splits,
        examples=tuple(dataset.num_examples for dataset in datasets.values()),
        features=tuple(_feature(name, by_name[name], splits) for name in sorted(by_name)),
    )


def _order(path: Path) -> tuple[int, str]:
    split = path.parent.name.removeprefix("Split-")
    return ([*SPLITS, split].index(split), split)


def _feature(name: str, by_split: Mapping[str, FeatureNameStatistics], splits: tuple[str, ...]) -> Feature:
    kinds = {FeatureNameStatistics.Type.Name(stats.type).lower() for stats in by_split.values()}
    form = next(iter(by_split.values())).WhichOneof("stats")

    def row(label: str, text: Callable[[Any, Any], str]) -> tuple[str, tuple[str, ...]]:
        cells = []
        for split in splits:
            stats = getattr(by_split[split], form) if split in by_split else None
            cells.append(UNKNOWN if stats is None else text(stats, stats.common_stats))
        return label, tuple(cells)

    rows = [
        row("present", lambda _, common: count(common.num_non_missing)),
        row("missing", lambda _, common: _missing(common)),
    ]
    if any(_common(stats).max_num_values > 1 for stats in by_split.values()):
        rows.append(row("values each", lambda _, c: f"{c.min_num_values} to {c.max_num_values}"))
    rows.extend(row(label, text) for label, text in ROWS.get(form, ()))
    return Feature(
        name=name,
        kind=", ".join(sorted(kinds)),
        rows=tuple(rows),
        top=_top_values(by_split, splits) if form == "string_stats" else (),
        histogram=_histogram(by_split) if form == "num_stats" else None,
    )


ROWS: Mapping[str, tuple[tuple[str, Callable[[Any, Any], str]], ...]] = {
    "num_stats": (
        ("smallest", lambda stats, _: number(stats.min)),
        ("median", lambda stats, _: number(stats.median)),
        ("mean", lambda stats, _: number(stats.mean)),
        ("largest", lambda stats, _: number(stats.max)),
        ("std deviation", lambda stats, _: number(stats.std_dev)),
        ("zeros", lambda stats, common: _ratio(stats.num_zeros, common.tot_num_values)),
    ),
    "string_stats": (
        ("different values", lambda stats, _: count(stats.unique)),
        ("average length", lambda stats, _: number(stats.avg_length)),
    ),
    "bytes_stats": (
        ("smallest (bytes)", lambda stats, _: count(stats.min_num_bytes)),
        ("mean (bytes)", lambda stats, _: count(stats.avg_num_bytes)),
        ("largest (bytes)", lambda stats, _: count(stats.max_num_bytes)),
    ),
}


def _common(stats: FeatureNameStatistics) -> statistics_pb2.CommonStatistics:
    return getattr(stats, stats.WhichOneof("stats")).common_stats


def _missing(common: statistics_pb2.CommonStatistics) -> str:
    if not common.num_missing:
        return "0"
    return f"{count(common.num_missing)} ({_ratio(common.num_missing, common.num_missing + common.num_non_missing)})"


def _ratio(part: float, whole: float) -> str:
    return share(part / whole) if whole else UNKNOWN


def _top_values(by_split: Mapping[str, FeatureNameStatistics], splits: tuple[str, ...]) -> tuple[TopValue, ...]:
    """The most frequent values; none where every Example has one of its own, as an id is."""
    shares: dict[str, dict[str, float]] = {}
    complete = set()
    for split, stats in by_split.items():
        text = stats.string_stats
        whole = text.common_stats.num_non_missing
        kept = {bucket.label: bucket.sample_count for bucket in text.rank_histogram.buckets}
        kept |= {top.value: top.frequency for top in text.top_values}
        shares[split] = {value: frequency / whole for value, frequency in kept.items()} if whole else {}
        if text.unique <= len(kept):
            complete.add(split)
    if all(stats.string_stats.unique == _common(stats).tot_num_values for stats in by_split.values()):
        return ()
    ranked = sorted(
        {value for of_split in shares.values() for value in of_split},
        key=lambda value: ([-shares.get(split, {}).get(value, 0.0) for split in splits], value),
    )
    return tuple(
        TopValue(
            value=value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 1] + "…",
            shares=tuple(shares.get(s, {}).get(value, 0.0 if s in complete else None) for s in splits),
        )
        for value in ranked[:TOP_VALUES]
    )


def _histogram(by_split: Mapping[str, FeatureNameStatistics]) -> Histogram | None:
    standard = statistics_pb2.Histogram.STANDARD
    sets = {}
    for split in OVERLAID:
        for found in by_split[split].num_stats.histograms if split in by_split else ():
            if found.type == standard:
                sets[split] = [Bucket(b.low_value, b.high_value, b.sample_count) for b in found.buckets]
    return histogram(sets)
