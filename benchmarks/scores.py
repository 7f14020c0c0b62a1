"""How well a system tags recordings, on all of them and on bootstrap samples at once.

Conventions
-----------
Every figure takes `counts` [resamples, recordings] (`benchmarks.intervals`) and answers one value a resample. A figure
without meaning on a resample (no recording with the tag, or none without it) is NaN there. Precision where nothing was
decided is 0: a system that never says a tag has no precision to claim.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.intervals import Interval, bootstrap_interval, cluster_counts

METRICS = ("precision", "recall", "ROC-AUC", "average precision")


@dataclass(frozen=True)
class System:
    """What a system says of the eval recordings.

    Attributes
    ----------
    name : for tables.
    scores : np.ndarray [recordings, tags]; higher is more likely.
    decisions : np.ndarray [recordings, tags], bool; thresholds are the system's own, learnt on validation.
    """

    name: str
    scores: np.ndarray
    decisions: np.ndarray


def _divide(numerator: np.ndarray, denominator: np.ndarray, otherwise: float) -> np.ndarray:
    safe = np.where(denominator > 0, denominator, 1)
    return np.where(denominator > 0, numerator / safe, otherwise)


def precision_recall(decided: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall of the decisions, each [resamples].

    Parameters
    ----------
    decided, labels : np.ndarray [recordings], bool
    counts : np.ndarray [resamples, recordings]
    """
    hits, said, there = (counts @ column.astype(np.int64) for column in (decided & labels, decided, labels))
    precision = np.where(there > 0, _divide(hits, said, 0.0), np.nan)
    return precision, _divide(hits, there, np.nan)


def ranking(scores: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Area under the ROC curve and average precision of the scores, ties taken together, each [resamples].

    ROC-AUC is the share of (tagged, untagged) pairs in the right order, ties counting half (Hanley & McNeil 1982);
    average precision is ``sum_n (R_n - R_{n-1}) P_n``.

    Parameters
    ----------
    scores : np.ndarray [recordings]
    labels : np.ndarray [recordings], bool
    counts : np.ndarray [resamples, recordings]
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    ordered, tagged = counts[:, order], labels[order]
    hits = np.cumsum(ordered * tagged, axis=1)[:, ends]
    misses = np.cumsum(ordered * ~tagged, axis=1)[:, ends]
    all_hits, all_misses = hits[:, -1:], misses[:, -1:]
    tied_hits, tied_misses = (np.diff(column, axis=1, prepend=0) for column in (hits, misses))
    right = np.sum(tied_hits * (all_misses - misses + tied_misses / 2), axis=1)
    area = _divide(right, (all_hits * all_misses)[:, 0], np.nan)
    precision = _divide(hits, hits + misses, 0.0)
    average = _divide(np.sum(tied_hits * precision, axis=1), all_hits[:, 0], np.nan)
    return area, np.where(all_misses[:, 0] > 0, average, np.nan)


def figures(system: System, labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """All `METRICS` of all tags on all resamples.

    Parameters
    ----------
    system : scores and decisions
    labels : np.ndarray [recordings, tags], bool
    counts : np.ndarray [resamples, recordings]

    Returns
    -------
    np.ndarray [resamples, tags, metrics]
    """
    columns = []
    for tag in range(labels.shape[1]):
        precision, recall = precision_recall(system.decisions[:, tag], labels[:, tag], counts)
        columns.append(np.stack([precision, recall, *ranking(system.scores[:, tag], labels[:, tag], counts)], axis=-1))
    return np.stack(columns, axis=1)


@dataclass(frozen=True)
class Judged:
    """Figures of a system with all that their intervals are made of.

    Attributes
    ----------
    name : of the system.
    values : np.ndarray [tags, metrics], on all recordings.
    samples : np.ndarray [resamples, tags, metrics].
    """

    name: str
    values: np.ndarray
    samples: np.ndarray

    def of_tag(self, tag: int, metric: int) -> Interval:
        """A figure of one tag."""
        return bootstrap_interval(self.values[tag, metric], self.samples[:, tag, metric])

    def macro(self, metric: int) -> Interval:
        """Mean over the tags that have a value on all recordings; a resample's, over those that have one there."""
        return bootstrap_interval(float(_mean(self.values[np.newaxis], metric)[0]), _mean(self.samples, metric))

    def minus(self, other: "Judged", metric: int) -> Interval:
        """The paired difference of the two systems' macro averages."""
        value = _mean(self.values[np.newaxis], metric) - _mean(other.values[np.newaxis], metric)
        return bootstrap_interval(float(value[0]), _mean(self.samples, metric) - _mean(other.samples, metric))


def _mean(samples: np.ndarray, metric: int) -> np.ndarray:
    """Mean over tags, [resamples]; NaN where no tag has a value."""
    column = samples[:, :, metric]
    defined = ~np.isnan(column)
    return _divide(np.sum(np.where(defined, column, 0.0), axis=1), defined.sum(axis=1), np.nan)


def judge(system: System, labels: np.ndarray, clusters: list[str], *, resamples: int, seed: int = 0) -> Judged:
    """Judge a system; equal clusters and seed give every system the same bootstrap samples.

    Parameters
    ----------
    labels : np.ndarray [recordings, tags], bool
    clusters : of each recording: its artist, or its id for the ordinary bootstrap
    """
    everything = np.ones((1, len(labels)), dtype=np.int64)
    samples = figures(system, labels, cluster_counts(clusters, resamples, seed))
    return Judged(system.name, figures(system, labels, everything)[0], samples)
