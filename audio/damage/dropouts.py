"""Dropouts: the signal is gone for some hundredths or tenths of a second, the timeline goes on."""

import numpy as np

from audio.damage.regions import Damaged, Region, rms

NAME = "dropout"
MOST = 4
LENGTH_S = (0.015, 0.4)
RAMP_S = 0.001
AUDIBLE = 0.003
_TRIES = 50


def add_dropouts(y: np.ndarray, rate: int, rng: np.random.Generator) -> Damaged:
    """Silence 1 to `MOST` gaps, each where there was something to hear before, in and behind it.

    Half of them begin and end at once, half fade within a millisecond.

    Parameters
    ----------
    y : np.ndarray [samples], float32
    rate : Hz
    rng : draws number, places, lengths and edges
    """
    damaged = y.astype(np.float32, copy=True)
    regions: list[Region] = []
    wanted = int(rng.integers(1, MOST + 1))
    for _ in range(_TRIES):
        if len(regions) == wanted:
            break
        length = round(rng.uniform(*LENGTH_S) * rate)
        start = int(rng.integers(0, max(1, len(y) - length)))
        stop = min(start + length, len(y))
        margin = length // 2 + 1
        parts = (y[max(0, start - margin) : start], y[start:stop], y[stop : stop + margin])
        taken = any(start < region.stop + rate // 10 and region.start < stop + rate // 10 for region in regions)
        if taken or min(map(rms, parts)) < AUDIBLE:
            continue
        ramp = max(1, round(RAMP_S * rate)) if rng.random() < 0.5 else 1
        fade = np.linspace(1.0, 0.0, ramp + 2, dtype=np.float32)[1:-1] if ramp > 1 else np.zeros(1, np.float32)
        damaged[start:stop] = 0.0
        damaged[start : start + ramp] = y[start : start + ramp] * fade
        damaged[stop - ramp : stop] = y[stop - ramp : stop] * fade[::-1]
        regions.append(Region(NAME, start, stop))
    return Damaged(damaged, tuple(sorted(regions, key=lambda region: region.start)))
