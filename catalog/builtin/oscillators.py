"""What all instruments are built from: sums of ringing partials, noise with a spectrum, envelopes.

Everything is mono float32 ``[samples]`` at `SAMPLE_RATE`; levels are about 1.0 at the loudest.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import irfft, next_fast_len, rfft

SAMPLE_RATE = 44_100
_BLOCK = 256

Sound = NDArray[np.float32]


def samples(duration_s: float) -> int:
    """Whole samples in `duration_s`."""
    return round(duration_s * SAMPLE_RATE)


def ring(
    frequencies_hz: ArrayLike, amplitudes: ArrayLike, decays: ArrayLike, count: int, phases: ArrayLike = 0.0
) -> Sound:
    r"""Sum of decaying partials.

    .. math:: y[n] = \sum_k a_k e^{-d_k n / f_s} \sin(2 \pi f_k n / f_s + \phi_k)

    Computed as a matrix product: with n = 256 i + j, every partial is (its value at 256 i) times (its value at j).

    Parameters
    ----------
    frequencies_hz, amplitudes, decays (1/s), phases (radians) : ``[partials]`` or scalars. Partials above 0.45 of the
        rate are left out.
    count : samples to make.

    Returns
    -------
    y : np.ndarray [shape=(count,)]
    """
    f, a, d, p = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(x, np.float64)) for x in (frequencies_hz, amplitudes, decays, phases))
    )
    audible = f < 0.45 * SAMPLE_RATE
    f, a, d, p = f[audible], a[audible], d[audible], p[audible]
    pole = (-d + 2j * np.pi * f) / SAMPLE_RATE
    starts = np.arange(0, count, _BLOCK)
    coarse = np.exp(starts[:, None] * pole) * (a * np.exp(1j * p))
    fine = np.exp(pole[:, None] * np.arange(_BLOCK))
    left = np.concatenate([coarse.imag, coarse.real], axis=1).astype(np.float32)
    right = np.concatenate([fine.real, fine.imag], axis=0).astype(np.float32)
    y: Sound = (left @ right).reshape(-1)[:count]
    return y


def band_pass(y: Sound, low_hz: float, high_hz: float) -> Sound:
    """Keep what lies between two frequencies, with edges of 24 dB an octave and no delay; the ends are joined."""
    length = next_fast_len(max(len(y), 64), real=True)
    f = np.linspace(0, SAMPLE_RATE / 2, length // 2 + 1, dtype=np.float32)
    low, high = (
        np.square(np.square(np.float32(low_hz) / np.maximum(f, 1))),
        np.square(np.square(f / np.float32(high_hz))),
    )
    gain = 1 / np.sqrt((1 + low * low) * (1 + high * high))
    filtered: Sound = irfft(rfft(y, n=length) * gain, n=length)[: len(y)]
    return filtered


def noise(count: int, low_hz: float, high_hz: float, rng: np.random.Generator) -> Sound:
    """Noise between two frequencies, unit RMS."""
    y = band_pass(rng.standard_normal(count, dtype=np.float32), low_hz, high_hz)
    return y / np.sqrt(np.mean(np.square(y)) + np.float32(1e-12))


def noise_loop(shape: tuple[int, int], low_hz: float, high_hz: float, rng: np.random.Generator) -> Sound:
    """Steady noise as `noise`, of `shape` [channels, samples]: three seconds that go round without a seam."""
    length = 1 << 17
    loop = noise(length, low_hz, high_hz, rng)
    turns = shape[1] // length + 2
    starts = rng.integers(0, length, shape[0])
    return np.stack([np.tile(loop, turns)[start : start + shape[1]] for start in starts])


def decay(count: int, fall_s: float) -> Sound:
    """An exponential that falls by 60 dB in `fall_s`."""
    return np.exp(np.arange(count, dtype=np.float32) * np.float32(-6.908 / (fall_s * SAMPLE_RATE)))


def swell(count: int, attack_s: float, release_s: float) -> Sound:
    """1 with raised-cosine flanks at both ends; flanks that do not fit share the time."""
    attack, release = samples(attack_s), samples(release_s)
    if attack + release > count:
        attack, release = (part * count // max(attack + release, 1) for part in (attack, release))
    y = np.ones(count, np.float32)
    if attack:
        y[:attack] = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, attack, dtype=np.float32))
    if release:
        y[count - release :] *= 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, release, dtype=np.float32))
    return y


def wave_table(amplitudes: ArrayLike) -> Sound:
    """One period of a sum of harmonics: 4096 samples, peak 1."""
    spectrum = np.zeros(2049, np.complex128)
    harmonics = np.asarray(amplitudes, np.float64)
    spectrum[1 : len(harmonics) + 1] = -1j * harmonics
    y = np.fft.irfft(spectrum)
    return (y / np.abs(y).max()).astype(np.float32)


def play_table_steadily(table: Sound, frequency_hz: float, count: int, start: float) -> Sound:
    """`play_table` for a table of 4096 samples and a steady frequency, from `start` (0..1 of a period) on; faster."""
    step = np.uint32(round(frequency_hz / SAMPLE_RATE * 2**32))
    phase = np.arange(count, dtype=np.uint32) * step + np.uint32(int(start * 2**32) % 2**32)
    return table[phase >> np.uint32(20)]


def play_table(table: Sound, frequency_hz: NDArray[np.float64], sample_rate: float = SAMPLE_RATE) -> Sound:
    """Read a wave table at a frequency that moves, ``frequency_hz [samples]``; the phase never jumps."""
    phase = np.cumsum(frequency_hz) * (len(table) / sample_rate)
    return table[phase.astype(np.int64) % len(table)]


def peak_normalised(y: Sound) -> Sound:
    """Scale to a peak of 1; silence stays silent."""
    return y / max(float(np.abs(y).max(initial=0.0)), 1e-9)
