import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.segments import Powers, Segments, k_weighting
from tests.audio.signals import sine


def powers(y: np.ndarray, sample_rate: int, block: int = 10**9) -> Powers:
    segments = Segments(sample_rate, y.shape[0])
    for begin in range(0, y.shape[1], block):
        segments.push(y[:, begin : begin + block])
    return segments.finish()


@settings(max_examples=25, deadline=None)
@given(
    samples=st.integers(1, 20_000),
    channels=st.integers(1, 3),
    sample_rate=st.sampled_from([8000, 11_025, 16_000, 44_100]),
    block=st.integers(1000, 9000),
)
def test_every_tenth_of_a_second_has_one_segment(samples: int, channels: int, sample_rate: int, block: int) -> None:
    y = np.random.default_rng(samples).uniform(-1, 1, (channels, samples)).astype(np.float32)
    found, whole = powers(y, sample_rate, block), powers(y, sample_rate)
    count = max(round(samples / Segments(sample_rate, 1).hop), 1)
    assert found.power.shape == found.k_power.shape == (count,)
    np.testing.assert_allclose(found.k_power, whole.k_power, rtol=1e-4)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("sample_rate", [8000, 16_000, 22_050, 44_100, 96_000])
def test_power_is_that_of_the_samples(sample_rate: int, channels: int) -> None:
    y = np.random.default_rng(0).uniform(-1, 1, (channels, 3 * sample_rate)).astype(np.float32)
    assert powers(y, sample_rate).power.mean() == pytest.approx(np.mean(y**2), rel=0.02)


@pytest.mark.parametrize("frequency", [40, 100, 1000, 3000, 5000, 5900, 7000, 9000, 11_000, 13_000, 20_000])
@pytest.mark.parametrize("sample_rate", [44_100, 48_000])
def test_a_tone_of_any_frequency_has_its_k_weighted_power(frequency: int, sample_rate: int) -> None:
    expected = 0.125 * k_weighting(sample_rate, np.array([frequency]))[0]
    found = powers(sine(frequency, 3.0, sample_rate), sample_rate)
    assert found.k_power[2:-2].mean() == pytest.approx(expected, rel=0.02)  # 0.09 dB
    assert found.power[2:-2].mean() == pytest.approx(0.125, rel=0.01)


def test_the_two_channels_of_a_complex_transform_do_not_mix() -> None:
    left, right = sine(500, 2.0, 44_100), sine(3000, 2.0, 44_100, level=0.25)
    both = powers(np.concatenate([left, right]), 44_100)
    alone = powers(left, 44_100).k_power + powers(right, 44_100).k_power
    np.testing.assert_allclose(both.k_power, alone, rtol=1e-4)


@pytest.mark.parametrize("offset", [0.01, -0.3, 1.0])
def test_a_dc_offset_has_no_power(offset: float) -> None:
    found = powers(np.full((2, 44_100), offset, np.float32), 44_100)
    assert np.all(found.k_power[1:-1] < 1e-7 * max(offset**2, 0.1))
    assert np.all(found.power[1:-1] < 1e-6)


def test_no_samples_are_an_error() -> None:
    with pytest.raises(ValueError, match="no samples were given"):
        Segments(16_000, 1).finish()
