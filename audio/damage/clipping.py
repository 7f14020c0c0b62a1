"""Clipping: an overloaded stage cuts the peaks flat; a fader behind it may hide that from whoever looks at the peak."""

import numpy as np
from scipy.ndimage import uniform_filter1d

from audio.damage.regions import Damaged, merged

NAME = "clipping"
SHARE = (0.003, 0.05)
LEVEL = (0.25, 1.0)
FLAT = 3
CLIPPED = 2e-4
CEILING_SHARE = 0.01
CEILING_DENSITY = 0.5
_GAP_S = 0.5
_BAND = 0.12
_RIPPLE_S = 2.5e-4
_LOUDEST = 5e-4
_QUIET = 0.02


def add_clipping(y: np.ndarray, rate: int, rng: np.random.Generator) -> Damaged:
    """Cut the peaks off at a level that `SHARE` of the samples lie beyond, then set the level anew.

    The regions hold runs of at least `FLAT` samples that were cut, those within half a second joined: between two
    peaks of one passage nobody hears the clipping end.

    Parameters
    ----------
    y : np.ndarray [samples], float32
    rate : Hz
    rng : draws the share and the level behind
    """
    magnitude = np.abs(y)
    limit = float(np.quantile(magnitude, 1.0 - rng.uniform(*SHARE)))
    if limit <= 0.0:
        return Damaged(y.astype(np.float32, copy=True), ())
    gain = rng.uniform(*LEVEL) / limit
    damaged = (np.clip(y, -limit, limit) * gain).astype(np.float32)
    return Damaged(damaged, merged(NAME, flat_runs(damaged, limit * gain, FLAT), round(_GAP_S * rate)))


def flat_runs(y: np.ndarray, limit: float, least: int) -> np.ndarray:
    """Samples that lie in runs of at least `least` samples at +-`limit`: np.ndarray [samples], bool."""
    flat = np.abs(y) >= limit * (1.0 - 1e-4)
    edges = np.diff(np.concatenate([[0], flat.astype(np.int8), [0]]))
    starts, stops = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
    long = stops - starts >= least
    marks = np.zeros(len(y) + 1, np.int32)
    np.add.at(marks, starts[long], 1)
    np.add.at(marks, stops[long], -1)
    return np.cumsum(marks[:-1]) > 0


def clipped_share(y: np.ndarray) -> float:
    """Share of samples in runs of at least `FLAT` at the signal's own peak, or beyond full scale: what it was clipped
    already. A lossy codec hides the ceiling of a loud master behind peaks of up to 6 dB beyond full scale, and whoever
    writes these down cuts them anew.
    """
    peak = min(float(np.max(np.abs(y), initial=0.0)), 1.0)
    return float(np.mean(flat_runs(y, peak, FLAT))) if peak > 0.0 else 0.0


def is_clipped(y: np.ndarray, rate: int) -> bool:
    """Whether a stretch was clipped already: a share of `CLIPPED` at its peak, or before somebody encoded it."""
    return clipped_share(y) > CLIPPED or stays_at_ceiling(y, rate)


def stays_at_ceiling(y: np.ndarray, rate: int) -> bool:
    """Whether the waveform stays below one level as music does that was clipped and encoded afterwards: the codec's
    ripple lies on what was flat, no two samples of it are equal, and `clipped_share` finds nothing.

    Without the ripple, more than `CEILING_SHARE` of the time is spent in the upper eighth of the magnitudes (the
    loudest moments apart), and more than `CEILING_DENSITY` of what is spent in the eighth below: where nothing holds
    them down, large magnitudes get rare fast. Of 438 recordings of music in Debian 14 are so somewhere and have no flat
    samples; two of them were looked at, and are clipped (docs/results/defects-debian.md). A steady tone cannot be told
    from it.

    Parameters
    ----------
    y : np.ndarray [samples]; a few seconds, in which the level does not change
    rate : Hz
    """
    magnitude = np.abs(uniform_filter1d(y, max(1, round(_RIPPLE_S * rate))))
    ceiling = float(np.quantile(magnitude, 1.0 - _LOUDEST)) if len(y) else 0.0
    upper = float(np.mean(magnitude > (1.0 - _BAND) * ceiling)) if ceiling > _QUIET else 0.0
    if upper <= CEILING_SHARE:
        return False
    lower = float(np.mean(magnitude > (1.0 - 2 * _BAND) * ceiling)) - upper
    return upper > CEILING_DENSITY * lower
