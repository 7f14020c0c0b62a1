"""A stream that nobody changes comes out as it went in, later by what a frame overlaps."""

import numpy as np
import pytest

from audio.streaming import HOPS, StreamingFrames, sqrt_hann


@pytest.mark.parametrize("n_fft", [16, 64, 1024])
def test_an_unmasked_stream_comes_back_exactly_and_late(n_fft: int) -> None:
    frames = StreamingFrames(n_fft)
    y = np.random.default_rng(0).standard_normal(7 * frames.hop).astype(np.float32)
    blocks = [frames.synthesise(frames.analyse(block)) for block in y.reshape(-1, frames.hop)]
    out = np.concatenate(blocks)
    assert frames.delay == n_fft - frames.hop
    np.testing.assert_allclose(out[frames.delay :], y[: len(y) - frames.delay], atol=1e-6)
    np.testing.assert_allclose(out[: frames.delay], 0, atol=1e-6)


def test_the_windows_of_all_frames_over_a_sample_sum_to_one() -> None:
    window = sqrt_hann(32) ** 2
    np.testing.assert_allclose(window.reshape(HOPS, -1).sum(axis=0), 1, atol=1e-6)


def test_a_frame_holds_nothing_that_was_not_heard_yet() -> None:
    frames = StreamingFrames(64)
    assert np.abs(frames.analyse(np.zeros(32, np.float32))).max() == 0
    assert np.abs(frames.analyse(np.ones(32, np.float32))).max() > 0
