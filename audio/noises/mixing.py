"""Noise under a sound at a given signal-to-noise ratio."""

import math

import numpy as np


def snr_db(clean: np.ndarray, noise: np.ndarray) -> float:
    """``10 log10(sum clean^2 / sum noise^2)``, in dB; infinite where the noise is silent."""
    return ratio_db(*(float(np.sum(np.square(y, dtype=np.float64))) for y in (clean, noise)))


def ratio_db(clean: float, noise: float) -> float:
    """The ratio of two powers in dB; infinite where the second is 0, minus infinite where only the first is."""
    if not noise:
        return float("inf")
    return 10 * math.log10(clean / noise) if clean else float("-inf")


def at_snr(clean: np.ndarray, noise: np.ndarray, wanted_db: float) -> np.ndarray:
    """`noise` scaled so that `snr_db` with `clean` is `wanted_db`.

    Parameters
    ----------
    clean, noise : np.ndarray [samples], neither silent

    Returns
    -------
    np.ndarray [samples], float32
    """
    return (noise * 10 ** ((snr_db(clean, noise) - wanted_db) / 20)).astype(np.float32)


def fill(noise: np.ndarray, samples: int, fade: int) -> np.ndarray:
    """A recording of noise made as long as needed: repeated, each repetition cross-faded into the next.

    Parameters
    ----------
    noise : np.ndarray [n], at least 2 samples
    samples : wanted
    fade : samples of a cross-fade, at most half of the recording is used; its squared weights sum to one, since noises
        do not add in phase

    Returns
    -------
    np.ndarray [samples], float32
    """
    if len(noise) >= samples:
        return noise[:samples].astype(np.float32)
    fade = min(fade, len(noise) // 2)
    hop = len(noise) - fade
    y = np.zeros(-(-samples // hop) * hop + fade, np.float32)
    weights = np.ones(len(noise), np.float32)
    rise = np.sin(0.5 * np.pi * (np.arange(fade) + 0.5) / max(fade, 1)).astype(np.float32)
    weights[:fade], weights[len(noise) - fade :] = rise, rise[::-1]
    for start in range(0, len(y) - len(noise) + 1, hop):
        y[start : start + len(noise)] += weights * noise
    return y[fade // 2 :][:samples] if len(y) - fade // 2 >= samples else y[:samples]
