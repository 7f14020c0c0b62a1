"""Columns of a batch of raw Examples, as Transform hands them to a ``preprocessing_fn``."""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft


def dense(column: Any, default: Any) -> tf.Tensor:
    """A column of at most one value a row, `default` where it is missing: [rows]."""
    if isinstance(column, tf.SparseTensor):
        column = tft.sparse_tensor_to_dense_with_shape(column, [None, 1], default)
    return tf.reshape(column, [-1])


def multi_hot(column: Any, tags: int) -> tf.Tensor:
    """The labels, int64 [rows, tags]."""
    if isinstance(column, tf.SparseTensor):
        column = tft.sparse_tensor_to_dense_with_shape(column, [None, tags], 0)
    return tf.reshape(column, [-1, tags])


def repeat(constant: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
    """A constant [n] in every row of `column`: [rows, n]."""
    return tf.tile(constant[tf.newaxis], tf.stack([tf.shape(column)[0], 1]))
