"""Level, sides and speed of signals in a batch, each by numbers of its own."""

import numpy as np
import tensorflow as tf

from audio.mixing import amplify, swap_channels, varispeed

Y = np.random.default_rng(0).standard_normal((3, 2, 400)).astype(np.float32)


def test_levels_change_by_decibels() -> None:
    louder = amplify(Y, tf.constant([0.0, 20.0, -6.0206]))
    np.testing.assert_allclose(louder, Y * np.float32([1, 10, 0.5])[:, None, None], rtol=1e-5)


def test_only_the_examples_that_are_asked_for_change_sides() -> None:
    swapped = swap_channels(Y, tf.constant([True, False, True])).numpy()
    np.testing.assert_array_equal(swapped[1], Y[1])
    np.testing.assert_array_equal(swapped[0], Y[0, ::-1])
    np.testing.assert_array_equal(swap_channels(Y[:, :1], tf.constant([True] * 3)), Y[:, :1])


def test_speed_one_is_the_loop_from_another_place() -> None:
    turned = varispeed(Y, tf.ones(3), tf.constant([0.0, 0.25, 0.5])).numpy()
    for number, shift in enumerate((0, 100, 200)):
        np.testing.assert_allclose(turned[number], np.roll(Y[number], -shift, axis=-1), atol=1e-6)


def test_a_faster_tape_is_higher_by_its_speed() -> None:
    samples = 4000
    t = np.arange(samples)
    sine = np.sin(2 * np.pi * 100 / samples * t).astype(np.float32)[None, None]  # a hundred whole periods
    for speed, periods in ((1.1, 110), (0.9, 90)):
        played = varispeed(sine, tf.constant([speed]), tf.zeros(1)).numpy()
        expected = np.sin(2 * np.pi * periods / samples * t)
        np.testing.assert_allclose(played[0, 0], expected, atol=2e-3)


def test_two_stems_at_one_speed_and_shift_still_sum_to_their_mixture() -> None:
    speed, shift = tf.constant([0.95, 1.0, 1.06]), tf.constant([0.1, 0.7, 0.3])
    other = Y[::-1]
    together = varispeed(Y + other, speed, shift)
    np.testing.assert_allclose(varispeed(Y, speed, shift) + varispeed(other, speed, shift), together, atol=1e-5)
