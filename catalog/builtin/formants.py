"""What each phoneme sounds like: formants, voicing, noise.

Vowel formants are near those of Peterson and Barney (1952) for men; a singer's vocal tract scales them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_HIGH_FORMANTS = (3400.0, 4400.0)
_BANDWIDTHS = (90.0, 110.0, 150.0, 220.0, 300.0)


@dataclass(frozen=True)
class Sounding:
    """One stretch of a phoneme.

    Attributes
    ----------
    formants : F1, F2, F3 in Hz; empty for noise that the mouth shapes into a band instead.
    band : (low, high) in Hz of that noise.
    voiced, noise : level of the glottal pulse and of the noise, 0..1.
    duration_s : None for a vowel, which takes what is left.
    """

    formants: tuple[float, ...]
    voiced: float
    noise: float
    duration_s: float | None
    band: tuple[float, float] = (200.0, 9000.0)


def _vowel(*formants: float) -> tuple[Sounding, ...]:
    return (Sounding(formants, 1.0, 0.0, None),)


def _sonorant(duration_s: float, level: float, *formants: float) -> tuple[Sounding, ...]:
    return (Sounding(formants, level, 0.0, duration_s),)


def _fricative(
    duration_s: float, low_hz: float, high_hz: float, level: float, voiced: float = 0.0
) -> tuple[Sounding, ...]:
    return (Sounding((), voiced, level, duration_s, (low_hz, high_hz)),)


def _plosive(low_hz: float, high_hz: float, voiced: float) -> tuple[Sounding, ...]:
    closure = Sounding((250.0, 1100.0, 2300.0), voiced, 0.0, 0.045)
    return (closure, Sounding((), 0.3 * voiced, 0.55 if voiced == 0 else 0.3, 0.025, (low_hz, high_hz)))


PHONEMES: Mapping[str, tuple[Sounding, ...]] = {
    "a": _vowel(750, 1220, 2500),
    "e": _vowel(490, 1900, 2550),
    "i": _vowel(290, 2250, 3000),
    "o": _vowel(480, 850, 2450),
    "u": _vowel(320, 720, 2250),
    "y": _vowel(320, 1480, 2300),
    "ə": _vowel(540, 1350, 2450),
    "æ": _vowel(680, 1700, 2450),
    "p": _plosive(300, 1500, 0.0),
    "t": _plosive(3000, 8000, 0.0),
    "k": _plosive(1300, 3500, 0.0),
    "b": _plosive(200, 1200, 0.25),
    "d": _plosive(2500, 6000, 0.25),
    "g": _plosive(1100, 3000, 0.25),
    "s": _fricative(0.09, 5000, 10000, 0.5),
    "sh": _fricative(0.09, 2200, 6500, 0.5),
    "f": _fricative(0.07, 1500, 9000, 0.2),
    "h": _fricative(0.06, 600, 4000, 0.2),
    "z": _fricative(0.07, 4500, 10000, 0.3, 0.3),
    "zh": _fricative(0.07, 2000, 6000, 0.3, 0.3),
    "v": _fricative(0.06, 1000, 7000, 0.1, 0.4),
    "m": _sonorant(0.07, 0.45, 260, 1000, 2200),
    "n": _sonorant(0.06, 0.45, 260, 1500, 2500),
    "l": _sonorant(0.06, 0.6, 360, 1150, 2700),
    "r": _sonorant(0.05, 0.6, 430, 1250, 1700),
    "w": _sonorant(0.06, 0.6, 300, 650, 2200),
    "j": _sonorant(0.05, 0.7, 280, 2150, 2900),
    "ch": (Sounding((250.0, 1100.0, 2300.0), 0.0, 0.0, 0.035), Sounding((), 0.0, 0.5, 0.06, (2500, 7000))),
    "ts": (Sounding((250.0, 1100.0, 2300.0), 0.0, 0.0, 0.035), Sounding((), 0.0, 0.5, 0.06, (5000, 10000))),
}


VOWELS = tuple(name for name, (*_, last) in PHONEMES.items() if last.duration_s is None)
CONSONANTS = tuple(name for name in PHONEMES if name not in VOWELS)


def log_response(sounding: Sounding, tract: float, frequencies_hz: NDArray[np.float64]) -> NDArray[np.float32]:
    r"""Logarithm of the magnitude that the mouth gives to the source.

    A cascade of resonators (Fant 1960): :math:`\prod_k F_k^2 / \sqrt{(F_k^2 - f^2)^2 + (B_k f)^2}`, for noise a band.

    Parameters
    ----------
    tract : factor on all formants.
    """
    f = frequencies_hz
    if not sounding.formants:
        low, high = sounding.band
        return np.asarray(
            -0.5 * np.log1p((low / np.maximum(f, 1.0)) ** 6) - 0.5 * np.log1p((f / high) ** 8), np.float32
        )
    total = np.zeros_like(f)
    for formant, bandwidth in zip((*sounding.formants, *_HIGH_FORMANTS), _BANDWIDTHS, strict=True):
        centre = formant * tract
        total += np.log(centre**2) - 0.5 * np.log((centre**2 - f**2) ** 2 + (bandwidth * tract * f) ** 2)
    # The poles above the fifth formant hold the spectrum up.
    total += 1.2 * np.log1p((f / (4500 * tract)) ** 4)
    return np.asarray(total, np.float32)
