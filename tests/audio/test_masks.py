"""Properties of masks on random spectra: bounds, complements, round trips, and what each mask is the best at."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from audio import masks

LEVELS = st.sampled_from([0.0, 1e-20, 1e-6, 1e-3, 1.0, 1e3, 1e8])


def spectrum(seed: int, level: float) -> tf.Tensor:
    """complex64 [2, 5, 9], a third of its bins zero."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((2, 5, 9)) + 1j * rng.standard_normal((2, 5, 9))
    return tf.constant(level * values * (rng.random((2, 5, 9)) > 1 / 3), tf.complex64)


def error(mask: tf.Tensor, mixture: tf.Tensor, target: tf.Tensor) -> np.ndarray:
    return np.abs((masks.apply_mask(mask, mixture) - target).numpy())


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 99), st.integers(100, 199), LEVELS, LEVELS, st.sampled_from([0.5, 1.0, 2.0, 4.0]))
def test_the_ratio_mask_lies_in_0_1_and_sums_to_1_with_its_complement(
    a: int, b: int, level_a: float, level_b: float, power: float
) -> None:
    target, rest = spectrum(a, level_a), spectrum(b, level_b)
    mask = masks.ideal_ratio_mask(target, rest, power=power).numpy()
    complement = masks.ideal_ratio_mask(rest, target, power=power).numpy()
    assert mask.min() >= 0
    assert mask.max() <= 1
    np.testing.assert_allclose(mask + complement, 1, atol=2e-7)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 99), st.just(0.0) | st.floats(1e-30, 1), st.booleans())  # TensorFlow flushes subnormals to zero
def test_the_two_sides_of_a_mask_sum_to_the_mixture(seed: int, level: float, is_complex: bool) -> None:
    mixture = spectrum(seed, level)
    mask = spectrum(seed + 1, 2.0) if is_complex else tf.math.abs(spectrum(seed + 1, 0.3))
    target, rest = masks.divide(mask, mixture)
    np.testing.assert_allclose(target + rest, mixture, atol=1e-6 * level)
    if not is_complex:
        np.testing.assert_allclose(rest, masks.apply_mask(1 - mask, mixture), atol=1e-6 * level)


def test_a_ratio_mask_in_0_1_gives_two_sides_that_sum_to_the_mixture_bit_for_bit_or_one_rounding_off() -> None:
    mixture = spectrum(1, 1.0)
    target, rest = masks.divide(masks.ideal_ratio_mask(spectrum(2, 1.0), spectrum(3, 1.0)), mixture)
    for part in (tf.math.real, tf.math.imag):
        np.testing.assert_array_max_ulp(part(target + rest).numpy(), part(mixture).numpy(), maxulp=1)


def test_masks_do_not_know_the_level() -> None:
    for level in (1e-12, 1e12):
        target, rest = spectrum(1, 1.0), spectrum(2, 1.0)
        for power in (1.0, 2.0, 4.0):
            loud = masks.ideal_ratio_mask(level * target, level * rest, power=power)
            np.testing.assert_allclose(loud, masks.ideal_ratio_mask(target, rest, power=power), atol=1e-5)
        both = masks.complex_ratio_mask(level * target, level * (target + rest))
        np.testing.assert_allclose(both, masks.complex_ratio_mask(target, target + rest), rtol=1e-4)


def test_the_ratio_mask_is_0_or_1_where_one_side_is_alone_and_a_half_where_there_is_nothing() -> None:
    one, nothing = tf.ones([1, 1], tf.complex64), tf.zeros([1, 1], tf.complex64)
    for target, rest, expected in [(one, nothing, 1.0), (nothing, one, 0.0), (nothing, nothing, 0.5), (one, one, 0.5)]:
        assert masks.ideal_ratio_mask(target, rest).numpy().item() == expected
    assert masks.ideal_ratio_mask(3 * one, one, power=2.0).numpy().item() == pytest.approx(0.9)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 99), st.integers(100, 199))
def test_oracle_masks_order_as_theory_says(a: int, b: int) -> None:
    """cIRM is exact; PSM is the best real mask in [0, 1], bin by bin; the IRM's estimate is never above the mixture."""
    target, rest = spectrum(a, 1.0), spectrum(b, 0.7)
    mixture = target + rest
    ratio, phase = masks.ideal_ratio_mask(target, rest), masks.phase_sensitive_mask(target, mixture)
    assert phase.numpy().min() >= 0
    assert phase.numpy().max() <= 1
    exact = error(masks.complex_ratio_mask(target, mixture), mixture, target)
    best = error(phase, mixture, target)
    assert (exact[np.abs(mixture) > 0] < 1e-5).all()
    for other in (ratio, tf.zeros_like(ratio), tf.ones_like(ratio), 0.5 * tf.ones_like(ratio)):
        assert (best <= error(other, mixture, target) + 1e-6).all()
    assert (np.abs(masks.apply_mask(ratio, mixture)) <= np.abs(mixture) + 1e-6).all()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=12))
def test_a_compressed_complex_mask_comes_back(values: list[float]) -> None:
    half = len(values) // 2
    mask = tf.complex(tf.constant(values[:half]), tf.constant(values[half : 2 * half]))
    compressed = masks.compress(mask)
    assert compressed.shape == [half, 2]
    assert np.abs(compressed).max(initial=0) <= masks.COMPRESSION_RANGE
    # float32 near K = 10 resolves 1e-6, which the inverse stretches by 2K / (C (K^2 - x^2)) there.
    np.testing.assert_allclose(masks.decompress(compressed), mask, rtol=1e-5, atol=5e-2)
    small = mask / 100
    np.testing.assert_allclose(masks.decompress(masks.compress(small)), small, rtol=1e-5, atol=1e-5)


def test_compression_is_the_published_formula_and_its_inverse_stays_finite() -> None:
    m = np.linspace(-20, 20, 9)
    expected = 10 * (1 - np.exp(-0.1 * m)) / (1 + np.exp(-0.1 * m))
    np.testing.assert_allclose(masks.compress(tf.constant(m + 0j, tf.complex64))[:, 0], expected, atol=1e-5)
    beyond = masks.decompress(tf.constant([[10.0, -10.0], [50.0, -50.0]]))
    assert np.isfinite(beyond).all()


def test_gradients_are_finite_in_silence() -> None:
    parts = tf.Variable(np.zeros((2, 3, 2), np.float32))
    with tf.GradientTape() as tape:
        target = tf.complex(parts[..., 0], parts[..., 1])
        loss = tf.reduce_sum(masks.ideal_ratio_mask(target, target)) + tf.reduce_sum(
            masks.phase_sensitive_mask(target, target)
        )
    assert np.isfinite(tape.gradient(loss, parts)).all()
