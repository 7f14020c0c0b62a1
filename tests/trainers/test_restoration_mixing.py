"""Training examples of the denoiser: music and noise of several rows, mixed."""

import numpy as np
import pytest
import tensorflow as tf

from tests.trainers.tiny_noisy import make_pair, recipe, rows_of
from trainers.restoration.frames import spectrum, waveform
from trainers.restoration.mixing import UNIFORMS, Mix
from trainers.restoration.model import make_learner


def mixed(drawn: list[dict[str, tf.Tensor]], uniforms: np.ndarray, **changes: float) -> Mix:
    """Spectra of training examples at 0 to 10 dB, at their own speed and through no equaliser unless asked."""
    settings = {"speed": 0.0, "colour_db": 0.0, "second_share": 0.0, "clean_share": 0.0} | changes
    learner = make_learner(recipe(snr_low_db=0.0, snr_high_db=10.0, **settings))
    batch = learner.prepare(drawn, tf.constant(uniforms, tf.float32))
    return Mix(batch["clean"], batch["mixture"] - batch["clean"])


def drawn_rows(count: int) -> list[dict[str, tf.Tensor]]:
    """Three rows for each of `count` examples, all of them noisy."""
    noisy = [number for number in range(40) if number % 4]
    return [rows_of(noisy[start : start + count]) for start in (0, count, 2 * count)]


def alike(spectra: tf.Tensor, samples: tf.Tensor) -> list[float]:
    """Correlation of each spectrum's waveform with 16-bit samples."""
    n_fft = 2 * (spectra.shape[-1] - 1)
    pairs = zip(waveform(spectra, n_fft, samples.shape[-1]).numpy(), samples.numpy(), strict=True)
    return [float(np.corrcoef(y, other)[0, 1]) for y, other in pairs]


def test_noise_of_another_row_is_mixed_in_at_the_drawn_level() -> None:
    uniforms = np.full((3, UNIFORMS), 0.75)
    uniforms[:, -4:] = [[0.0, 0.9, 0.9, 0.5], [0.5, 0.9, 0.9, 0.5], [1.0, 0.9, 0.1, 0.5]]
    drawn = drawn_rows(3)
    result = mixed(drawn, uniforms)
    energies = (np.sum(np.abs(y) ** 2, axis=(1, 2)) for y in result)
    np.testing.assert_allclose(10 * np.log10(np.divide(*energies)), [0, 5, 10], atol=1e-3)
    np.testing.assert_allclose(alike(result.clean, drawn[0]["clean"]), 1, atol=1e-4)
    np.testing.assert_allclose(alike(result.noise, drawn[1]["noise"]), [1, 1, -1], atol=1e-4)


def test_a_chain_keeps_its_own_music() -> None:
    drawn = drawn_rows(2)
    drawn[0]["owns_noise"] = tf.constant([True, False])
    result = mixed(drawn, np.full((2, UNIFORMS), 0.75), second_share=1.0)
    assert alike(result.clean, drawn[0]["clean"])[0] == pytest.approx(1, abs=1e-4)
    assert alike(result.noise, drawn[0]["noise"])[0] == pytest.approx(1, abs=1e-4)
    assert abs(alike(result.noise, drawn[0]["noise"])[1]) < 0.2


@pytest.mark.parametrize(("lender", "instead"), [(1, 0), (2, 1)])
def test_what_a_chain_added_is_lent_to_no_other(lender: int, instead: int) -> None:
    drawn = drawn_rows(2)
    drawn[lender]["owns_noise"] = tf.constant([True, False])
    uniforms = np.full((2, UNIFORMS), 0.75)
    uniforms[:, [4, 9]] = 0.0  # two are heard, equally loud
    result = mixed(drawn, uniforms, second_share=1.0)
    lent, heard = (alike(result.noise, drawn[row]["noise"]) for row in (lender, instead))
    assert abs(lent[0]) < 0.2
    assert lent[1] > 0.5
    assert heard[0] > 0.5
    assert min(alike(result.clean, drawn[2]["clean"])) > 0.5


def test_a_chain_and_its_music_are_played_and_coloured_alike() -> None:
    drawn = drawn_rows(2)
    drawn[0]["noise"], drawn[0]["owns_noise"] = drawn[0]["clean"] // 4, tf.constant([True, True])
    uniforms = np.random.default_rng(0).random((2, UNIFORMS))
    uniforms[:, -3] = 0.9
    uniforms[:, [0, 10]] = 0.25  # both at another speed, through an equaliser
    result = mixed(drawn, uniforms, speed=0.3, colour_db=6.0)
    shares = np.abs(result.noise.numpy()) / np.maximum(np.abs(result.clean), 1e-9)
    loud = np.abs(result.clean) > 0.2 * np.abs(result.clean).max()
    assert loud.any()
    for share, heard in zip(shares, loud, strict=True):
        np.testing.assert_allclose(share[heard], np.median(share[heard]), rtol=0.05)


def test_a_second_music_and_a_second_noise_are_at_most_as_loud() -> None:
    drawn = drawn_rows(4)
    uniforms = np.full((4, UNIFORMS), 0.75)
    uniforms[:, [3, 8]] = 0.1
    result = mixed(drawn, uniforms, second_share=0.5)
    for y, name, first in ((result.clean, "clean", 0), (result.noise, "noise", 1)):
        own, second = (np.array(alike(y, drawn[row][name])) for row in (first, 2))
        assert (np.abs(second) > 0.1).all()
        assert (np.abs(own) > np.abs(second)).all()


def test_colour_changes_bins_and_not_time_and_speed_changes_pitch() -> None:
    drawn = drawn_rows(3)
    uniforms = np.random.default_rng(1).random((3, UNIFORMS))
    uniforms[:, -4:] = 0.5  # the whole at its own level
    uniforms[:, [0, 3, 8]] = 0.75
    uniforms[:, 10] = [0.25, 0.25, 0.75]
    plain, coloured = (mixed(drawn, uniforms, colour_db=colour_db).clean.numpy() for colour_db in (0.0, 6.0))
    ratio = np.abs(coloured / plain)
    np.testing.assert_allclose(ratio.max(axis=1), ratio.min(axis=1), rtol=1e-2)
    assert (ratio[:2].max(axis=(1, 2)) > 1.5 * ratio[:2].min(axis=(1, 2))).all()
    np.testing.assert_allclose(ratio[2], 1, rtol=1e-3)
    uniforms[:, :3] = [0.25, 1.0, 0.0]
    faster = np.abs(mixed(drawn, uniforms, speed=0.3).clean.numpy()).mean(axis=1)
    assert (np.argmax(faster, axis=1) > np.argmax(np.abs(plain).mean(axis=1), axis=1)).all()


def test_clean_examples_are_clean_and_silence_stays_finite() -> None:
    drawn = drawn_rows(2)
    uniforms = np.random.default_rng(0).random((2, UNIFORMS))
    uniforms[:, -3] = 0.5
    assert not mixed(drawn, uniforms, clean_share=0.6).noise.numpy().any()
    for row in drawn[1:]:
        row["noise"] = tf.zeros_like(row["noise"])
    assert not mixed(drawn, uniforms, second_share=1.0).noise.numpy().any()


def test_validation_hears_the_noisy_music_as_it_is_and_training_does_not() -> None:
    learner = make_learner(recipe())
    rows = rows_of(range(1, 4))
    plain = learner.prepare([rows], None)
    whole = tf.constant(np.stack([make_pair(n).sum(axis=0) for n in range(1, 4)]))
    np.testing.assert_allclose(plain["mixture"], spectrum(whole, learner.n_fft), atol=5e-3)
    uniforms = tf.constant(np.random.default_rng(0).random((3, UNIFORMS), np.float32))
    first, second = (learner.prepare([rows, rows_of(range(5, 8)), rows_of(range(9, 12))], uniforms) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    assert not np.allclose(first["mixture"], plain["mixture"], atol=0.1)
