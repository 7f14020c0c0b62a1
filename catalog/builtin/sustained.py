"""Instruments that sound as long as they are held: synthesizers, flute, horn, cello.

Each function plays one note: (frequency_hz, duration_s, timbre, rng) -> mono [samples].
"""

import numpy as np

from catalog.builtin.artists import Timbre
from catalog.builtin.oscillators import (
    SAMPLE_RATE,
    Sound,
    noise,
    peak_normalised,
    play_table,
    play_table_steadily,
    ring,
    samples,
    swell,
    wave_table,
)


def supersaw(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """Five saws set apart, bright, with a short attack."""
    count = samples(duration_s + 0.08)
    return _saws(frequency_hz, count, 5, 10 + timbre.detune_cents, 1.0 - 0.6 * timbre.brightness, rng) * swell(
        count, 0.008 * timbre.attack, 0.08
    )


def acid_synth(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """A saw through a resonant low-pass that closes: harmonics near the corner stand out, high ones die first."""
    count = samples(duration_s + 0.05)
    k = np.arange(1, 41)
    corner = (900.0 + 1400.0 * timbre.colour) / frequency_hz
    resonance = 1 + 5 * np.exp(-0.5 * ((k - corner) / max(0.25 * corner, 0.7)) ** 2)
    amplitude = resonance * k ** (-1.0 + timbre.brightness) / (1 + (k / (3 * corner)) ** 4)
    falling = (3.0 + 14.0 * np.minimum(k / corner, 4) ** 1.5) / timbre.decay
    return peak_normalised(ring(frequency_hz * k, amplitude, falling, count)) * swell(
        count, 0.003 * timbre.attack, 0.04
    )


def synth_bass(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """A square and a saw, closing a little."""
    count = samples(duration_s + 0.03)
    k = np.arange(1, 25)
    amplitude = np.where(k % 2, 1.0, 0.3 + 0.5 * timbre.colour) * k ** (-1.1 + timbre.brightness)
    y = ring(frequency_hz * k, amplitude, 0.8 + 0.9 * k, count)
    return peak_normalised(y) * swell(count, 0.004, 0.03)


def square_lead(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """Odd harmonics with a vibrato that sets in late."""
    k = np.arange(1, 24)
    table = wave_table(np.where(k % 2, 1.0, 0.15 + 0.2 * timbre.colour) * k ** (-1.2 + timbre.brightness))
    return _held(
        table, frequency_hz, duration_s, attack_s=0.01 * timbre.attack, release_s=0.06, cents=18, rate_hz=5.8, rng=rng
    )


def pad(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """Slow: many detuned saws, dark at first, the high harmonics opening."""
    count = samples(duration_s + 0.8)
    dark = _saws(frequency_hz, count, 4, 8 + timbre.detune_cents, 2.2 - timbre.brightness, rng)
    open_ = _saws(frequency_hz, count, 4, 8 + timbre.detune_cents, 1.2 - timbre.brightness, rng)
    opening = np.sin(np.linspace(0, np.pi, count, dtype=np.float32)) ** 2 * np.float32(0.25 + 0.5 * timbre.colour)
    return (dark * (1 - opening) + open_ * opening) * swell(count, 0.5 * timbre.attack, 0.9)


def drone(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """A deep, still tone of three harmonics that beat slowly."""
    count = samples(duration_s + 0.5)
    cents = timbre.detune_cents
    ratios = np.array([1.0, 1.0 + cents / 3000, 2.0, 3.0 - cents / 3000])
    y = ring(frequency_hz * ratios, [1.0, 0.6, 0.3, 0.12], 0.0, count, rng.uniform(0, 6, 4))
    return peak_normalised(y) * swell(count, 0.3 * timbre.attack, 0.6)


def flute(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """Few harmonics, a vibrato of loudness more than of pitch, breath around the tone and a chiff at its start."""
    table = wave_table([1.0, 0.45 + 0.25 * timbre.colour, 0.16, 0.06, 0.03 * 2 ** (4 * timbre.brightness), 0.01])
    y = _held(
        table,
        frequency_hz,
        duration_s,
        attack_s=0.05 * timbre.attack,
        release_s=0.08,
        cents=14,
        rate_hz=5.0,
        tremolo=0.35,
        rng=rng,
    )
    breath = noise(len(y), frequency_hz * 0.9, min(6 * frequency_hz, 7000), rng)
    chiff = np.exp(-np.arange(len(y), dtype=np.float32) / np.float32(0.03 * SAMPLE_RATE))
    return y + (0.05 + 0.1 * chiff) * breath * swell(len(y), 0.01, 0.08)


def horn(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """A reed or brass: a formant near 1 kHz, opening with the attack, growling a little."""
    k = np.arange(1, 26)
    formant = 0.4 + np.exp(-0.5 * ((k * frequency_hz - 900 - 500 * timbre.colour) / 450) ** 2)
    bright = wave_table(formant * k ** (-0.7 + timbre.brightness))
    y = _held(
        bright, frequency_hz, duration_s, attack_s=0.04 * timbre.attack, release_s=0.06, cents=25, rate_hz=5.3, rng=rng
    )
    soft = _held(
        wave_table([1.0, 0.5, 0.2]),
        frequency_hz,
        duration_s,
        attack_s=0.02,
        release_s=0.06,
        cents=0,
        rate_hz=5.3,
        rng=rng,
    )
    opening = np.minimum(np.arange(len(y), dtype=np.float32) / np.float32(0.09 * SAMPLE_RATE), 1)
    growl = 0.05 * noise(len(y), 60, 300, rng)
    return y * opening * (1 + growl) + soft * (1 - opening)


def cello(frequency_hz: float, duration_s: float, timbre: Timbre, rng: np.random.Generator) -> Sound:
    """A bowed string: saw through fixed body resonances, a slow attack, a wide vibrato, the rustle of the bow."""
    k = np.arange(1, 36)
    f = k * frequency_hz
    body = 0.35 + sum(np.exp(-0.5 * (np.log2(f / peak) / 0.25) ** 2) for peak in (250.0, 450.0, 1100.0, 2400.0))
    table = wave_table(body * k ** (-1.0 + 0.5 * timbre.brightness))
    y = _held(
        table, frequency_hz, duration_s, attack_s=0.12 * timbre.attack, release_s=0.15, cents=35, rate_hz=5.2, rng=rng
    )
    return y + 0.02 * noise(len(y), 1500, 6000, rng) * swell(len(y), 0.1, 0.15)


def _saws(frequency_hz: float, count: int, voices: int, cents: float, fall: float, rng: np.random.Generator) -> Sound:
    """`voices` saws spread over +-`cents`, harmonics up to 12 kHz falling as k**-fall."""
    k = np.arange(1, int(np.clip(12_000 / frequency_hz, 2, 60)) + 1)
    table = wave_table(k**-fall)
    y = np.zeros(count, np.float32)
    for spread in np.linspace(-cents, cents, voices):
        y += play_table_steadily(table, frequency_hz * 2 ** (spread / 1200), count, float(rng.random()))
    return peak_normalised(y)


def _held(
    table: Sound,
    frequency_hz: float,
    duration_s: float,
    *,
    attack_s: float,
    release_s: float,
    cents: float,
    rate_hz: float,
    rng: np.random.Generator,
    tremolo: float = 0.0,
) -> Sound:
    """A wave table with a vibrato that sets in over the first 0.3 s."""
    count = samples(duration_s + release_s)
    t = np.arange(count) / SAMPLE_RATE
    depth = np.minimum(t / 0.3, 1.0)
    wave = depth * np.sin(2 * np.pi * rate_hz * float(rng.uniform(0.92, 1.08)) * t + float(rng.uniform(0, 6)))
    y = play_table(table, frequency_hz * (1 + wave * (cents / 1731)))
    return y * swell(count, attack_s, release_s) * (1 - tremolo * (0.5 + 0.5 * wave)).astype(np.float32)
