"""What a bad recording chain adds: resonances, early reflections of a small room, soft saturation.

Unlike a noise it depends on the music: it is the coloured sound less the clean one, at the level at which their
difference knows nothing of the clean sound (is orthogonal to it).
"""

import numpy as np
import scipy.signal

from audio.noises.shaping import unit_rms

NAME = "chain"


def peaking(centre_hz: float, gain_db: float, q: float, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients b, a of a peaking equaliser (Bristow-Johnson's cookbook)."""
    amplitude, omega = 10 ** (gain_db / 40), 2 * np.pi * centre_hz / sample_rate
    alpha = np.sin(omega) / (2 * q)
    b = np.array([1 + alpha * amplitude, -2 * np.cos(omega), 1 - alpha * amplitude])
    a = np.array([1 + alpha / amplitude, -2 * np.cos(omega), 1 - alpha / amplitude])
    return b / a[0], a / a[0]


def coloured(y: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """`y` [samples] through a random chain: saturated, resonant, in a small room; float64 [samples]."""
    drive = rng.uniform(0.3, 1.5)
    loud = np.quantile(np.abs(y), 0.995) + 1e-9
    z = loud / drive * np.tanh(drive * y / loud) if rng.random() < 0.7 else y.astype(np.float64)
    for _ in range(int(rng.integers(2, 5))):
        centre_hz = np.exp(rng.uniform(np.log(120), np.log(min(5000, 0.4 * sample_rate))))
        b, a = peaking(centre_hz, rng.uniform(4, 12), rng.uniform(1, 6), sample_rate)
        z = scipy.signal.lfilter(b, a, z)
    echo = z.copy()
    for _ in range(int(rng.integers(3, 8))):
        delay = round(rng.uniform(2e-3, 40e-3) * sample_rate)
        if delay < len(z):
            echo[delay:] += rng.choice([-1.0, 1.0]) * 10 ** (rng.uniform(-22, -10) / 20) * z[: len(z) - delay]
    return echo


def make_residual(y: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """What a random chain adds to a sound.

    Parameters
    ----------
    y : np.ndarray [samples], the clean sound, not silent
    sample_rate : Hz

    Returns
    -------
    np.ndarray [samples], float32, unit RMS, orthogonal to `y`
    """
    z = coloured(y, sample_rate, rng)
    clean = y.astype(np.float64)
    return unit_rms(z - clean * (np.dot(z, clean) / np.dot(clean, clean)))
