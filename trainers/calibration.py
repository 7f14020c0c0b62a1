"""A threshold for each tag, learnt on validation recordings and built into the scores, so that 0.5 is the decision.

Conventions
-----------
``calibrated = sigmoid(logit(P) - threshold)``, and a child's is cut at its parent's: ``min(calibrated(child),
calibrated(parent))``. Each tag's map is monotone, its decision is ``P >= sigmoid(threshold)`` and, for a child, that
its parent is decided too; a child is never above its parent, whatever the thresholds.
"""

import numpy as np
import tensorflow as tf

from trainers.tag_tree import TagTree

_CLIP = 1e-7
_RESAMPLES = 200


def pool_recordings(ids: np.ndarray, weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weighted means over the segments of each recording.

    Parameters
    ----------
    ids : np.ndarray [segments]
    weights : np.ndarray [segments], above 0
    values : np.ndarray [segments, tags]

    Returns
    -------
    np.ndarray [recordings, tags], in the order of ``np.unique(ids)``
    """
    _, recording = np.unique(ids, return_inverse=True)
    total = np.bincount(recording, weights)
    return np.stack([np.bincount(recording, weights * column) / total for column in values.T], axis=1)


def logit(probabilities: np.ndarray) -> np.ndarray:
    """``log(p / (1 - p))``, finite."""
    clipped = np.clip(probabilities, _CLIP, 1 - _CLIP)
    return np.log(clipped) - np.log1p(-clipped)


def log_odds(probabilities: tf.Tensor) -> tf.Tensor:
    """`logit` of a tensor."""
    clipped = tf.clip_by_value(probabilities, _CLIP, 1 - _CLIP)
    return tf.math.log(clipped) - tf.math.log1p(-clipped)


def best_threshold(scores: np.ndarray, labels: np.ndarray, allowed: np.ndarray) -> float:
    """The threshold with the highest F1, halfway between two scores.

    Parameters
    ----------
    scores : np.ndarray [recordings]
    labels : np.ndarray [recordings], 0 or 1
    allowed : np.ndarray [recordings], bool; others are never decided
    """
    candidates = np.unique(scores[allowed])
    if not len(candidates):
        return float(scores.max(initial=0.0))
    cuts = np.concatenate([candidates[:1] - 1.0, (candidates[1:] + candidates[:-1]) / 2])
    decided, hits = (
        len(kept) - np.searchsorted(np.sort(kept), cuts) for kept in (scores[allowed], scores[allowed & (labels > 0)])
    )
    f1 = 2 * hits / (decided + labels.sum())
    best = np.flatnonzero(f1 == f1.max())
    return float(cuts[best[len(best) // 2]])


def learn_thresholds(probabilities: np.ndarray, labels: np.ndarray, tree: TagTree, seed: int = 0) -> np.ndarray:
    """Thresholds with a high F1 on recordings like these.

    The best threshold on a few recordings lies on one of them; the mean over bootstrap samples of the recordings lies
    where such thresholds tend to lie (bagging, Breiman 1996).

    Parameters
    ----------
    probabilities : np.ndarray [recordings, tags], of validation recordings
    labels : np.ndarray [recordings, tags], 0 or 1
    tree : parents are decided before their children

    Returns
    -------
    np.ndarray [tags], float32, logits; 0 for a tag that all recordings have, or none
    """
    scores = logit(probabilities)
    thresholds = np.zeros(len(tree.tags), dtype=np.float32)
    generator = np.random.default_rng(seed)
    samples = generator.integers(0, len(scores), (_RESAMPLES, len(scores)))
    for tag in np.argsort(tree.is_child, kind="stable"):
        allowed = np.ones(len(scores), dtype=bool)
        if tree.is_child[tag]:
            allowed = scores[:, tree.parent[tag]] >= thresholds[tree.parent[tag]]
        mixed = [s for s in samples if 0 < labels[s, tag].sum() < len(s) and allowed[s].any()]
        if 0 < labels[:, tag].sum() < len(labels) and mixed:
            thresholds[tag] = np.mean([best_threshold(scores[s, tag], labels[s, tag], allowed[s]) for s in mixed])
    return thresholds


def calibrate(probabilities: tf.Tensor, thresholds: np.ndarray, tree: TagTree) -> tf.Tensor:
    """Scores whose decision is at 0.5.

    Parameters
    ----------
    probabilities : float32 [..., tags], a child's at most its parent's
    thresholds : np.ndarray [tags], logits

    Returns
    -------
    float32 [..., tags], a child's at most its parent's
    """
    shifted = tf.sigmoid(log_odds(probabilities) - thresholds)
    return tf.minimum(shifted, tf.gather(shifted, tree.parent, axis=-1))
