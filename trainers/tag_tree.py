"""Tags and their parents as arrays: scores of children as products, and the loss that teaches them.

Conventions
-----------
A model gives one logit a tag, [..., tags]. A tag without a parent is judged on its own: ``P = sigmoid(z)``. A child is
judged among its siblings, the recordings that have its parent: ``P(child | parent) = sigmoid(z)`` and ``P(child) =
P(parent) P(child | parent)``, so that a child is never above its parent (multilevel binary classification).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

_NEAREST_TO_CERTAIN = -1e-5


@dataclass(frozen=True)
class TagTree:
    """The vocabulary as the model sees it.

    Attributes
    ----------
    tags : in the order of the labels.
    parent : np.ndarray [tags], int32: number of the parent; a tag's own number where it has none.
    """

    tags: tuple[str, ...]
    parent: np.ndarray

    @classmethod
    def of(cls, tags: Sequence[str], parents: Mapping[str, str]) -> "TagTree":
        """The tree of a vocabulary whose parents have no parents.

        Raises
        ------
        ValueError
            If a parent is no tag or has a parent itself.
        """
        for child, parent in parents.items():
            if parent not in tags or parent in parents:
                raise ValueError(f"parent {parent!r} of tag {child!r} must be a tag without a parent")
        return cls(tuple(tags), np.array([tags.index(parents.get(tag, tag)) for tag in tags], dtype=np.int32))

    @property
    def is_child(self) -> np.ndarray:
        """np.ndarray [tags], bool."""
        return self.parent != np.arange(len(self.tags))

    def log_probabilities(self, logits: tf.Tensor) -> tf.Tensor:
        """``log P`` of each tag from the logits of a model, float32 [..., tags]; at most that of the parent."""
        return self._product(tf.math.log_sigmoid(logits), tf.math.log_sigmoid(logits))

    def probabilities(self, logits: tf.Tensor) -> tf.Tensor:
        """``P`` of each tag, float32 [..., tags], the mean over heads; at most that of the parent.

        Parameters
        ----------
        logits : float32 [..., heads, tags]
        """
        return tf.reduce_mean(tf.exp(self.log_probabilities(logits)), axis=-2)

    def loss(self, logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Binary cross-entropy: tags without a parent on every recording, children among their siblings.

        A child is taught through the product with its parent's *predicted* score, as it will be used; the parent learns
        nothing from that.

        Parameters
        ----------
        logits : float32 [b, heads, tags]
        labels : float32 [b, heads, tags], 0 or 1, the same for all heads; a recording with a child has its parent

        Returns
        -------
        float32 [b, heads, tags]; 0 for a child where its parent is absent.
        """
        own = tf.math.log_sigmoid(logits)
        positive = self._product(own, tf.stop_gradient(own))
        negative = tf.where(
            self.is_child,
            tf.math.log1p(-tf.exp(tf.minimum(positive, _NEAREST_TO_CERTAIN))),
            tf.math.log_sigmoid(-logits),
        )
        siblings = tf.where(self.is_child, tf.gather(labels, self.parent, axis=-1), 1.0)
        return -siblings * (labels * positive + (1.0 - labels) * negative)

    def _product(self, own: tf.Tensor, above: tf.Tensor) -> tf.Tensor:
        return own + tf.where(self.is_child, tf.gather(above, self.parent, axis=-1), 0.0)
