"""What a frame's numbers depend on: the sound around it, and not what lies elsewhere in the recording."""

import numpy as np
import pytest
import soxr
import tensorflow as tf

from audio.damage.clipping import add_clipping
from serving.parts import GRID_S, OVERLAP_S
from tests.audio.signals import song
from trainers.defects.channels.levels import N_MELS
from trainers.defects.frames import FRAME_LENGTH, FRAME_S, PER_FRAME, RATE
from trainers.defects.spectra import FINE, REACH, measure

NEAR_CEILING = N_MELS + 8
AR_CREST = N_MELS + 12
HUM = PER_FRAME * FINE
PILE = -1
LEAP = FINE - 4
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


@pytest.mark.parametrize("level", [0.3, 0.7])
def test_peaks_that_were_cut_pile_up_also_after_resampling(level: float) -> None:
    y = music(4) * level
    cut = soxr.resample(add_clipping(soxr.resample(y, RATE, 44_100), 44_100, np.random.default_rng(5)).y, 44_100, RATE)
    assert np.median(rows(cut)[:, PILE]) > 0.2
    assert np.median(rows(y)[:, PILE]) < 0.1


@pytest.mark.parametrize(("hertz", "line"), [(100.1, 1), (359.4, 15)])
def test_a_multiple_of_the_mains_stands_out_and_a_note_beside_it_does_not(hertz: float, line: int) -> None:
    time = np.arange(FRAMES * FRAME_LENGTH) / RATE
    noise = 0.01 * np.random.default_rng(6).standard_normal(len(time))
    mains, note = (
        np.median(rows((noise + 0.05 * np.sin(2 * np.pi * f * time)).astype(np.float32))[:, HUM + line])
        for f in (hertz, hertz * 2 ** (-1 / 24))
    )
    assert mains > 2.0
    assert note < 0.8


def test_hum_is_heard_from_where_it_begins_and_a_note_that_ends_is_not_heard() -> None:
    time = np.arange(2 * FRAMES * FRAME_LENGTH) / RATE
    y = 0.01 * np.random.default_rng(7).standard_normal(len(time))
    y += 0.1 * np.sin(2 * np.pi * 50 * time) * (time > 6.0) + 0.1 * np.sin(2 * np.pi * 60 * time) * (time < 0.5)
    lines = rows(y.astype(np.float32))[:, [HUM, HUM + 10]]
    begins = np.flatnonzero(lines[:, 0] > 2.0)[0] * FRAME_S
    assert 5.0 < begins < 6.2
    assert lines[40:, 1].max() < 1.5


def test_a_splice_in_loud_bass_is_not_predicted() -> None:
    time = np.arange(FRAMES * FRAME_LENGTH) / RATE
    noise = 0.001 * np.random.default_rng(8).standard_normal(len(time))
    y = (0.5 * np.sin(2 * np.pi * 55 * time) + noise).astype(np.float32)
    at = 40 * FRAME_LENGTH + 100
    spliced = np.concatenate([y[:at], y[at + 333 :], y[:333]])
    crest = rows(spliced)[:, : PER_FRAME * FINE].reshape(-1, FINE)[: 80 * PER_FRAME, AR_CREST]
    assert crest.argmax() == at // (FRAME_LENGTH // PER_FRAME)
    assert crest.max() > np.sort(crest)[-2] + 0.2


def test_a_splice_is_a_leap_also_where_it_is_faded_over_and_an_onset_is_not() -> None:
    time = np.arange(FRAMES * FRAME_LENGTH) / RATE
    rng = np.random.default_rng(9)
    chord = sum(0.1 * np.sin(2 * np.pi * f * time + rng.uniform(0, 6)) for f in (131.0, 196.3, 311.7, 523.9, 880.4))
    y = (chord + 0.003 * rng.standard_normal(len(time))).astype(np.float32)
    at, gone, fade = 40 * FRAME_LENGTH, 1300, 500
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    over = y[at - fade : at] * (1 - ramp) + y[at - fade + gone : at + gone] * ramp
    spliced = np.concatenate([y[: at - fade], over, y[at + gone :]])[: 80 * FRAME_LENGTH]
    onset = y + 0.3 * np.sin(2 * np.pi * 700 * time).astype(np.float32) * (time > at / RATE)

    def leaps(signal: np.ndarray) -> np.ndarray:
        fine = rows(signal)[:, : PER_FRAME * FINE].reshape(-1, FINE)[:, LEAP]
        return fine[10 * PER_FRAME : 70 * PER_FRAME]

    heard = leaps(spliced)
    assert abs(heard.argmax() + 10 * PER_FRAME - at // (FRAME_LENGTH // PER_FRAME)) <= 8
    assert heard.max() > 0.2
    assert leaps(onset).max() < 0.1
    assert leaps(y).max() < 0.0
