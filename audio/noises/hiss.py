"""Hiss of tapes, amplifiers and microphones: steady noise, from white to pink, its level nearly still."""

import numpy as np

from audio.noises.shaping import coloured_noise, drift, power_law, unit_rms

NAME = "hiss"


def make_hiss(samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Noise with a random tilt, presence and upper end, unit RMS.

    Returns
    -------
    np.ndarray [samples], float32
    """
    tilt = power_law(rng.uniform(-0.4, 1.1))
    centre_hz, width, boost = rng.uniform(1500, 7000), rng.uniform(0.3, 1.0), rng.uniform(-0.5, 1.0)
    top_hz = rng.uniform(0.35, 1.5) * sample_rate / 2

    def gain(hz: np.ndarray) -> np.ndarray:
        presence = 1 + boost * np.exp(-0.5 * (np.log2(hz / centre_hz) / width) ** 2)
        return tilt(hz) * presence / np.sqrt(1 + (hz / top_hz) ** 6)

    y = coloured_noise(samples, sample_rate, gain, rng)
    level_db = rng.uniform(0.0, 0.8) * drift(samples, sample_rate, rng.uniform(0.1, 1.0), rng)
    return unit_rms(y * 10 ** (level_db / 20))
