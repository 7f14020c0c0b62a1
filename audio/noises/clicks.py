"""Clicks: scratches, bad edits, digital slips. A few each second, each loud and over within milliseconds."""

import numpy as np

from audio.noises.shaping import ring, scatter, unit_rms

NAME = "clicks"
_SHAPES = 6


def make_clicks(samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Clicks at random times or, as of a scratch across a record, once a turn; unit RMS.

    Returns
    -------
    np.ndarray [samples], float32, silent between the clicks
    """
    rate_hz = rng.uniform(2, 12)
    count = max(1, round(rate_hz * samples / sample_rate))
    if rng.random() < 0.3:
        turn_s = 60 / rng.choice([33.33, 45.0, 78.0])
        turns = np.arange(rng.uniform(0, turn_s), samples / sample_rate, turn_s)
        strokes = rng.uniform(0, turn_s, max(1, round(rate_hz * turn_s)))
        times_s = (turns[:, None] + strokes[None] + 1e-3 * rng.standard_normal((len(turns), len(strokes)))).ravel()
        starts = np.round(times_s * sample_rate).astype(np.int64)
        starts = starts[(starts >= 0) & (starts < samples)]
        if not len(starts):
            starts = rng.integers(0, samples, 1)
    else:
        starts = rng.integers(0, samples, count)
    shapes = [_click(sample_rate, rng) for _ in range(_SHAPES)]
    gains = 10 ** (rng.uniform(-6, 6, len(starts)) / 20) * rng.choice([-1.0, 1.0], len(starts))
    return unit_rms(scatter(samples, shapes, starts, gains, rng.integers(0, _SHAPES, len(starts))))


def _click(sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """One click: a ringing, or a step that falls back."""
    if rng.random() < 0.5:
        return ring(
            rng.uniform(300, min(5000, 0.4 * sample_rate)), rng.uniform(2e-4, 8e-4), sample_rate, rng.uniform(0, 1.5)
        )
    t = np.arange(round(rng.uniform(5e-4, 4e-3) * sample_rate) + 2) / sample_rate
    return np.asarray(np.exp(-t / rng.uniform(2e-4, 1.5e-3)))
