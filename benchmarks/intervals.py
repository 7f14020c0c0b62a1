"""Intervals of a measured figure: over recordings by the bootstrap, over seeds by Student's t.

Conventions
-----------
A bootstrap sample is written as counts: how often each recording was drawn, [resamples, recordings]. Two systems judged
with the same counts are compared on the same recordings, so that the interval of their difference is a paired one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A figure between two bounds; NaN where it is not defined."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def signed(self) -> str:
        """The same for a difference."""
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"

    @property
    def excludes_zero(self) -> bool:
        """Whether both bounds lie on one side of zero."""
        return self.low > 0 or self.high < 0


def cluster_counts(clusters: Sequence[str], resamples: int, seed: int) -> np.ndarray:
    """Bootstrap samples that draw whole clusters with replacement (Davison & Hinkley 1997, section 3.8, "strategy 1").

    Recordings of one artist are alike, so that drawing them one by one would take them for more evidence than they are;
    drawing artists does not. One cluster a recording gives the ordinary bootstrap.

    Parameters
    ----------
    clusters : the cluster of each recording
    resamples : bootstrap samples
    seed : of the draws

    Returns
    -------
    np.ndarray [resamples, recordings], int64: how often each recording was drawn

    Raises
    ------
    ValueError
        There are no recordings, or resamples is not positive.
    """
    if not len(clusters) or resamples < 1:
        raise ValueError(f"{len(clusters)} recordings and resamples={resamples}: at least one of each is needed")
    names, member = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    return np.asarray(drawn[:, member], dtype=np.int64)


def bootstrap_interval(value: float, samples: np.ndarray, level: float = LEVEL) -> Interval:
    """The percentile interval (Efron & Tibshirani 1993, section 13.3).

    Parameters
    ----------
    value : the figure on all recordings
    samples : np.ndarray [resamples], the figure on each bootstrap sample; those where it is NaN, undefined, are left
        out
    level : share of samples within the interval, 0 to 1
    """
    defined = samples[~np.isnan(samples)]
    if not len(defined):
        return Interval(float(value), float("nan"), float("nan"))
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(value), float(low), float(high))


def mean_interval(values: Sequence[float], level: float = LEVEL) -> Interval:
    """Mean of independent repeats with Student's t interval; of paired differences, the paired t interval.

    Parameters
    ----------
    values : one a repeat; with a single one the bounds are NaN
    """
    array = np.asarray(values, dtype=np.float64)
    mean = float(array.mean())
    if len(array) < 2:
        return Interval(mean, float("nan"), float("nan"))
    half = float(scipy.stats.t.ppf((1 + level) / 2, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array)))
    return Interval(mean, mean - half, mean + half)
