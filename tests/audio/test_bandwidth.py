import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.bandwidth import MeanSpectrum, bandwidth
from tests.audio.signals import sine


def spectrum(y: np.ndarray, sample_rate: int, block: int = 10**9) -> np.ndarray:
    mean = MeanSpectrum(sample_rate, y.shape[0])
    for begin in range(0, y.shape[1], block):
        mean.push(y[:, begin : begin + block])
    return mean.finish()


@settings(max_examples=25, deadline=None)
@given(samples=st.integers(1, 30_000), block=st.integers(500, 9000), sample_rate=st.sampled_from([8000, 16_000]))
def test_the_length_of_the_blocks_does_not_matter(samples: int, block: int, sample_rate: int) -> None:
    y = np.random.default_rng(samples).uniform(-1, 1, (2, samples)).astype(np.float32)
    np.testing.assert_allclose(spectrum(y, sample_rate, block), spectrum(y, sample_rate), rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_the_spectrum_sums_to_the_power_of_the_signal(channels: int) -> None:
    y = 0.1 * np.random.default_rng(0).standard_normal((channels, 160_000)).astype(np.float32) + np.float32(0.2)
    assert spectrum(y, 16_000).sum() == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize("frequency", [100, 1000, 10_100, 20_100])
@pytest.mark.parametrize("level", [1.0, 1e-3])
def test_a_tone_ends_in_its_own_band_or_the_next(frequency: int, level: float) -> None:
    found = bandwidth(spectrum(sine(frequency, 2.0, 44_100, level), 44_100), 44_100)
    assert frequency < found <= frequency + 500


def test_silence_and_a_dc_offset_have_no_bandwidth() -> None:
    assert bandwidth(spectrum(np.zeros((1, 16_000), np.float32), 16_000), 16_000) == 0.0
    assert bandwidth(spectrum(np.full((1, 16_000), 0.5, np.float32), 16_000), 16_000) == 0.0


def test_noise_reaches_half_the_sample_rate_and_no_further() -> None:
    for sample_rate in (8000, 11_025, 44_100):
        y = 0.1 * np.random.default_rng(0).standard_normal((1, 2 * sample_rate)).astype(np.float32)
        found = bandwidth(spectrum(y, sample_rate), sample_rate)
        assert sample_rate / 2 - 250 <= found <= sample_rate / 2


def test_rounding_noise_of_16_bits_is_not_heard() -> None:
    quiet = np.round(sine(1000, 3.0, 44_100, level=0.01) * 32768) / 32768
    assert bandwidth(spectrum(quiet.astype(np.float32), 44_100), 44_100) < 2500
