"""Pools of frame probabilities: what they are at their ends, and that padding is as if it were not there."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from trainers.defects.pooling import Pool, autopool, lone_frame_exponent, max_pool, mean_pool

KINDS = ("autopool", "constrained_autopool", "regularised_autopool", "max", "mean", "linear_softmax", "attention")
FRAMES, CLASSES = 12, 3


def frames(seed: int, count: int = FRAMES) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.01, 0.99, (2, count, CLASSES)).astype(np.float32)


def pool(kind: str, p: np.ndarray, mask: np.ndarray, seed: int = 0) -> np.ndarray:
    layer = Pool(kind, FRAMES, "pool")
    scores = np.random.default_rng(seed).standard_normal(p.shape).astype(np.float32)
    return ops.convert_to_numpy(layer(p, scores, mask)["pooled"])


def test_exponent_zero_is_the_mean() -> None:
    p, mask = frames(0), np.ones((2, FRAMES), np.float32)
    np.testing.assert_allclose(autopool(p, np.zeros(CLASSES, np.float32), mask), p.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(mean_pool(p, mask), p.mean(axis=1), rtol=1e-5)


def test_a_large_exponent_is_the_maximum() -> None:
    p, mask = frames(1), np.ones((2, FRAMES), np.float32)
    np.testing.assert_allclose(autopool(p, np.full(CLASSES, 2e4, np.float32), mask), p.max(axis=1), rtol=1e-4)
    np.testing.assert_allclose(max_pool(p, mask), p.max(axis=1))


def test_exponent_one_is_the_published_formula() -> None:
    p, mask = frames(2), np.ones((2, FRAMES), np.float32)
    weights = np.exp(p) / np.exp(p).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(autopool(p, np.ones(CLASSES, np.float32), mask), (weights * p).sum(axis=1), rtol=1e-5)


def test_a_lone_frame_counts_one_half_at_the_bound() -> None:
    p = np.zeros((1, 157, 1), np.float32)
    p[0, 80] = 1.0
    exponent = np.array([lone_frame_exponent(157)], np.float32)
    np.testing.assert_allclose(autopool(p, exponent, np.ones((1, 157), np.float32)), [[0.5]], rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_is_as_if_it_were_not_there(kind: str) -> None:
    p = frames(3)
    mask = np.ones((2, FRAMES), np.float32)
    padded = np.concatenate([p, np.full((2, 5, CLASSES), 0.999, np.float32)], axis=1)
    padded_mask = np.concatenate([mask, np.zeros((2, 5), np.float32)], axis=1)
    layer = Pool(kind, FRAMES, "pool")
    scores = np.random.default_rng(0).standard_normal(padded.shape).astype(np.float32)
    whole = ops.convert_to_numpy(layer(p, scores[:, :FRAMES], mask)["pooled"])
    np.testing.assert_allclose(ops.convert_to_numpy(layer(padded, scores, padded_mask)["pooled"]), whole, rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), kind=st.sampled_from(KINDS))
def test_every_pool_lies_between_the_least_and_the_largest_frame(seed: int, kind: str) -> None:
    p = frames(seed)
    pooled = pool(kind, p, np.ones((2, FRAMES), np.float32), seed)
    assert (pooled >= p.min(axis=1) - 1e-6).all()
    assert (pooled <= p.max(axis=1) + 1e-6).all()


def test_the_constrained_exponent_stays_within_its_bounds() -> None:
    layer = Pool("constrained_autopool", FRAMES, "pool")
    p = frames(4)
    layer(p, p, np.ones((2, FRAMES), np.float32))
    for value, expected in ((99.0, lone_frame_exponent(FRAMES)), (-99.0, 0.0)):
        layer.exponent.assign(np.full(CLASSES, value, np.float32))
        np.testing.assert_allclose(ops.convert_to_numpy(layer.exponents()), np.full(CLASSES, expected), atol=1e-6)


@pytest.mark.parametrize("wanted", [0.0, 1.0])
def test_the_constrained_exponent_can_go_either_way_and_come_back(wanted: float) -> None:
    layer = Pool("constrained_autopool", FRAMES, "pool")
    p = tf.constant(frames(4))
    mask = np.ones((2, FRAMES), np.float32)
    layer(p, p, mask)
    for side in (wanted, 1.0 - wanted):
        before = ops.convert_to_numpy(layer.exponents())
        for _ in range(20):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((layer(p, p, mask)["pooled"] - side) ** 2)
            gradient = tape.gradient(loss, layer.exponent.value)
            layer.exponent.assign_sub(5.0 * tf.sign(gradient) * 0.1)
        moved = ops.convert_to_numpy(layer.exponents()) - before
        assert (moved > 0).all() if side else (moved < 0).all()


def test_only_autopools_have_exponents_to_learn() -> None:
    for kind in KINDS:
        layer = Pool(kind, FRAMES, "pool")
        layer.build((None, FRAMES, CLASSES), (None, FRAMES, CLASSES), (None, FRAMES))
        assert len(layer.trainable_variables) == ("autopool" in kind), kind
    assert isinstance(layer, keras.layers.Layer)
