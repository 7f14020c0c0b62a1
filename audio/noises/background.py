"""Background: what a microphone hears besides the music. A room, a street, rain, people who talk."""

import numpy as np

from audio.noises.shaping import band, coloured_noise, drift, power_law, ring, scatter, unit_rms

NAME = "background"
_TALKERS = (3, 7)
_FORMANTS_HZ = ((250, 850), (850, 2300), (2300, 3200))


def make_background(samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """One place at random, with the tone of a room under it, unit RMS.

    Returns
    -------
    np.ndarray [samples], float32
    """
    place = (room, street, rain, babble)[int(rng.integers(4))]
    y = place(samples, sample_rate, rng)
    return unit_rms(y + rng.uniform(0.05, 0.3) * room(samples, sample_rate, rng))


def room(samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """The tone of a room: dark noise with a few resonances, unit RMS, [samples]."""
    tilt = power_law(rng.uniform(1.0, 1.9))
    modes_hz, heights = rng.uniform(60, 900, 4), rng.uniform(0.5, 3.0, 4)

    def gain(hz: np.ndarray) -> np.ndarray:
        peaks = sum(h / (1 + ((hz - f) / (0.05 * f)) ** 2) for f, h in zip(modes_hz, heights, strict=True))
        return tilt(hz) * (1 + peaks)

    return coloured_noise(samples, sample_rate, gain, rng)


def street(samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Wind and traffic: bands of noise that swell and fade over seconds, unit RMS, [samples]."""
    y = np.zeros(samples)
    for low_hz, high_hz in ((40, 250), (200, 1200), (800, 4500)):
        layer = coloured_noise(samples, sample_rate, band(low_hz, high_hz * rng.uniform(0.7, 1.3)), rng)
        level_db = rng.uniform(-12, 0) + rng.uniform(2, 6) * drift(samples, sample_rate, rng.uniform(0.15, 0.8), rng)
        y += layer * 10 ** (np.minimum(level_db, 12.0) / 20)
    return unit_rms(y)


def rain(samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """A steady hiss and many drops, unit RMS, [samples]."""
    bed = coloured_noise(samples, sample_rate, band(rng.uniform(300, 1200), rng.uniform(4000, 9000)), rng)
    drops_hz = rng.uniform(900, min(6000, 0.4 * sample_rate), 6)
    shapes = [ring(f, d, sample_rate) for f, d in zip(drops_hz, rng.uniform(5e-4, 3e-3, 6), strict=True)]
    count = max(1, rng.poisson(rng.uniform(20, 90) * samples / sample_rate))
    gains = np.exp(0.7 * rng.standard_normal(count))
    drops = scatter(samples, shapes, rng.integers(0, samples, count), gains, rng.integers(0, 6, count))
    return unit_rms(bed + rng.uniform(0.3, 1.2) * unit_rms(drops))


def babble(samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """People who talk at once: vowels of pulses and breath, opening and closing with syllables, unit RMS."""
    y = np.zeros(samples)
    for _ in range(int(rng.integers(*_TALKERS))):
        pitch_hz = rng.uniform(90, 240) * 2 ** (0.15 * drift(samples, sample_rate, 1.5, rng))
        pulses = np.diff(np.floor(np.cumsum(pitch_hz) / sample_rate), prepend=0.0) * rng.uniform(6, 10)
        spectrum = np.fft.rfft(pulses + 0.3 * rng.standard_normal(samples))
        hz = np.maximum(np.fft.rfftfreq(samples, 1 / sample_rate), 1.0)
        vowel = np.clip(0.5 + drift(samples, sample_rate, rng.uniform(2, 4), rng), 0, 1)
        talker = np.zeros(samples)
        for share in (vowel, 1 - vowel):  # two vowels, between which the talker moves
            gain = np.zeros(len(hz))
            for low_hz, high_hz in _FORMANTS_HZ:
                centre_hz = rng.uniform(low_hz, high_hz)
                gain += 500 / (500 + low_hz) / (1 + ((hz - centre_hz) / (60 + 0.06 * centre_hz)) ** 2)
            talker += share * np.fft.irfft(spectrum * gain, samples)
        y += talker * np.clip(drift(samples, sample_rate, rng.uniform(3, 5), rng) + 0.3, 0.0, 1.0)
    return unit_rms(y)
