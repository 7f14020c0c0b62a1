"""Noise bursts: a bad cable, a radio, bytes of something else played as audio: noise that begins and ends at once."""

import numpy as np
import scipy.signal

from audio.damage.regions import Damaged, Region, rms, within_full_scale

NAME = "burst"
MOST = 3
LENGTH_S = (0.05, 0.6)
LEVEL_DB = (-6.0, 9.0)
_QUIETEST = 0.02
_LOWEST_HZ = (20.0, 2000.0)


def add_bursts(y: np.ndarray, rate: int, rng: np.random.Generator) -> Damaged:
    """Add 1 to `MOST` bursts of noise above a random frequency, `LEVEL_DB` against the music around, with hard edges.

    In a third of them the noise stands in for the music, as when foreign bytes are played.

    Parameters
    ----------
    y : np.ndarray [samples], float32
    rate : Hz
    rng : draws number, places, lengths, colour and levels
    """
    damaged = y.astype(np.float32, copy=True)
    regions: list[Region] = []
    for _ in range(int(rng.integers(1, MOST + 1))):
        length = min(len(y), round(rng.uniform(*LENGTH_S) * rate))
        start = int(rng.integers(0, len(y) - length + 1))
        lowest, replaces = rng.uniform(*_LOWEST_HZ), rng.random() < 1 / 3
        level = 10.0 ** (rng.uniform(*LEVEL_DB) / 20.0)
        noise = rng.standard_normal(length)
        if any(start < region.stop and region.start < start + length for region in regions):
            continue
        high = scipy.signal.butter(2, lowest, "high", fs=rate, output="sos")
        noise = scipy.signal.sosfilt(high, noise)
        noise *= level * max(_QUIETEST, rms(y[start : start + length])) / max(rms(noise), 1e-9)
        kept = 0.0 if replaces else 1.0
        damaged[start : start + length] = kept * y[start : start + length] + noise.astype(np.float32)
        regions.append(Region(NAME, start, start + length))
    return Damaged(within_full_scale(damaged), tuple(sorted(regions, key=lambda region: region.start)))
