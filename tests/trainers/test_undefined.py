import math

import numpy as np
import tensorflow as tf

from trainers.undefined import mean_of_defined, scored


def test_not_defined_and_not_finite_are_two_things() -> None:
    value, defined = tf.constant([1.0, 1.0, math.nan, math.nan]), tf.constant([True, False, True, False])
    finite = tf.constant([True, True, False, False])
    np.testing.assert_array_equal(scored(value, defined=defined, finite=finite), [1, np.nan, -np.inf, np.nan])
    less = scored(value, defined=defined, finite=finite, less_is_better=True)
    np.testing.assert_array_equal(less, [1, np.nan, np.inf, np.nan])


def test_a_mean_of_nothing_is_not_a_number_and_not_0() -> None:
    assert mean_of_defined(np.array([2.0, np.nan, 4.0])) == 3
    assert mean_of_defined(np.array([2.0, -np.inf, np.nan])) == -np.inf
    assert math.isnan(mean_of_defined(np.array([np.nan])))
