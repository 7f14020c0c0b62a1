"""Noises: reproducible, of unit level, each with the signature of its kind; mixed at exactly the level asked for."""

import numpy as np
import pytest

from audio.noises import MAKERS, chain
from audio.noises.mixing import at_snr, fill, snr_db
from tests.audio.signals import song

RATE = 16_000
SAMPLES = 2 * RATE


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def spectrum(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in Hz and powers."""
    return np.fft.rfftfreq(len(y), 1 / RATE), np.abs(np.fft.rfft(y)) ** 2


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_a_noise_has_unit_level_no_offset_to_speak_of_and_follows_its_seed(name: str) -> None:
    for seed in range(3):
        y = MAKERS[name](SAMPLES, RATE, rng(seed))
        assert (y.shape, y.dtype) == ((SAMPLES,), np.float32)
        assert np.sqrt(np.mean(y**2)) == pytest.approx(1, abs=1e-4)
        np.testing.assert_array_equal(y, MAKERS[name](SAMPLES, RATE, rng(seed)))
        assert not np.array_equal(y, MAKERS[name](SAMPLES, RATE, rng(seed + 10)))


@pytest.mark.parametrize("name", sorted(MAKERS))
@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_a_noise_can_be_short_and_at_any_rate(name: str, rate: int) -> None:
    y = MAKERS[name](rate // 4, rate, rng(3))
    assert np.isfinite(y).all()


def test_hum_lies_on_multiples_of_the_mains_and_hiss_does_not() -> None:
    def share_on_harmonics(name: str) -> float:
        hz, power = spectrum(MAKERS[name](8 * RATE, RATE, rng(1)))
        near = [abs(hz / mains - np.round(hz / mains)) * mains < 2 + 0.004 * hz for mains in (50, 60)]
        return max(float(power[mask & (hz > 30)].sum() / power.sum()) for mask in near)

    assert share_on_harmonics("hum") > 0.95
    assert share_on_harmonics("hiss") < 0.7


def test_clicks_are_rare_and_loud_and_crackle_is_dense() -> None:
    for seed in range(4):
        clicks, crackle = (MAKERS[name](SAMPLES, RATE, rng(seed)) for name in ("clicks", "crackle"))
        assert np.mean(np.abs(clicks) < 0.01) > 0.8
        assert np.abs(clicks).max() > 6
        assert np.abs(crackle).max() > 6
        assert np.mean(np.abs(crackle) < 0.01) < 0.8


def test_a_chain_adds_what_knows_nothing_of_the_sound_but_lives_where_it_lives() -> None:
    y = song(2.0, RATE, 1)[0]
    y[RATE:] = 0
    residual = chain.make_residual(y, RATE, rng(2))
    assert np.dot(residual, y) / np.linalg.norm(residual) / np.linalg.norm(y) == pytest.approx(0, abs=1e-5)
    late = slice(RATE + RATE // 4, None)
    assert np.sum(residual[late] ** 2) < 0.01 * np.sum(residual**2)


@pytest.mark.parametrize("wanted_db", [-5.0, 0.0, 7.3, 40.0])
def test_the_signal_to_noise_ratio_is_the_one_asked_for(wanted_db: float) -> None:
    y = song(1.0, RATE, 1)[0]
    noise = at_snr(y, MAKERS["hiss"](RATE, RATE, rng()), wanted_db)
    assert snr_db(y, noise) == pytest.approx(wanted_db, abs=1e-4)
    assert snr_db(y, 0 * y) == float("inf")


def test_a_short_recording_of_noise_is_repeated_without_a_gap_or_a_step_in_its_level() -> None:
    noise = rng(5).standard_normal(3000).astype(np.float32)
    y = fill(noise, 20_000, 500)
    assert y.shape == (20_000,)
    levels = np.sqrt(np.mean(y[: 20_000 - 20_000 % 250].reshape(-1, 250) ** 2, axis=1))
    assert levels.min() > 0.75
    assert levels.max() < 1.3
    np.testing.assert_array_equal(fill(noise, 2000, 500), noise[:2000])
