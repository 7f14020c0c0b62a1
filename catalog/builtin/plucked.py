"""Instruments whose sound dies away by itself: piano, guitars, basses, bells.

Each function plays one note: (frequency_hz, duration_s, timbre, rng) -> mono [samples]. A struck or plucked string is a
sum of partials k with frequency k f sqrt(1 + B k^2) (stiffness B) that die away the faster the higher they are
(Fletcher and Rossing, The Physics of Musical Instruments, 1998, ch. 2 and 12).
"""

from dataclasses import dataclass

import numpy as np

from catalog.builtin.artists import Timbre
from catalog.builtin.oscillators import Sound, decay, noise, peak_normalised, ring, samples, swell


@dataclass(frozen=True)
class String:
    """A kind of string.

    Attributes
    ----------
    fall : partial k starts at k**-fall.
    pluck : where it is plucked or struck, as a share of its length; partials with a node there are missing.
    stiffness : B above.
    damping, high_damping : decay in 1/s of the lowest partial at 110 Hz, and what each further harmonic adds to it.
    strings : how many unisons, set apart by the artist's detuning.
    """

    fall: float
    pluck: float
    stiffness: float
    damping: float
    high_damping: float
    partials: int
    strings: int = 1


PIANO = String(fall=0.9, pluck=0.12, stiffness=4e-4, damping=1.1, high_damping=0.35, partials=28, strings=2)
STEEL = String(fall=0.75, pluck=0.18, stiffness=5e-5, damping=1.8, high_damping=0.28, partials=36)
NYLON = String(fall=1.25, pluck=0.3, stiffness=2e-5, damping=2.6, high_damping=0.9, partials=20)
HOLLOW = String(fall=1.5, pluck=0.38, stiffness=2e-5, damping=2.2, high_damping=0.6, partials=14)
BASS = String(fall=1.05, pluck=0.22, stiffness=5e-5, damping=1.4, high_damping=0.5, partials=24)
UPRIGHT = String(fall=1.7, pluck=0.4, stiffness=3e-5, damping=3.2, high_damping=1.6, partials=12)


def string(kind: String, frequency_hz: float, count: int, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """Play one string freely for `count` samples."""
    k = np.arange(1, kind.partials + 1)
    pluck = kind.pluck * (0.75 + 0.5 * timbre.colour)
    amplitude = np.abs(np.sin(np.pi * k * pluck)) * k ** (-kind.fall + timbre.brightness)
    damping = (kind.damping * (frequency_hz / 110.0) ** 0.5 + kind.high_damping * (k - 1)) / timbre.decay
    partial_hz = frequency_hz * k * np.sqrt(1 + kind.stiffness * k**2)
    y = np.zeros(count, np.float32)
    for _ in range(kind.strings):
        cents = rng.normal(0, timbre.detune_cents / 6)
        y += ring(partial_hz * 2 ** (cents / 1200), amplitude, damping, count, rng.uniform(0, 2 * np.pi, len(k)))
    return peak_normalised(y)


def piano(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """A hammer, two strings, and the thump of the key."""
    count = samples(duration_s + 0.25)
    y = string(PIANO, frequency_hz, count, timbre, rng) * swell(count, 0.002 * timbre.attack, 0.2)
    thump = noise(min(count, 2500), 80, 900, rng)
    y[: len(thump)] += 0.1 * thump * decay(len(thump), 0.05)
    return y


def clean_guitar(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """An electric guitar with a light chorus: steel string, pick, bright."""
    count = samples(duration_s + 0.06)
    y = string(STEEL, frequency_hz, count, timbre, rng)
    y += 0.5 * string(STEEL, frequency_hz * 2 ** (timbre.detune_cents / 1200), count, timbre, rng)
    return _picked(y, count, 2000, 9000, 0.5, timbre, rng)


def acoustic_guitar(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """Nylon string and the two resonances of the body."""
    count = samples(duration_s + 0.06)
    y = string(NYLON, frequency_hz, count, timbre, rng)
    body = ring([105.0 + 20 * timbre.colour, 210.0 + 30 * timbre.colour], [0.12, 0.08], [18.0, 24.0], count)
    return _picked(y + body, count, 1500, 7000, 0.5, timbre, rng)


def jazz_guitar(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """A hollow body, the tone rolled off."""
    count = samples(duration_s + 0.08)
    return _picked(string(HOLLOW, frequency_hz, count, timbre, rng), count, 1500, 6000, 0.35, timbre, rng)


def raw_guitar(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """A steel string that hardly dies, to be driven into distortion together with others (`instruments.drive`)."""
    count = samples(duration_s + 0.03)
    long = Timbre(timbre.brightness, timbre.detune_cents, timbre.attack, 3.0 * timbre.decay, timbre.colour)
    return string(STEEL, frequency_hz, count, long, rng) * swell(count, 0.002, 0.03)


def electric_bass(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """Plucked with a finger, damped at the end of the note."""
    count = samples(duration_s + 0.05)
    return _picked(string(BASS, frequency_hz, count, timbre, rng), count, 500, 2500, 0.08, timbre, rng)


def upright_bass(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """Dark and short, with the thud of the finger."""
    count = samples(duration_s + 0.1)
    return _picked(string(UPRIGHT, frequency_hz, count, timbre, rng), count, 100, 900, 0.12, timbre, rng)


def bells(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """A glockenspiel: bars with partials at 1, 2.76, 5.4 and 8.93."""
    count = samples(max(duration_s, 0.5) + 0.4)
    ratios = np.array([1.0, 2.756, 5.404, 8.933])
    amplitude = np.array([1.0, 0.5, 0.25, 0.1]) * ratios ** (0.5 * timbre.brightness)
    y = ring(
        frequency_hz * ratios, amplitude, np.array([4.0, 7.0, 14.0, 25.0]) / timbre.decay, count, rng.uniform(0, 6, 4)
    )
    return peak_normalised(y) * swell(count, 0.001, 0.2)


def _picked(
    y: Sound, count: int, low_hz: float, high_hz: float, level: float, timbre: Timbre, rng: np.random.Generator
) -> Sound:
    """Add the noise of the pick or finger, and damp the end."""
    pick = noise(min(count, 900), low_hz, high_hz, rng)
    y = y * swell(count, 0.001 * timbre.attack, 0.05)
    y[: len(pick)] += level * 0.5 * pick * decay(len(pick), 0.015)
    return y
