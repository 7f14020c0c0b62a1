"""Crackle of worn records: many small impulses of very different size, over a bed of surface noise."""

import numpy as np

from audio.noises.shaping import coloured_noise, power_law, ring, scatter, unit_rms

NAME = "crackle"
_SHAPES = 8


def make_crackle(samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Impulses at random times, their sizes log-normal, each the ringing of a pick-up, unit RMS.

    Returns
    -------
    np.ndarray [samples], float32
    """
    count = max(1, rng.poisson(rng.uniform(25, 250) * samples / sample_rate))
    starts = rng.integers(0, samples, count)
    gains = np.exp(rng.uniform(0.5, 1.1) * rng.standard_normal(count)) * rng.choice([-1.0, 1.0], count)
    shapes = [
        ring(f, d, sample_rate, p)
        for f, d, p in zip(
            rng.uniform(700, min(6000, 0.4 * sample_rate), _SHAPES),
            rng.uniform(1e-4, 5e-4, _SHAPES),
            rng.uniform(0, 1.5, _SHAPES),
            strict=True,
        )
    ]
    impulses = unit_rms(scatter(samples, shapes, starts, gains, rng.integers(0, _SHAPES, count)))
    surface = coloured_noise(samples, sample_rate, power_law(rng.uniform(0.0, 1.2)), rng)
    return unit_rms(impulses + rng.uniform(0.05, 0.5) * surface)
