"""Recordings in folds of whole artists, so that each is judged once by what never heard its artist."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Fold:
    """Numbers of the recordings that a fold trains on, chooses on and judges: np.ndarray, int64 each."""

    train: np.ndarray
    validation: np.ndarray
    judged: np.ndarray


def artist_folds(artists: Sequence[str], labels: np.ndarray, folds: int, seed: int = 0) -> np.ndarray:
    """The fold of each recording: an artist in one fold, tags spread evenly.

    Iterative stratification (Sechidis, Tsoumakas, Vlahavas 2011, algorithm 1) of artists in place of recordings: of the
    tag with the fewest recordings left, the artist with the most of them goes where they are most missing, then where
    recordings are.

    Parameters
    ----------
    artists : of each recording
    labels : np.ndarray [recordings, tags], bool
    folds : at least 3: train, validation and what is judged
    seed : of the draws between folds that are equally far behind

    Returns
    -------
    np.ndarray [recordings], int64 in [0, folds)

    Raises
    ------
    ValueError
        folds is below 3, or there are fewer artists.
    """
    names, member = np.unique(np.asarray(artists, dtype=str), return_inverse=True)
    if not 3 <= folds <= len(names):
        raise ValueError(f"folds={folds} must be from 3 to the number of artists, {len(names)}")
    # columns: the tags, then 1 for every recording
    counts = np.zeros((len(names), labels.shape[1] + 1), dtype=np.int64)
    np.add.at(counts, member, np.column_stack([labels, np.ones(len(labels), bool)]).astype(np.int64))
    missing = np.tile(counts.sum(axis=0) / folds, (folds, 1))
    order = np.random.default_rng(seed).permutation(folds)
    fold = np.full(len(names), -1)
    while (fold < 0).any():
        left = np.where((fold < 0)[:, np.newaxis], counts, 0)
        column = min(np.flatnonzero(left.sum(axis=0)), key=lambda c: left[:, c].sum())
        artist = int(np.argmax(left[:, column]))
        fold[artist] = max(order, key=lambda f: (missing[f, column], missing[f, -1]))
        missing[fold[artist]] -= counts[artist]
    return np.asarray(fold[member], dtype=np.int64)


def rotate(fold: np.ndarray) -> list[Fold]:
    """Each fold judged once, the next one for choosing, the others for training.

    Parameters
    ----------
    fold : np.ndarray [recordings], of `artist_folds`
    """
    count = int(fold.max()) + 1
    next_fold = [(number + 1) % count for number in range(count)]
    return [
        Fold(
            train=np.flatnonzero((fold != number) & (fold != after)),
            validation=np.flatnonzero(fold == after),
            judged=np.flatnonzero(fold == number),
        )
        for number, after in enumerate(next_fold)
    ]
