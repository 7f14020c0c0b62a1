"""What a frame's numbers depend on: the sound around it, and not what lies elsewhere in the recording."""

import numpy as np
import pytest
import tensorflow as tf

from audio.damage.clipping import add_clipping
from serving.parts import GRID_S, OVERLAP_S
from tests.audio.signals import song
from trainers.defects.spectra import (
    FINE,
    FRAME_LENGTH,
    FRAME_S,
    N_MELS,
    PER_FRAME,
    RATE,
    REACH,
    measure,
)

NEAR_CEILING = N_MELS + 8
FRAMES = 94


def music(seed: int = 0, frames: int = FRAMES) -> np.ndarray:
    """float32 [samples]: notes over noise; no two peaks are equal."""
    y = 0.2 * song(frames * FRAME_S, RATE)[0, : frames * FRAME_LENGTH]
    return (y + 0.01 * np.random.default_rng(seed).standard_normal(len(y))).astype(np.float32)


def rows(y: np.ndarray) -> np.ndarray:
    return measure(tf.constant(y)).numpy()


def near_ceiling(y: np.ndarray) -> np.ndarray:
    """float32 [fine frames]"""
    return rows(y)[:, : PER_FRAME * FINE].reshape(-1, FINE)[:, NEAR_CEILING]


def clicked(y: np.ndarray, frame: int) -> np.ndarray:
    """With a millisecond at full scale in the middle of a frame."""
    y, at = y.copy(), frame * FRAME_LENGTH + FRAME_LENGTH // 2
    y[at : at + RATE // 1000] = 0.9
    return y


@pytest.mark.parametrize("frame", [0, 30, FRAMES - 1])
def test_a_click_changes_no_frame_beyond_the_reach(frame: int) -> None:
    y = music()
    changed = np.abs(rows(clicked(y, frame)) - rows(y)).max(axis=1) > 1e-5
    assert changed[frame]
    assert set(np.flatnonzero(changed)) <= set(range(frame - REACH, frame + REACH + 1))


def test_frames_of_a_part_of_a_long_recording_are_those_of_the_whole() -> None:
    assert REACH * FRAME_S <= OVERLAP_S / 2
    grid = round(GRID_S / FRAME_S)
    y, first, last = music(1, 30 * grid), 7 * grid, 21 * grid
    part = rows(y[first * FRAME_LENGTH : last * FRAME_LENGTH])
    np.testing.assert_allclose(part[REACH:-REACH], rows(y)[first + REACH : last - REACH], atol=2e-3)


def test_a_click_does_not_hide_a_ceiling() -> None:
    y = music(2)
    clipped = add_clipping(y, RATE, np.random.default_rng(3)).y
    with_click, without, sound = (near_ceiling(signal).mean() for signal in (clicked(clipped, 40), clipped, y))
    assert without > 2 * sound
    assert with_click == pytest.approx(without, rel=0.05)
