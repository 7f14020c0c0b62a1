"""Real recordings of noise, by split and kind. A recording is in one split only, and so are those of its artist."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio.noises import MAKERS, background, crackle
from catalog.derived.source import read_rows
from catalog.errors import CatalogError
from catalog.format import open_catalog
from catalog.recording import Split

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
    say : told of each recording that cannot be used

    Raises
    ------
    CatalogError
        The catalog cannot be opened or holds no recording that can be used.
    """

    def __init__(self, catalog: Path | None, say: Callable[[str], None] | None = None) -> None:
        self._recordings: dict[tuple[Split, str], list[NoiseRecording | None]] = {}
        if catalog is None:
            return
        opened = open_catalog(catalog)
        for placed, usable in read_rows(opened, say):
            if placed is not None:
                row, split = placed
                recording = NoiseRecording(row.id, opened.locate(row.path)) if usable else None
                self._recordings.setdefault((split, kind_of(row.tags)), []).append(recording)
        if not any(any(recordings) for recordings in self._recordings.values()):
            raise CatalogError(f"{catalog}: holds no recording of noise")

    def names(self, split: Split, kind: str) -> bool:
        """Whether the catalog names a recording of a kind in a split, be its file there or not."""
        return (split, kind) in self._recordings

    def draw(self, split: Split, kind: str, rng: np.random.Generator) -> NoiseRecording | None:
        """A recording of a kind in a split, or None if there is none that can be used."""
        recordings = self._recordings.get((split, kind), [])
        if not any(recordings):
            return None
        # Drawn from all and again where one cannot be used: who drew another one keeps it.
        while (drawn := recordings[int(rng.integers(len(recordings)))]) is None:
            pass
        return drawn
