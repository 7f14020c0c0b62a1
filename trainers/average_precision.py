"""Average precision, the area under precision over recall: how well scores order recordings."""

import numpy as np


def average_precision(scores: np.ndarray, labels: np.ndarray) -> float:
    """``sum_n (R_n - R_{n-1}) P_n`` over the distinct scores, ties taken together.

    Parameters
    ----------
    scores, labels : np.ndarray [recordings]; labels are 0 or 1, at least one of them 1
    """
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(labels[order] > 0)
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    precision, recall = hits[ends] / (ends + 1), hits[ends] / hits[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def macro_average_precision(scores: np.ndarray, labels: np.ndarray) -> float:
    """Mean of `average_precision` over the tags that some recordings have and others do not.

    Parameters
    ----------
    scores, labels : np.ndarray [recordings, tags]

    Returns
    -------
    float, 0 where there is no such tag
    """
    mixed = [tag for tag in range(labels.shape[1]) if 0 < labels[:, tag].sum() < len(labels)]
    return float(np.mean([average_precision(scores[:, tag], labels[:, tag]) for tag in mixed])) if mixed else 0.0
