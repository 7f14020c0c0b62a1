"""Places one can hear: rain, waves, a night with crickets. Beds under the music, [2, samples], unit RMS."""

from collections.abc import Callable, Mapping

import numpy as np

from catalog.builtin.oscillators import SAMPLE_RATE, Sound, noise_loop, ring, samples, swell


def rain(count: int, rng: np.random.Generator) -> Sound:
    """A steady hiss and many drops."""
    y = 0.35 * noise_loop((2, count), 900, 9000, rng)
    length = samples(0.03)
    drops = [ring(f, 1.0, d, length) for f, d in zip(rng.uniform(1500, 6000, 8), rng.uniform(120, 400, 8), strict=True)]
    for start in rng.integers(0, max(count - length, 1), count * 45 // SAMPLE_RATE):
        place = y[int(rng.integers(2)), start : start + length]
        place += np.float32(rng.uniform(1, 5)) * drops[int(rng.integers(8))][: len(place)]
    return _unit(y)


def waves(count: int, rng: np.random.Generator) -> Sound:
    """Surf: dark noise that comes in and draws back every 2.5 to 4 seconds, hissing at its height."""
    t = np.arange(count, dtype=np.float32) / np.float32(SAMPLE_RATE * rng.uniform(2.5, 4.0))
    height = np.square(0.5 + 0.5 * np.sin(np.float32(2 * np.pi) * (t + np.float32(rng.random()))))
    return _unit(
        (0.15 + height) * noise_loop((2, count), 120, 700, rng) + height**2 * noise_loop((2, count), 700, 5000, rng)
    )


def crickets(count: int, rng: np.random.Generator) -> Sound:
    """Two crickets, each chirping in groups of pulses on a pitch of its own."""
    y = 0.1 * noise_loop((2, count), 200, 900, rng)
    for side in range(2):
        pitch_hz, pulses_hz, chirps_hz = rng.uniform(3800, 5200), rng.uniform(28, 40), rng.uniform(1.6, 2.6)
        length = samples(0.45 / chirps_hz)
        t = np.arange(length) / SAMPLE_RATE
        chirp = (2 * np.sin(2 * np.pi * pitch_hz * t) * np.sin(np.pi * pulses_hz * t) ** 2).astype(np.float32) * swell(
            length, 0.02, 0.02
        )
        for start in range(samples(rng.random() / chirps_hz), count, samples(1 / chirps_hz)):
            place = y[:, start : start + length]
            place[side] += chirp[: place.shape[1]]
            place[1 - side] += np.float32(0.35) * chirp[: place.shape[1]]
    return _unit(y)


AMBIENCES: Mapping[str, Callable[[int, np.random.Generator], Sound]] = {"night": crickets, "rain": rain, "sea": waves}


def _unit(y: Sound) -> Sound:
    y /= np.sqrt(np.mean(np.square(y)) + 1e-12)
    return y
