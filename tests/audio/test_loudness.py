"""Integrated loudness against pyloudnorm, which filters the samples; 0.1 LU is allowed, the tone of 30 Hz has 0.2."""

import numpy as np
import pyloudnorm
import pytest
import scipy.signal

from audio import loudness
from audio.segments import Segments
from tests.audio.signals import sine, song

RNG = np.random.default_rng(0)


def measured(y: np.ndarray, sample_rate: int, block: int = 10_007) -> float:
    segments = Segments(sample_rate, y.shape[0])
    for begin in range(0, y.shape[1], block):
        segments.push(y[:, begin : begin + block])
    return loudness.integrated(segments.finish().k_power)


def reference(y: np.ndarray, sample_rate: int) -> float:
    return pyloudnorm.Meter(sample_rate).integrated_loudness(y.T.astype(np.float64))


def brown(sample_rate: int) -> np.ndarray:
    y = scipy.signal.lfilter([1], [1, -0.995], RNG.standard_normal(5 * sample_rate))
    return (0.3 * y / np.abs(y).max()).astype(np.float32)[np.newaxis]


def fading(sample_rate: int) -> np.ndarray:
    return song(5.0, sample_rate) * np.geomspace(1, 1e-5, 5 * sample_rate, dtype=np.float32)


SIGNALS = {
    "white noise": lambda rate: (0.1 * RNG.standard_normal((2, 5 * rate))).astype(np.float32),
    "brown noise": brown,
    "tone of 60 Hz": lambda rate: sine(60, 5, rate),
    "tone of 997 Hz": lambda rate: sine(997, 5, rate),
    "stereo song": lambda rate: song(5.0, rate),
    "mono song": lambda rate: song(5.0, rate, channels=1),
    "five channels": lambda rate: song(3.0, rate, channels=5),
    "one side only": lambda rate: song(5.0, rate) * np.array([[1], [0]], np.float32),
    "gaps of silence": lambda rate: song(5.0, rate) * (np.arange(5 * rate) // rate % 2).astype(np.float32),
    "fading out": fading,
    "very quiet": lambda rate: song(5.0, rate) * np.float32(0.002),
    "DC under a song": lambda rate: song(5.0, rate) + np.float32(0.3),
}


@pytest.mark.parametrize("sample_rate", [16_000, 44_100])
@pytest.mark.parametrize("name", SIGNALS)
def test_loudness_equals_pyloudnorm(name: str, sample_rate: int) -> None:
    y = SIGNALS[name](sample_rate)
    assert measured(y, sample_rate) == pytest.approx(reference(y, sample_rate), abs=0.1)


@pytest.mark.parametrize("sample_rate", [8_000, 11_025, 22_050, 48_000, 96_000])
def test_other_rates_agree_too(sample_rate: int) -> None:
    y = song(3.0, sample_rate)
    assert measured(y, sample_rate) == pytest.approx(reference(y, sample_rate), abs=0.1)


def test_the_lowest_tones_are_within_a_fifth_of_a_unit() -> None:
    y = sine(30, 5, 44_100)
    assert measured(y, 44_100) == pytest.approx(reference(y, 44_100), abs=0.2)


def test_a_sine_at_full_scale_is_at_minus_three() -> None:
    """ITU-R BS.1770-4: 0 dBFS, 1 kHz, one channel, -3.01 LUFS (pyloudnorm's default filters give -3.05)."""
    assert measured(sine(997, 5, 48_000, level=1.0), 48_000) == pytest.approx(-3.01, abs=0.1)


@pytest.mark.parametrize("samples", [1, 100, 44_100])
def test_silence_is_at_minus_seventy(samples: int) -> None:
    assert measured(np.zeros((2, samples), np.float32), 44_100) == -70.0


def test_twice_the_level_is_six_units_louder() -> None:
    y = song(3.0)
    assert measured(2 * y, 44_100) - measured(y, 44_100) == pytest.approx(20 * np.log10(2), abs=0.02)


def test_the_length_of_the_blocks_does_not_matter() -> None:
    y = song(2.0)
    assert measured(y, 44_100, block=777) == pytest.approx(measured(y, 44_100, block=10**6), abs=1e-4)


def test_a_clip_below_one_block_has_the_loudness_of_its_samples() -> None:
    assert measured(sine(997, 0.05, 44_100), 44_100) == pytest.approx(measured(sine(997, 5, 44_100), 44_100), abs=0.5)
