"""Scores of recordings in which a score is not defined: NaN, which means leave out (`trainers.gate_figures`).

A model's own NaN must not pass for it: a score of audio that is not finite is infinitely bad, and so is every mean that
it is in.
"""

import math

import numpy as np
import tensorflow as tf


def scored(value: tf.Tensor, *, defined: tf.Tensor, finite: tf.Tensor, less_is_better: bool = False) -> tf.Tensor:
    """A score, NaN where it is not defined, infinitely bad where it is and the model's audio is not finite.

    Parameters
    ----------
    value : float32 [...]
    defined : bool [...], which depends on the true audio alone
    finite : bool [...], whether all samples of the model's audio are
    """
    worst = math.inf if less_is_better else -math.inf
    return tf.where(defined, tf.where(finite, value, worst), math.nan)


def mean_of_defined(scores: np.ndarray) -> float:
    """The mean of the `scores` that are not NaN; NaN where all are."""
    defined = scores[~np.isnan(scores)]
    return float(defined.mean()) if defined.size else math.nan
