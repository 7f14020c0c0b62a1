"""Real recordings of noise, by split and kind. A recording is in one split only, and so are those of its artist."""

from dataclasses import dataclass
from pathlib import Path

from audio.noises import MAKERS, background
from catalog.errors import CatalogError
from catalog.format import open_catalog
from catalog.recording import Recording, Split
from catalog.splits import SplitAssigner


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
    catalog : of the recordings, or None. One that has the name of a kind among its tags is of that kind, any other is
        background.

    Raises
    ------
    CatalogError
        The catalog cannot be opened or holds no recording.
    """

    def __init__(self, catalog: Path | None) -> None:
        self._recordings: dict[tuple[Split, str], list[NoiseRecording]] = {}
        if catalog is None:
            return
        opened, assigner = open_catalog(catalog), SplitAssigner()
        for row in opened.rows():
            if isinstance(row, Recording):
                kind = next((tag for tag in row.tags if tag in MAKERS), background.NAME)
                place = (assigner.assign(row), kind)
                self._recordings.setdefault(place, []).append(NoiseRecording(row.id, opened.locate(row.path)))
        if not self._recordings:
            raise CatalogError(f"{catalog}: holds no recording of noise")

    def of(self, split: Split, kind: str) -> list[NoiseRecording]:
        """The recordings of a kind in a split, in the order of the catalog."""
        return self._recordings.get((split, kind), [])
