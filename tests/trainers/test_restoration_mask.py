"""What is held back of a mask: traces are left in the music, and all else is taken out."""

from typing import get_args

import numpy as np
import pytest

from audio.masks import compress
from trainers.restoration.mask import TRACE, Kind, apply_output, held_back, parts_of

KINDS = get_args(Kind)


def output_of(kind: Kind, mask: np.ndarray) -> np.ndarray:
    """A network's output that means the real `mask` [b, frames, bins]."""
    return compress(mask.astype(np.complex64)).numpy() if kind == "cirm" else mask[..., np.newaxis].astype(np.float32)


def magnitudes(frames: int = 3) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.1, 10, (2, frames, 65)).astype(np.float32)


def taken(kind: Kind, output: np.ndarray, magnitude: np.ndarray) -> np.ndarray:
    """Share of each frame's energy that a mask takes out."""
    mixture = magnitude.astype(np.complex64)
    change = np.abs(mixture - apply_output(kind, output, mixture)) ** 2
    return np.asarray(np.sum(change, axis=-1) / np.sum(magnitude**2, axis=-1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("share", "kept"), [(TRACE / 10, 0.01), (TRACE, 0.5), (TRACE * 10, 0.99)])
def test_less_than_a_trace_stays_and_more_goes(kind: Kind, share: float, kept: float) -> None:
    magnitude = magnitudes()
    output = output_of(kind, np.full(magnitude.shape, 1 - np.sqrt(share)))
    held = held_back(kind, output, magnitude).numpy()
    assert held.shape == (*magnitude.shape, parts_of(kind))
    ratio = np.sqrt(taken(kind, held, magnitude) / taken(kind, output, magnitude))
    np.testing.assert_allclose(ratio, kept, rtol=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_is_weighed_alone_and_by_what_sounds_in_it(kind: Kind) -> None:
    magnitude = magnitudes()
    mask = np.ones(magnitude.shape)
    mask[:, 1] = 0.3
    mask[:, 2, 0], magnitude[:, 2, 0] = 0.0, 1e-3  # all of a bin that holds nothing
    output = output_of(kind, mask)
    change = np.sqrt(taken(kind, held_back(kind, output, magnitude).numpy(), magnitude))
    np.testing.assert_allclose(change[:, [0, 2]], 0, atol=1e-3)
    np.testing.assert_allclose(change[:, 1], 0.7, rtol=0.01)
    louder = held_back(kind, output, 100 * magnitude).numpy()
    np.testing.assert_allclose(louder, held_back(kind, output, magnitude), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_of_silence_nothing_is_taken_and_a_real_mask_stays_one(kind: Kind) -> None:
    magnitude = magnitudes()
    mask = np.random.default_rng(1).uniform(0, 1, magnitude.shape)
    silent = held_back(kind, output_of(kind, mask), np.zeros_like(magnitude)).numpy()
    np.testing.assert_allclose(silent, output_of(kind, np.ones(magnitude.shape)), atol=1e-5)
    held = held_back(kind, output_of(kind, mask), magnitude).numpy()
    assert np.isfinite(held).all()
    if kind != "cirm":
        assert (held[..., 0] >= mask - 1e-6).all()
        assert (held <= 1 + 1e-6).all()
