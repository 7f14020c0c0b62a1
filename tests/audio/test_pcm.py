import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.pcm import pcm16_array, pcm16_bytes


@settings(max_examples=30, deadline=None)
@given(channels=st.integers(1, 4), samples=st.integers(0, 500), seed=st.integers(0, 2**32 - 1))
def test_bytes_become_samples_and_the_same_bytes_again(channels: int, samples: int, seed: int) -> None:
    data = np.random.default_rng(seed).bytes(2 * channels * samples)
    y = pcm16_array(data, channels=channels)
    assert y.shape == (channels, samples)
    assert y.dtype == np.float32
    assert pcm16_bytes(y) == data


def test_samples_are_interleaved_little_endian_and_rounded() -> None:
    y = np.array([[1 / 32768, 0.5], [-1.0, 2.6 / 32768]], np.float32)
    assert pcm16_bytes(y) == bytes([1, 0, 0, 0x80, 0, 0x40, 3, 0])


def test_what_lies_beyond_full_scale_is_clipped() -> None:
    y = pcm16_array(pcm16_bytes(np.array([[7.0, -7.0, 1.0, -1.0]], np.float32)), channels=1)
    np.testing.assert_array_equal(y, [[32767 / 32768, -1.0, 32767 / 32768, -1.0]])


def test_the_order_of_the_samples_in_memory_does_not_matter() -> None:
    y = np.random.default_rng(0).uniform(-1, 1, (2, 100)).astype(np.float32)
    assert pcm16_bytes(np.asfortranarray(y)) == pcm16_bytes(y)


@pytest.mark.parametrize(("data", "channels"), [(b"abc", 1), (b"ab", 2), (b"abcd", 0)])
def test_half_a_frame_is_an_error(data: bytes, channels: int) -> None:
    with pytest.raises(ValueError, match="no whole number of 16-bit frames"):
        pcm16_array(data, channels=channels)
