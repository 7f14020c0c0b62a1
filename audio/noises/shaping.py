"""Random signals of a given spectrum and envelope, from which the noises are made."""

from collections.abc import Callable

import numpy as np

_QUIETEST = 1e-12


def unit_rms(y: np.ndarray) -> np.ndarray:
    """`y` [samples] scaled to a root mean square of 1, float32; silence stays silence."""
    return (y / np.sqrt(np.mean(np.square(y, dtype=np.float64)) + _QUIETEST)).astype(np.float32)


def coloured_noise(
    samples: int, sample_rate: int, gain: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Gaussian noise whose spectrum has the magnitude `gain` (Hz [bins] -> [bins]), unit RMS.

    Parameters
    ----------
    samples : at least 1
    sample_rate : Hz
    gain : called with frequencies above 0

    Returns
    -------
    np.ndarray [samples], float32
    """
    frequencies = np.fft.rfftfreq(samples, 1 / sample_rate)
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    spectrum[0] = 0.0
    spectrum[1:] *= gain(frequencies[1:])
    return unit_rms(np.fft.irfft(spectrum, samples))


def power_law(exponent: float) -> Callable[[np.ndarray], np.ndarray]:
    """Gain of noise with power ``f^-exponent``: 0 is white, 1 pink, 2 brown. Below 20 Hz it falls no further."""
    return lambda hz: np.maximum(hz, 20.0) ** (-exponent / 2)


def band(low_hz: float, high_hz: float) -> Callable[[np.ndarray], np.ndarray]:
    """Gain of a band with slopes of 12 dB an octave."""
    return lambda hz: 1 / (1 + (low_hz / hz) ** 2) / (1 + (hz / high_hz) ** 2)


def drift(samples: int, sample_rate: int, rate_hz: float, rng: np.random.Generator) -> np.ndarray:
    """A smooth random curve that turns about `rate_hz` times a second, mean 0, deviation about 1: [samples]."""
    knots = max(4, int(np.ceil(2 * rate_hz * samples / sample_rate)) + 3)
    values = rng.standard_normal(knots)
    place = np.linspace(0, knots - 1.001, samples)
    left = place.astype(int)
    ease = 0.5 - 0.5 * np.cos(np.pi * (place - left))
    return np.asarray(values[left] * (1 - ease) + values[left + 1] * ease)


def scatter(
    samples: int, shapes: list[np.ndarray], starts: np.ndarray, gains: np.ndarray, which: np.ndarray
) -> np.ndarray:
    """Short sounds put at places of a signal; what reaches beyond the end is cut.

    Parameters
    ----------
    samples : of the signal
    shapes : sounds, each [any number of samples]
    starts, gains, which : np.ndarray [events]: sample, gain, and number of the shape

    Returns
    -------
    np.ndarray [samples], float64
    """
    y = np.zeros(samples + max(map(len, shapes)))
    for number, shape in enumerate(shapes):
        mine = which == number
        impulses = np.bincount(starts[mine], gains[mine], minlength=samples)[:samples]
        places = np.flatnonzero(impulses)
        for offset, value in enumerate(shape):
            y[places + offset] += impulses[places] * value
    return y[:samples]


def ring(frequency_hz: float, decay_s: float, sample_rate: int, phase: float = 0.0) -> np.ndarray:
    """A struck resonance, 60 dB down after ``7 decay_s``: np.ndarray [7 decay_s * sample_rate]."""
    t = np.arange(max(2, round(7 * decay_s * sample_rate))) / sample_rate
    return np.asarray(np.exp(-t / decay_s) * np.cos(2 * np.pi * frequency_hz * t + phase))
