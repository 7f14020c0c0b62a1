"""Mains hum: 50 or 60 Hz with its harmonics, from a soft hum of a transformer to the buzz of a dimmer."""

import numpy as np

from audio.noises.shaping import drift, unit_rms

NAME = "hum"
_HIGHEST_HZ = 4000.0


def make_hum(samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Harmonics of a mains frequency with random weights, drifting as mains do, unit RMS.

    Returns
    -------
    np.ndarray [samples], float32
    """
    mains_hz = float(rng.choice([50.0, 60.0])) * rng.uniform(0.996, 1.004)
    cycles = np.cumsum(mains_hz * (1 + 2e-4 * drift(samples, sample_rate, 0.2, rng))) / sample_rate
    count = int(min(_HIGHEST_HZ, 0.45 * sample_rate) // mains_hz)
    order = np.arange(1, count + 1)
    slope = rng.uniform(0.6, 2.2)  # a buzz falls slowly, a hum fast
    weights = order**-slope * np.exp(0.6 * rng.standard_normal(count))
    if rng.random() < 0.5:
        weights[order % 2 == int(rng.integers(2))] *= 0.2  # full-wave rectifiers have even harmonics, dimmers odd ones
    audible = 1 + int(np.flatnonzero(weights > 1e-3 * weights.max())[-1])
    tones = weights * np.exp(2j * np.pi * rng.uniform(0, 1, count))
    turning = np.exp(2j * np.pi * cycles)
    series = np.zeros(samples, np.complex128)
    for tone in tones[:audible][::-1]:  # Horner: sum of tone_k turning^k
        series = (series + tone) * turning
    y = series.real
    level_db = rng.uniform(0.0, 1.0) * drift(samples, sample_rate, 0.3, rng)
    return unit_rms(y * 10 ** (level_db / 20))
