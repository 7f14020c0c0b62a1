"""Damage is heard where its regions say, and nowhere else."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from audio.damage import bursts, clicks, clipping, dropouts, hum
from audio.damage.regions import Damaged, Region, Removal, merged, shifted
from audio.damage.streams import Codec
from audio.damage.transmission import coded
from tests.audio.signals import SAMPLE_RATE, song

Damage = Callable[[np.ndarray, int, np.random.Generator], Damaged]
LOCAL = {
    "click": clicks.add_clicks,
    "dropout": dropouts.add_dropouts,
    "hum": hum.add_hum,
    "burst": bursts.add_bursts,
}


@pytest.fixture(scope="module")
def y() -> np.ndarray:
    return song(6.0, channels=1)[0]


def inside(damaged: Damaged) -> np.ndarray:
    marks = np.zeros(len(damaged.y), bool)
    for region in damaged.regions:
        marks[region.start : region.stop] = True
    return marks


@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize("seed", range(4))
def test_nothing_changes_outside_the_regions_and_something_in_each(y: np.ndarray, name: str, seed: int) -> None:
    y = 0.2 * y  # nothing exceeds full scale, for which all would be turned down
    damaged = LOCAL[name](y, SAMPLE_RATE, np.random.default_rng(seed))
    assert len(damaged.y) == len(y)
    assert damaged.regions
    changed = np.abs(damaged.y - y) > 1e-4
    assert not changed[~inside(damaged)].any()
    for region in damaged.regions:
        assert region.name == name
        assert changed[region.start : region.stop].any()


@pytest.mark.parametrize("name", ["hum", "click", "burst"])
@pytest.mark.parametrize("seed", range(6))
def test_what_is_added_to_a_loud_master_does_not_clip_it(name: str, seed: int) -> None:
    time = np.arange(6 * SAMPLE_RATE) / SAMPLE_RATE
    master = 0.88 * np.tanh(8.0 * np.sin(2 * np.pi * 441.7 * time))
    master += np.random.default_rng(7).uniform(-0.1, 0.1, len(time))
    assert clipping.clipped_share(master) == 0.0
    damaged = LOCAL[name](master.astype(np.float32), SAMPLE_RATE, np.random.default_rng(seed))
    assert np.abs(damaged.y).max() <= 1.0
    assert clipping.clipped_share(damaged.y) < 2e-4
    gain = damaged.y[~inside(damaged)] / master[~inside(damaged)]
    if len(gain):
        np.testing.assert_allclose(gain, gain[0], rtol=1e-4)


@pytest.mark.parametrize("damage", [*LOCAL.values(), clipping.add_clipping])
def test_a_seed_decides_everything(y: np.ndarray, damage: Damage) -> None:
    one, same, other = (damage(y, SAMPLE_RATE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.y, same.y)
    assert one.regions == same.regions
    assert not np.array_equal(one.y, other.y)


def test_a_dropout_is_silence_where_there_was_sound(y: np.ndarray) -> None:
    damaged = dropouts.add_dropouts(y, SAMPLE_RATE, np.random.default_rng(3))
    for region in damaged.regions:
        middle = slice(region.start + 60, region.stop - 60)
        assert not damaged.y[middle].any()
        assert np.sqrt(np.mean(np.square(y[region.start : region.stop]))) >= dropouts.AUDIBLE


def test_silence_has_no_dropouts() -> None:
    assert dropouts.add_dropouts(np.zeros(SAMPLE_RATE, np.float32), SAMPLE_RATE, np.random.default_rng(0)).regions == ()


def test_clipping_cuts_the_share_that_it_says_and_finds_it_again(y: np.ndarray) -> None:
    damaged = clipping.add_clipping(y, SAMPLE_RATE, np.random.default_rng(0))
    peak = np.abs(damaged.y).max()
    share = np.mean(np.abs(damaged.y) >= peak * (1 - 1e-4))
    assert clipping.SHARE[0] * 0.9 <= share <= clipping.SHARE[1] * 1.1
    assert clipping.LEVEL[0] <= peak <= clipping.LEVEL[1]
    assert clipping.clipped_share(damaged.y) > 10 * clipping.clipped_share(y)
    flat = clipping.flat_runs(damaged.y, float(peak), clipping.FLAT)
    assert not flat[~inside(damaged)].any()


def test_what_lies_beyond_full_scale_is_clipped_already() -> None:
    loud = 1.5 * np.sin(2 * np.pi * 441.7 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    assert clipping.clipped_share(0.6 * loud) == 0.0
    assert clipping.clipped_share(loud) == clipping.clipped_share(np.clip(loud, -1.0, 1.0)) > 0.3


@pytest.mark.parametrize("codec", ["mp3", "ogg", "opus"])
def test_what_was_clipped_before_it_was_encoded_is_found_behind_the_ripple_of_the_codec(codec: str) -> None:
    rate = 48_000
    white = np.random.default_rng(5).standard_normal(6 * rate)
    music = sosfilt(butter(2, 800.0, fs=rate, output="sos"), white).astype(np.float32)
    music *= 0.3 / np.quantile(np.abs(music), 0.97)
    clipped = np.clip(music, -0.3, 0.3)
    encoder = Codec(codec, rate, 0.5)
    assert clipping.clipped_share(clipped) > 100 * clipping.CLIPPED
    assert clipping.clipped_share(coded(clipped, encoder)) <= clipping.CLIPPED
    assert clipping.is_clipped(coded(clipped, encoder), rate)
    for sound in (music, coded(music, encoder)):
        assert not clipping.is_clipped(sound, rate)


def test_silence_and_what_is_nearly_silent_stay_at_no_ceiling() -> None:
    for level in (0.0, 0.01):
        square = level * np.sign(np.sin(np.arange(SAMPLE_RATE) / 50)).astype(np.float32)
        assert not clipping.stays_at_ceiling(square, SAMPLE_RATE)
        assert clipping.stays_at_ceiling(square + 0.1 * np.sign(square), SAMPLE_RATE) == (level > 0.0)
    assert not clipping.stays_at_ceiling(np.zeros(0, np.float32), SAMPLE_RATE)


def test_runs_that_are_too_short_are_not_flat() -> None:
    y = np.array([0, 1, 1, 0, 1, 1, 1, 0, -1, -1, -1, -1], np.float32)
    expected = [False] * 4 + [True] * 3 + [False] + [True] * 4
    np.testing.assert_array_equal(clipping.flat_runs(y, 1.0, 3), expected)


def test_hum_lies_on_multiples_of_the_mains(y: np.ndarray) -> None:
    damaged = hum.add_hum(y, SAMPLE_RATE, np.random.default_rng(5))
    (region,) = damaged.regions
    added = (damaged.y - y)[region.start : region.stop]
    spectrum = np.abs(np.fft.rfft(added * np.hanning(len(added))))
    strongest = np.argmax(spectrum) * SAMPLE_RATE / len(added)
    assert any(abs(strongest / mains - round(strongest / mains)) < 0.02 for mains in hum.MAINS_HZ)


def test_regions_behind_a_removal_move_with_the_timeline() -> None:
    before = (Region("click", 10, 12), Region("hum", 50, 500), Region("click", 120, 130), Region("burst", 300, 310))
    after = shifted(before, (Removal(100, 50), Removal(200, 20)))
    assert after == (Region("click", 10, 12), Region("hum", 50, 430), Region("burst", 230, 240))


def test_marks_closer_than_the_gap_are_one_region() -> None:
    marks = np.zeros(30, bool)
    marks[[2, 3, 6, 20]] = True
    assert merged("clipping", marks, 5) == (Region("clipping", 2, 7), Region("clipping", 20, 21))
    assert merged("clipping", np.zeros(30, bool), 5) == ()
