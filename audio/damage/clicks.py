"""Clicks: scratches and static discharges of well under a millisecond to two, at random places."""

import numpy as np

from audio.damage.regions import Damaged, Region, within_full_scale

NAME = "click"
MOST = 8
LENGTH_S = (0.0001, 0.0015)
LEVEL = (3.0, 12.0)
LEAST = 0.08
_REACH_S = 0.02


def add_clicks(y: np.ndarray, rate: int, rng: np.random.Generator) -> Damaged:
    """Add 1 to `MOST` clicks: a step that rings out, `LEVEL` times as high as the music around it is loud.

    Parameters
    ----------
    y : np.ndarray [samples], float32
    rate : Hz
    rng : draws number, places, lengths, levels and forms
    """
    damaged = y.astype(np.float32, copy=True)
    regions = []
    reach = round(_REACH_S * rate)
    for at in np.sort(rng.integers(0, len(y), rng.integers(1, MOST + 1))):
        length = max(2, round(rng.uniform(*LENGTH_S) * rate))
        around = y[max(0, at - reach) : at + reach]
        height = max(LEAST, rng.uniform(*LEVEL) * float(np.sqrt(np.mean(np.square(around)))))
        time = np.arange(length) / length
        shape = np.exp(-4.0 * time) * np.cos(2 * np.pi * rng.uniform(0.0, 3.0) * time)
        click = (height * rng.choice((-1.0, 1.0)) * shape)[: len(y) - at]
        damaged[at : at + length] += click.astype(np.float32)
        regions.append(Region(NAME, int(at), int(at) + len(click)))
    return Damaged(within_full_scale(damaged), tuple(regions))
