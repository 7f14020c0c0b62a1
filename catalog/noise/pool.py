"""Real recordings of noise, by split and kind. A recording is in one split only, and so are those of its artist."""

from dataclasses import dataclass
from pathlib import Path

from audio.noises import MAKERS, background, crackle
from catalog.errors import CatalogError
from catalog.format import open_catalog
from catalog.problem import Problem
from catalog.recording import Split
from catalog.splits import SplitAssigner, with_splits

_ALSO = {"vinyl": crackle.NAME}
"""Other names of kinds."""


def kind_of(tags: tuple[str, ...]) -> str:
    """The kind that the first tag names which names one, ``background/rain`` like ``background``; else background."""
    levels = [tag.partition("/")[0] for tag in tags]
    return next((kind for kind in (_ALSO.get(level, level) for level in levels) if kind in MAKERS), background.NAME)


@dataclass(frozen=True)
class NoiseRecording:
    """A recording of noise.

    Attributes
    ----------
    id : in its catalog.
    path : of its audio.
    """

    id: str
    path: Path


class NoisePool:
    """Recordings of noise that may be mixed in.

    Parameters
    ----------
    catalog : of the recordings, or None; `kind_of` their tags is their kind.

    Raises
    ------
    CatalogError
        The catalog cannot be opened or holds no recording.
    """

    def __init__(self, catalog: Path | None) -> None:
        self._recordings: dict[tuple[Split, str], list[NoiseRecording]] = {}
        if catalog is None:
            return
        opened = open_catalog(catalog)
        for placed in with_splits(opened, SplitAssigner()):
            if not isinstance(placed, Problem):
                row, split = placed
                place = (split, kind_of(row.tags))
                self._recordings.setdefault(place, []).append(NoiseRecording(row.id, opened.locate(row.path)))
        if not self._recordings:
            raise CatalogError(f"{catalog}: holds no recording of noise")

    def of(self, split: Split, kind: str) -> list[NoiseRecording]:
        """The recordings of a kind in a split, in the order of the catalog."""
        return self._recordings.get((split, kind), [])
