"""A part of the rows of a training: of some recordings, with the labels of all tags or of one."""

from collections.abc import Collection, Iterable

import numpy as np

from trainers.learner import Arrays
from trainers.rows import Rows


class RowView(Rows):
    """Rows of some recordings, in their order.

    Parameters
    ----------
    folder : of all rows
    recordings : ids; all by default
    tag : number of the one tag whose labels are kept; all by default
    """

    def __init__(self, folder: str, *, recordings: Collection[str] | None = None, tag: int | None = None) -> None:
        super().__init__(folder)
        kept = np.ones(len(self.ids), bool) if recordings is None else np.isin(self.ids, list(recordings))
        self._kept = np.flatnonzero(kept)
        self.ids, self.segments = self.ids[kept], self.segments[kept]
        self._labels = slice(None) if tag is None else slice(tag, tag + 1)

    @property
    def signature(self) -> dict[str, tuple[np.dtype, tuple[int, ...]]]:
        """As of `Rows`, with the labels that are kept."""
        every = super().signature
        kind, (tags,) = every["labels"]
        return every | {"labels": (kind, (len(range(tags)[self._labels]),))}

    def take(self, numbers: np.ndarray, columns: Iterable[str] | None = None) -> Arrays:
        """As of `Rows`, with the labels that are kept."""
        taken = super().take(self._kept[numbers], columns)
        if "labels" in taken:
            taken["labels"] = taken["labels"][:, self._labels]
        return taken
