"""Logarithms, and what is added so that they and quotients stay finite in silence."""

import numpy as np
import tensorflow as tf

POWER_FLOOR, LEVEL_FLOOR, TINY = 1e-9, 1e-5, 1e-12
_LN_10 = float(np.log(10.0))


def log10(x: tf.Tensor) -> tf.Tensor:
    """Logarithm to the base of 10; the caller adds a floor."""
    return tf.math.log(x) / _LN_10
