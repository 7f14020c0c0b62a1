import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.resampling import Resampler, resampled_length, to_channels
from tests.audio.signals import sine

RATES = [8_000, 11_025, 16_000, 22_050, 44_100, 48_000]


@settings(max_examples=40, deadline=None)
@given(
    in_rate=st.sampled_from(RATES),
    out_rate=st.sampled_from(RATES),
    channels=st.integers(1, 3),
    lengths=st.lists(st.integers(0, 3000), min_size=1, max_size=6),
)
def test_blocks_come_out_as_if_resampled_at_once(
    in_rate: int, out_rate: int, channels: int, lengths: list[int]
) -> None:
    y = np.random.default_rng(sum(lengths)).uniform(-1, 1, (channels, sum(lengths))).astype(np.float32)
    resampler = Resampler(in_rate, out_rate, channels)
    blocks = np.split(y, np.cumsum(lengths)[:-1], axis=1)
    parts = [resampler.push(block, last=i == len(blocks) - 1) for i, block in enumerate(blocks)]
    streamed = np.concatenate(parts, axis=1)
    assert streamed.shape == (channels, resampled_length(sum(lengths), in_rate, out_rate))
    if in_rate != out_rate and sum(lengths):
        at_once = soxr.resample(np.ascontiguousarray(y.T), in_rate, out_rate).T
        np.testing.assert_allclose(streamed, at_once[:, : streamed.shape[1]], atol=1e-6)


@pytest.mark.parametrize("out_rate", [16_000, 48_000])
def test_a_sine_keeps_level_and_phase(out_rate: int) -> None:
    y = Resampler(44_100, out_rate, 1).push(sine(1000, 1.0, 44_100), last=True)
    np.testing.assert_allclose(y[:, 500:-500], sine(1000, 1.0, out_rate)[:, 500:-500], atol=1e-4)


def test_what_the_new_rate_cannot_hold_is_gone() -> None:
    y = Resampler(44_100, 16_000, 1).push(sine(9000, 1.0, 44_100), last=True)
    assert np.abs(y[:, 500:-500]).max() < 1e-4


def test_equal_rates_pass_the_block_through() -> None:
    block = sine(440, 0.1, 16_000)
    assert Resampler(16_000, 16_000, 1).push(block) is block


def test_a_block_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(1, 10\); \[2, samples\] is expected"):
        Resampler(44_100, 16_000, 2).push(np.zeros((1, 10), np.float32))


def test_channels_are_averaged_copied_or_kept() -> None:
    y = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(to_channels(y, 1), [[4, 5, 6, 7]])
    np.testing.assert_array_equal(to_channels(y[:2], 1), [[2, 3, 4, 5]])
    np.testing.assert_array_equal(to_channels(y[:1], 2), [y[0], y[0]])
    assert to_channels(y, 3) is y
    with pytest.raises(ValueError, match="channels=2 cannot be made of 3"):
        to_channels(y, 2)
