"""The denoiser's network: layers with a state, bands, sizes, and its streaming models."""

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from tests.trainers.tiny_noisy import recipe
from trainers.restoration.features import Constants
from trainers.restoration.layers import CausalConv, Recurrent, RunningFloor, RunningMean, Stateful
from trainers.restoration.network import Network, bands_of
from trainers.restoration.signatures import Normalise
from trainers.restoration.task import TASK
from trainers.restoration.tflite import DYNAMIC_RANGE, FLOAT32, convert, real_time_factor


def layers() -> list[tuple[Stateful, tuple[int, ...]]]:
    return [
        (RunningMean(5.0, 6, "mean"), (6,)),
        (RunningFloor(0.1, 6, "floor"), (6,)),
        (CausalConv(3, 8, 2, 5, 2, "conv"), (8, 2)),
        (Recurrent(4, "recurrent"), (6,)),
    ]


@pytest.mark.parametrize(("layer", "shape"), layers(), ids=[layer.name for layer, _ in layers()])
def test_a_layer_answers_alike_at_once_in_pieces_and_frame_by_frame(layer: Stateful, shape: tuple[int, ...]) -> None:
    x = tf.constant(np.random.default_rng(0).standard_normal((2, 13, *shape)).astype(np.float32))
    first = tf.zeros([2, layer.state_size])
    whole, last = layer(x, first)
    for piece in (1, 5):
        state, parts = first, []
        for start in range(0, 13, piece):
            y, state = layer(x[:, start : start + piece], state)
            parts.append(y)
        np.testing.assert_allclose(tf.concat(parts, axis=1), whole, atol=1e-4)
        np.testing.assert_allclose(state, last, atol=1e-4)
    changed = layer(tf.concat([x[:, :7], x[:, 7:] + 1.0], axis=1), first)[0]
    np.testing.assert_array_equal(changed[:, :7], whole[:, :7])
    assert not np.allclose(changed[:, 7:], whole[:, 7:])


def test_running_mean_and_floor_are_what_they_are_called() -> None:
    x = tf.constant([[[2.0], [4.0], [1.0], [9.0]]])
    mean, keep = RunningMean(2.0, 1, "mean"), np.exp(-0.5)
    np.testing.assert_allclose(mean(x, tf.zeros([1, 2]))[0][0, :2, 0], [2, (4 + 2 * keep) / (1 + keep)], rtol=1e-5)
    floor = RunningFloor(0.5, 1, "floor")(x, tf.zeros([1, 1]))[0]
    np.testing.assert_allclose(floor[0, :, 0], [2, 2.5, 1, 1.5], atol=1e-5)


def test_bins_of_a_band_share_a_mask_and_low_ones_stand_alone() -> None:
    assert bands_of(513) == [(64, 1), (32, 2), (32, 4), (32, 8)]
    assert bands_of(33) == [(32, 1)]
    for bins in (33, 65, 129, 1025):
        assert sum(count * width for count, width in bands_of(bins)) == bins - 1
    model = Network(TASK.hyperparameters["quick"], 513).segment_model(3)
    mask = model({"log_magnitude": np.random.default_rng(0).standard_normal((1, 3, 513)).astype(np.float32)})["mask"]
    changes = np.flatnonzero(np.any(np.diff(mask.numpy()[0, ..., 0], axis=-1) != 0, axis=0)) + 1
    np.testing.assert_array_equal(
        changes, [*range(2, 65), *range(65, 129, 2), *range(129, 257, 4), *range(257, 513, 8)]
    )


def test_a_tone_in_a_wide_band_is_heard() -> None:
    band = np.zeros((1, 1, 512), np.float32)
    band[..., 419] = 3.0
    together = Network(TASK.hyperparameters["quick"], 513).together(band).numpy()[0, 0]
    assert together.shape == (160,)
    assert together.max() > 2  # the mean of eight logarithms is 0.4
    assert np.count_nonzero(together) == 1
    np.testing.assert_allclose(Network(TASK.hyperparameters["quick"], 513).together(np.ones_like(band)), 1, rtol=1e-5)


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
def test_every_number_of_blocks_that_the_settings_allow_makes_a_network(blocks: int) -> None:
    hyperparameters = recipe(filters=[4] * blocks).hyperparameters
    assert Network(hyperparameters, 513).segment_model(2).output["mask"].shape == (None, 2, 513, 1)


def test_more_blocks_than_halve_the_bands_are_refused() -> None:
    with pytest.raises(ValidationError, match="filters"):
        recipe(filters=[4] * 5)


@pytest.mark.e2e
def test_the_quick_profile_streams_in_a_tenth_of_real_time_from_files_that_hold_its_weights() -> None:
    network = Network(TASK.hyperparameters["quick"], 513)
    stream = network.piece_model(1, Normalise(Constants(tf.zeros(513), tf.ones(513))), batch=1)
    files = convert(stream)
    assert 4 * stream.count_params() < len(files[FLOAT32]) < 4.5 * stream.count_params()
    assert stream.count_params() < len(files[DYNAMIC_RANGE]) < len(files[FLOAT32]) / 2.5
    assert len(files[FLOAT32]) < 2 * 2**20
    for content in files.values():
        assert 0 < real_time_factor(content, 16_000) < 0.1
