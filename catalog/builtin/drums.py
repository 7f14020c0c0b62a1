"""Drums: each stroke synthesised once a song, then set where the score wants it."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from catalog.builtin.artists import Kit
from catalog.builtin.oscillators import SAMPLE_RATE, Sound, decay, noise, peak_normalised, ring, samples, swell
from catalog.builtin.score import Hit

Drum = Callable[[Kit, np.random.Generator], Sound]


def _skin(high_hz: float, low_hz: float, bend_s: float, fall_s: float) -> Sound:
    """A skin whose pitch falls from `high_hz` to `low_hz`."""
    count = samples(fall_s)
    t = np.arange(count) / SAMPLE_RATE
    f = low_hz + (high_hz - low_hz) * np.exp(-t / bend_s)
    return (
        np.sin(2 * np.pi * np.cumsum(f) / SAMPLE_RATE).astype(np.float32)
        * decay(count, fall_s)
        * swell(count, 0.0005, 0.01)
    )


def _burst(low_hz: float, high_hz: float, fall_s: float, rng: np.random.Generator) -> Sound:
    count = samples(fall_s)
    return 0.4 * noise(count, low_hz, high_hz, rng) * decay(count, fall_s)


def _metal(low_hz: float, partials: int, fall_s: float, rng: np.random.Generator) -> Sound:
    """A plate: partials without order between `low_hz` and 12 kHz."""
    frequencies = low_hz * (12_000 / low_hz) ** rng.random(partials)
    return peak_normalised(
        ring(frequencies, rng.uniform(0.3, 1, partials), 6.9 / fall_s, samples(fall_s), rng.uniform(0, 6, partials))
    )


def _sum(*sounds: Sound) -> Sound:
    y = np.zeros(max(map(len, sounds)), np.float32)
    for sound in sounds:
        y[: len(sound)] += sound
    return peak_normalised(y)


def _kick(kit: Kit, rng: np.random.Generator) -> Sound:
    return _sum(
        _skin(140 * kit.tuning, 58 * kit.tuning, 0.02, 0.3 * kit.length),
        0.5 * kit.noise * _burst(1500, 6000, 0.02, rng),
    )


def _pop_kick(kit: Kit, rng: np.random.Generator) -> Sound:
    return _sum(_skin(110 * kit.tuning, 65 * kit.tuning, 0.03, 0.22 * kit.length), 0.15 * _burst(500, 2500, 0.015, rng))


def _club_kick(kit: Kit, rng: np.random.Generator) -> Sound:
    return np.tanh(
        2.5
        * _sum(_skin(260 * kit.tuning, 47 * kit.tuning, 0.035, 0.45 * kit.length), 0.3 * _burst(2000, 9000, 0.01, rng))
    )


def _snare(kit: Kit, rng: np.random.Generator) -> Sound:
    skin = ring([185 * kit.tuning, 330 * kit.tuning], [0.7, 0.4], [28 / kit.length, 40 / kit.length], samples(0.2))
    return _sum(skin, 1.6 * kit.noise * _burst(1200, 9000, 0.22 * kit.length, rng))


def _rim(kit: Kit, rng: np.random.Generator) -> Sound:
    return _sum(
        ring([480 * kit.tuning, 1650 * kit.tuning], [1.0, 0.8], [60.0, 90.0], samples(0.1)),
        0.3 * _burst(2000, 6000, 0.02, rng),
    )


def _clap(kit: Kit, rng: np.random.Generator) -> Sound:
    y = np.zeros(samples(0.3), np.float32)
    for delay_s, fall_s in ((0.0, 0.02), (0.011, 0.02), (0.023, 0.22 * kit.length)):
        burst = _burst(900 * kit.tuning, 3500, fall_s, rng)
        start = samples(delay_s)
        burst = burst[: len(y) - start]
        y[start : start + len(burst)] += burst
    return peak_normalised(y)


def _brush(kit: Kit, rng: np.random.Generator) -> Sound:
    count = samples(0.35 * kit.length)
    return peak_normalised(noise(count, 1500, 6000, rng) * swell(count, 0.12, 0.2))


def _hat(kit: Kit, rng: np.random.Generator) -> Sound:
    return _sum(_burst(6000 * kit.tuning, 15000, 0.06 * kit.length, rng), 0.3 * kit.noise * _metal(5000, 12, 0.05, rng))


def _open_hat(kit: Kit, rng: np.random.Generator) -> Sound:
    return _sum(_burst(5000 * kit.tuning, 15000, 0.3 * kit.length, rng), 0.4 * _metal(4500, 16, 0.3 * kit.length, rng))


def _ride(kit: Kit, rng: np.random.Generator) -> Sound:
    return _sum(_metal(2500 * kit.tuning, 30, 0.9 * kit.length, rng), 0.5 * _burst(3000, 12000, 0.05, rng))


def _crash(kit: Kit, rng: np.random.Generator) -> Sound:
    return _sum(_burst(2500 * kit.tuning, 14000, 1.3 * kit.length, rng), 0.5 * _metal(2000, 40, 1.2 * kit.length, rng))


def _tom(kit: Kit, rng: np.random.Generator) -> Sound:
    return _sum(_skin(190 * kit.tuning, 105 * kit.tuning, 0.05, 0.3 * kit.length), 0.2 * _burst(800, 4000, 0.03, rng))


def _shaker(kit: Kit, rng: np.random.Generator) -> Sound:
    count = samples(0.09 * kit.length)
    return peak_normalised(noise(count, 4500 * kit.tuning, 11000, rng) * swell(count, 0.04, 0.04))


def _tambourine(kit: Kit, rng: np.random.Generator) -> Sound:
    jingles = _metal(5500 * kit.tuning, 24, 0.22 * kit.length, rng)
    second = np.zeros_like(jingles)
    second[samples(0.03) :] = 0.6 * jingles[: len(jingles) - samples(0.03)]
    return _sum(jingles, second, 0.5 * _burst(6000, 12000, 0.1, rng))


DRUMS: Mapping[str, Drum] = {
    "kick": _kick,
    "pop kick": _pop_kick,
    "club kick": _club_kick,
    "snare": _snare,
    "rim": _rim,
    "clap": _clap,
    "brush": _brush,
    "hat": _hat,
    "open hat": _open_hat,
    "ride": _ride,
    "crash": _crash,
    "tom": _tom,
    "shaker": _shaker,
    "tambourine": _tambourine,
}

# Peak level of a stroke of full velocity, and its place from left (-1) to right (1).
_PLACES: Mapping[str, tuple[float, float]] = {
    "kick": (0, 0),
    "pop kick": (-1, 0),
    "club kick": (3, 0),
    "snare": (-2, 0.1),
    "rim": (-4, 0.2),
    "clap": (-1, -0.1),
    "brush": (-7, 0.2),
    "hat": (-6, 0.5),
    "open hat": (-7, 0.4),
    "ride": (-7, -0.5),
    "crash": (-7, -0.4),
    "tom": (-4, -0.3),
    "shaker": (-6, -0.6),
    "tambourine": (-5, 0.6),
}


def play_drums(hits: Sequence[Hit], kit: Kit, count: int, rng: np.random.Generator) -> Sound:
    """Play the kit.

    Returns
    -------
    y : np.ndarray [shape=(2, count)]
    """
    y = np.zeros((2, count), np.float32)
    for name in sorted({hit.drum for hit in hits}):
        stroke = DRUMS[name](kit, rng)
        level_db, pan = _PLACES[name]
        line = np.zeros(count, np.float32)
        for hit in hits:
            if hit.drum == name:
                start = round(hit.start_s * SAMPLE_RATE)
                sound = stroke[: count - start]
                line[start : start + len(sound)] += np.float32(hit.velocity * 10 ** (level_db / 20)) * sound
        y[0] += line * np.float32(np.sqrt((1 - pan) / 2) * np.sqrt(2))
        y[1] += line * np.float32(np.sqrt((1 + pan) / 2) * np.sqrt(2))
    return y


def pump(hits: Sequence[Hit], count: int, depth: float) -> Sound:
    """The gain of a side-chain: everything else ducks by `depth` (0..1) at each kick and is back 0.25 s later."""
    gain = np.ones(count, np.float32)
    shape = 1 - np.float32(depth) * np.cos(np.linspace(0, np.pi / 2, samples(0.25), dtype=np.float32)) ** 2
    for hit in hits:
        if hit.drum.endswith("kick"):
            start = round(hit.start_s * SAMPLE_RATE)
            part = gain[start : start + len(shape)]
            np.minimum(part, shape[: len(part)], out=part)
    return gain
