"""Hum: mains at 50 or 60 Hz with its harmonics, as bad earthing or a dimmer brings it in."""

import numpy as np

from audio.damage.regions import Damaged, Region, rms, within_full_scale

NAME = "hum"
MAINS_HZ = (50.0, 60.0)
LEVEL_DB = (-18.0, -4.0)
LEAST_S = 3.0
_FADE_S = 0.05
_QUIETEST = 0.01


def add_hum(y: np.ndarray, rate: int, rng: np.random.Generator) -> Damaged:
    """Add hum for at least `LEAST_S`, half of the time for the whole signal, `LEVEL_DB` against the music.

    Harmonics fall by 1/k to 1/k^2; with a rectifier behind the fault the even ones are the strong ones, and the buzz of
    a dimmer has many.

    Parameters
    ----------
    y : np.ndarray [samples], float32
    rate : Hz
    rng : draws mains, drift, harmonics, level and place
    """
    duration = len(y) / rate
    length_s = duration if rng.random() < 0.5 else rng.uniform(min(LEAST_S, duration), duration)
    start = int(rng.uniform(0.0, duration - length_s) * rate)
    stop = min(len(y), start + max(1, round(length_s * rate)))
    time = np.arange(stop - start) / rate
    mains = rng.choice(MAINS_HZ) * rng.uniform(0.998, 1.002)
    slope = rng.uniform(1.0, 2.0)
    hum = np.zeros(stop - start)
    for harmonic in range(1, int(rng.integers(4, 13))):
        strength = harmonic**-slope * rng.uniform(0.3, 1.0)
        hum += strength * np.sin(2 * np.pi * (mains * harmonic * time + rng.random()))
    fade = min(len(hum) // 2, round(_FADE_S * rate))
    if fade:
        hum[:fade] *= np.linspace(0.0, 1.0, fade)
        hum[-fade:] *= np.linspace(1.0, 0.0, fade)
    level = max(rms(y), _QUIETEST) * 10.0 ** (rng.uniform(*LEVEL_DB) / 20.0)
    damaged = y.astype(np.float32, copy=True)
    damaged[start:stop] += (hum * level / max(rms(hum), 1e-9)).astype(np.float32)
    return Damaged(within_full_scale(damaged), (Region(NAME, start, stop),))
