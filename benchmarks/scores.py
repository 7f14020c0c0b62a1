"""How well a system tags recordings, on all of them and on bootstrap samples at once.

Conventions
-----------
Every figure takes `counts` [resamples, recordings] (`benchmarks.intervals`) and answers one value a resample. A figure
without meaning on a resample (no recording with the tag, or none without it) is NaN there. Precision where nothing was
decided is 0: a system that never says a tag has no precision to claim.

Scores of recordings in different folds come from different trainings and are not on one scale: where folds are given,
recordings are only ranked against those of their own fold, and decisions, which have a meaning of their own, are taken
together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.intervals import Interval, bootstrap_interval, cluster_counts

METRICS = ("precision", "recall", "ROC-AUC", "average precision")
DECISION = 0.5
"""From what calibrated probability on a recording has a tag."""


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


def ranking(
    scores: np.ndarray, labels: np.ndarray, counts: np.ndarray, folds: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Area under the ROC curve and average precision of the scores, ties taken together, each [resamples].

    ROC-AUC is the share of (tagged, untagged) pairs in the right order, ties counting half (Hanley & McNeil 1982): with
    folds, of the pairs within one. Average precision is ``sum_n (R_n - R_{n-1}) P_n``, the mean over the tagged
    recordings of the precision at their place: with folds, at their place in their own. A fold in which all recordings
    drawn are tagged, or none, ranks nothing.

    Parameters
    ----------
    scores : np.ndarray [recordings]
    labels : np.ndarray [recordings], bool
    counts : np.ndarray [resamples, recordings]
    folds : np.ndarray [recordings]; one fold by default
    """
    members = (
        [np.arange(len(scores))] if folds is None else [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    )
    parts = [_ranking_parts(scores[member], labels[member], counts[:, member]) for member in members]
    right, pairs, precision, tagged = np.sum(parts, axis=0)
    return _divide(right, pairs, np.nan), _divide(precision, tagged, np.nan)


def _ranking_parts(scores: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Pairs in the right order, pairs, summed precision at tagged recordings, and those: [4, resamples]."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    ordered, tagged = counts[:, order], labels[order]
    hits = np.cumsum(ordered * tagged, axis=1)[:, ends]
    misses = np.cumsum(ordered * ~tagged, axis=1)[:, ends]
    all_hits, all_misses = hits[:, -1], misses[:, -1]
    tied_hits, tied_misses = (np.diff(column, axis=1, prepend=0) for column in (hits, misses))
    right = np.sum(tied_hits * (all_misses[:, np.newaxis] - misses + tied_misses / 2), axis=1)
    precision = np.sum(tied_hits * _divide(hits, hits + misses, 0.0), axis=1)
    ranked = all_misses > 0
    return np.stack([right, all_hits * all_misses, ranked * precision, ranked * all_hits])


def figures(system: System, labels: np.ndarray, counts: np.ndarray, folds: np.ndarray | None = None) -> np.ndarray:
    """All `METRICS` of all tags on all resamples.

    Parameters
    ----------
    system : scores and decisions
    labels : np.ndarray [recordings, tags], bool
    counts : np.ndarray [resamples, recordings]
    folds : np.ndarray [recordings]; one fold by default

    Returns
    -------
    np.ndarray [resamples, tags, metrics]
    """
    columns = []
    for tag in range(labels.shape[1]):
        precision, recall = precision_recall(system.decisions[:, tag], labels[:, tag], counts)
        ranked = ranking(system.scores[:, tag], labels[:, tag], counts, folds)
        columns.append(np.stack([precision, recall, *ranked], axis=-1))
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


def judge(
    trainings: Sequence[System],
    labels: np.ndarray,
    clusters: list[str],
    *,
    resamples: int,
    folds: np.ndarray | None = None,
    seed: int = 0,
) -> Judged:
    """Judge a system; equal clusters and seed give every system the same bootstrap samples.

    Parameters
    ----------
    trainings : what the system says after each training of it: every figure is the mean of theirs, on each resample as
        on all recordings
    labels : np.ndarray [recordings, tags], bool
    clusters : of each recording: its artist, or its id for the ordinary bootstrap
    folds : np.ndarray [recordings], the training that answered for each; one by default
    """
    everything, drawn = np.ones((1, len(labels)), dtype=np.int64), cluster_counts(clusters, resamples, seed)
    values, samples = (
        np.mean([figures(system, labels, counts, folds) for system in trainings], axis=0)
        for counts in (everything, drawn)
    )
    return Judged(trainings[0].name, values[0], samples)
