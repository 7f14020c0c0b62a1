"""Scores: golden cases against museval and mir_eval, bounds, silence, and what each of them hears."""

import importlib.util
from pathlib import Path
from types import ModuleType

import mir_eval
import numpy as np
import pytest
import tensorflow as tf

from audio import scores
from tests.audio.signals import song

RATE = 8_000
REFERENCE = song(1.0, RATE, channels=1)[0]
NOISE = 0.1 * np.random.default_rng(1).standard_normal(RATE).astype(np.float32)
ALL = [scores.si_sdr, scores.sdr, scores.level_error_db]


@pytest.fixture(scope="module")
def museval() -> ModuleType:
    """museval's metrics, by file: the package itself asks for ffprobe when imported."""
    package = importlib.util.find_spec("museval")
    assert package is not None
    assert package.submodule_search_locations is not None
    path = Path(package.submodule_search_locations[0]) / "metrics.py"
    spec = importlib.util.spec_from_file_location("museval_metrics", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("gain", [0.3, 1.0, 1.7])
@pytest.mark.parametrize("noise", [0.01, 0.3, 3.0])
def test_sdr_is_that_of_museval(museval: ModuleType, gain: float, noise: float) -> None:
    stereo = song(1.0, RATE, channels=2)
    estimate = gain * stereo + noise * np.stack([NOISE, NOISE[::-1]])
    theirs = museval.bss_eval(stereo.T[np.newaxis], estimate.T[np.newaxis], window=np.inf, filters_len=1)[0].item()
    ours = scores.sdr(tf.reshape(stereo, [-1]), tf.reshape(estimate, [-1]))
    assert float(ours) == pytest.approx(theirs, abs=1e-4)


@pytest.mark.parametrize("gain", [0.001, 0.3, 1.0, -2.0])
@pytest.mark.parametrize("noise", [0.01, 0.3])
def test_si_sdr_is_bss_eval_with_filters_of_one_sample(gain: float, noise: float) -> None:
    estimate = gain * (REFERENCE + noise * NOISE)
    parts = mir_eval.separation._bss_decomp_mtifilt(REFERENCE[np.newaxis].astype(float), estimate.astype(float), 0, 1)
    theirs, _, _ = mir_eval.separation._bss_source_crit(*parts)
    assert float(scores.si_sdr(REFERENCE, estimate)) == pytest.approx(theirs, abs=1e-3)


def test_a_case_by_hand() -> None:
    reference, estimate = np.float32([1, 0]), np.float32([1, 1])
    assert float(scores.sdr(reference, estimate)) == pytest.approx(0.0, abs=1e-6)
    assert float(scores.si_sdr(reference, estimate)) == pytest.approx(0.0, abs=1e-6)
    assert float(scores.sdr(reference, 0.5 * reference)) == pytest.approx(20 * np.log10(2), abs=1e-5)
    assert float(scores.level_dbfs(np.float32([0.1, -0.1]))) == pytest.approx(-20, abs=1e-5)
    assert float(scores.level_error_db(reference, 0.5 * reference)) == pytest.approx(-20 * np.log10(2), abs=1e-5)


def test_only_si_sdr_is_deaf_to_the_level() -> None:
    estimate = REFERENCE + NOISE
    same = [float(scores.si_sdr(REFERENCE, gain * estimate)) for gain in (1.0, 0.5, 0.001)]
    np.testing.assert_allclose(same, same[0], atol=1e-3)
    faint = REFERENCE + 0.1 * NOISE
    assert float(scores.sdr(REFERENCE, 0.5 * faint)) < float(scores.sdr(REFERENCE, faint)) - 10
    assert float(scores.level_error_db(REFERENCE, 0.5 * REFERENCE)) == pytest.approx(-6.02, abs=0.01)


@pytest.mark.parametrize("score", ALL)
def test_scores_are_clamped_and_finite_whatever_comes(score) -> None:
    silence, tiny, loud = np.zeros(RATE, np.float32), np.full(RATE, 1e-25, np.float32), np.full(RATE, 1e4, np.float32)
    signals = np.stack([silence, tiny, REFERENCE, loud, NOISE])
    for reference in signals:
        values = score(np.tile(reference, (5, 1)), signals).numpy()
        assert np.isfinite(values).all()
        assert np.abs(values).max() <= 60


def test_a_perfect_estimate_scores_60_and_a_lost_one_minus_60() -> None:
    assert float(scores.si_sdr(REFERENCE, 0.1 * REFERENCE)) == 60
    assert float(scores.sdr(REFERENCE, REFERENCE)) == 60
    assert float(scores.si_sdr(REFERENCE, 0 * REFERENCE)) == -60
    assert float(scores.sdr(REFERENCE, 0 * REFERENCE)) == pytest.approx(0, abs=1e-5)


def test_a_silent_reference_is_scored_on_the_level_of_the_output() -> None:
    silence = np.zeros(RATE, np.float32)
    level = float(scores.level_dbfs(NOISE))
    assert level == pytest.approx(-20, abs=0.2)
    for score in (scores.sdr, scores.si_sdr):
        assert float(score(silence, NOISE)) == pytest.approx(-level)
        assert float(score(silence, 0.1 * NOISE)) == pytest.approx(20 - level, abs=1e-3)
        assert float(score(silence, silence)) == 60
        nearly = 1e-4 * np.ones(RATE, np.float32)
        assert float(score(nearly, NOISE)) == pytest.approx(-level)
    assert float(scores.level_error_db(silence, silence)) == 0
    assert bool(scores.is_silent(silence))
    assert not bool(scores.is_silent(NOISE))


def test_padding_does_not_change_a_score_where_the_length_is_given() -> None:
    estimate = REFERENCE + NOISE
    pad = [(0, 3 * RATE)]
    for score in ALL:
        alone = score(REFERENCE, estimate)
        padded = score(np.pad(REFERENCE, pad), np.pad(estimate, pad), num_samples=tf.constant(RATE))
        assert float(padded) == pytest.approx(float(alone), abs=1e-4)
    level = scores.level_dbfs(np.pad(NOISE, pad), num_samples=tf.constant(RATE))
    assert float(level) == pytest.approx(float(scores.level_dbfs(NOISE)), abs=1e-4)


def test_leading_axes_are_kept_in_a_graph() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, None, None])] * 2)
    def both(reference: tf.Tensor, estimate: tf.Tensor) -> tf.Tensor:
        return scores.si_sdr(reference, estimate)

    batch = np.random.default_rng(0).standard_normal((2, 3, 100)).astype(np.float32)
    together = both(batch, batch[::-1]).numpy()
    assert together.shape == (2, 3)
    assert together[1, 2] == pytest.approx(float(scores.si_sdr(batch[1, 2], batch[0, 2])), abs=1e-4)


def test_gradients_of_a_score_are_finite() -> None:
    estimate = tf.Variable(np.stack([REFERENCE + NOISE, np.zeros(RATE, np.float32)]))
    with tf.GradientTape() as tape:
        loss = -tf.reduce_sum(scores.si_sdr(np.stack([REFERENCE] * 2), estimate))
    assert np.isfinite(tape.gradient(loss, estimate)).all()
