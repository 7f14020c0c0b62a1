"""Cut and joined audio has no seam, whatever its length."""

import tracemalloc

import numpy as np
import pytest
import tensorflow as tf

from audio.errors import DaCapoError
from audio.overlap_add import fade_in, overlap_add, stream

LENGTH, OVERLAP = 100, 20
HOP = LENGTH - OVERLAP
LENGTHS = [0, 1, 19, 20, 21, 80, 99, 100, 101, 180, 181, 260, 1000, 1003]


def by_blocks(y: np.ndarray, process, block: int) -> np.ndarray:
    parts = list(
        stream((y[..., i : i + block] for i in range(0, y.shape[-1], block)), process, length=LENGTH, overlap=OVERLAP)
    )
    return np.concatenate(parts, axis=-1) if parts else process(np.zeros([*y.shape[:-1], LENGTH], y.dtype))[..., :0]


def signals(samples: int) -> dict[str, np.ndarray]:
    t = np.arange(samples)
    return {
        "constant": np.ones(samples, np.float32),
        "impulse": (t % 80 == 85 % 80).astype(np.float32),  # one in every overlap
        "sine": np.sin(0.37 * t).astype(np.float32),
    }


@pytest.mark.parametrize("samples", LENGTHS)
@pytest.mark.parametrize("signal", ["constant", "impulse", "sine"])
def test_pieces_that_are_not_changed_give_back_the_signal(samples: int, signal: str) -> None:
    y = signals(samples)[signal]
    np.testing.assert_allclose(overlap_add(y, tf.identity, length=LENGTH, overlap=OVERLAP), y, atol=1e-6)
    np.testing.assert_allclose(by_blocks(y, np.copy, 37), y, atol=1e-6)


@pytest.mark.parametrize("block", [1, 37, 80, 100, 1000])
@pytest.mark.parametrize("samples", [1, 100, 101, 437])
def test_the_stream_is_the_same_as_the_whole_for_any_block(samples: int, block: int) -> None:
    y = np.random.default_rng(0).standard_normal((2, samples)).astype(np.float32)
    ramp = np.linspace(0, 1, LENGTH).astype(np.float32)  # a process that knows where in the piece it is

    def split(piece):
        return np.stack([np.asarray(piece) * ramp, np.asarray(piece) * (1 - ramp)])

    whole = overlap_add(y, lambda piece: tf.stack([piece * ramp, piece * (1 - ramp)]), length=LENGTH, overlap=OVERLAP)
    assert whole.shape == (2, 2, samples)
    np.testing.assert_allclose(by_blocks(y, split, block), whole, atol=1e-6)
    np.testing.assert_allclose(tf.reduce_sum(whole, axis=0), y, atol=1e-5)


def test_a_piece_that_is_wrong_at_its_ends_leaves_no_step() -> None:
    """Pieces whose level differs are cross-faded: no two neighbouring samples differ by more than the fade's slope."""
    count = iter(range(100))
    parts = by_blocks(np.ones(1000, np.float32), lambda piece: piece * (next(count) % 2), 100)
    assert np.abs(np.diff(parts)).max() <= 1.05 * np.pi / 2 / OVERLAP
    assert np.ptp(parts) == 1


def test_the_two_weights_of_an_overlap_sum_to_one_and_are_mirror_images() -> None:
    rise = fade_in(OVERLAP)
    np.testing.assert_allclose(rise + rise[::-1], 1, atol=1e-6)
    assert (np.diff(rise) > 0).all()


@pytest.mark.parametrize("overlap", [0, 1, 50])
def test_any_overlap_up_to_half_a_piece(overlap: int) -> None:
    y = np.random.default_rng(0).standard_normal(777).astype(np.float32)
    np.testing.assert_allclose(overlap_add(y, tf.identity, length=LENGTH, overlap=overlap), y, atol=1e-6)
    parts = list(stream([y], np.copy, length=LENGTH, overlap=overlap))
    np.testing.assert_allclose(np.concatenate(parts), y, atol=1e-6)


def test_more_than_half_is_refused_in_one_line() -> None:
    with pytest.raises(DaCapoError, match=r"overlap=51 must be from 0 to half of length=100"):
        overlap_add(np.ones(10, np.float32), tf.identity, length=LENGTH, overlap=51)


def test_an_exported_signature_takes_any_length(tmp_path) -> None:
    module = tf.Module()
    module.halve = tf.function(
        lambda y: overlap_add(y, lambda piece: tf.stack([0.5 * piece, 0.5 * piece]), length=LENGTH, overlap=OVERLAP),
        input_signature=[tf.TensorSpec([2, None])],
    )
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    for samples in LENGTHS:
        y = np.random.default_rng(samples).standard_normal((2, samples)).astype(np.float32)
        np.testing.assert_allclose(tf.reduce_sum(loaded.halve(y), axis=0), y, atol=1e-6)


def test_two_hours_stream_through_the_memory_of_a_moment() -> None:
    """Two hours at 1 kHz are 29 MB; in blocks of a second no more than a few blocks are ever held."""
    blocks = (np.ones(1000, np.float32) for _ in range(7200))
    tracemalloc.start()
    total = sum(part.size for part in stream(blocks, np.copy, length=10_000, overlap=1_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 7_200_000
    assert peak < 300_000
