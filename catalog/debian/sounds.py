"""Voices and noises of the debian library: a catalog of each beside the music's, its files in a folder of its own.

``voices.csv``: one row an utterance, ``artist`` = speaker, tags ``speech`` or ``singing``. ``noises.csv``: one row a
recording, ``artist`` = recording session, tags = kinds of noise. Rows of one artist are in one split, which stands in
``voices.yaml`` and ``noises.yaml``. The music's catalog is neither read nor written here.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path

from catalog.debian.mapping import LabelMap, load_mapping
from catalog.debian.rows import recordings_of, write_recordings
from catalog.debian.shelf import Repository, Say, Shelf
from catalog.errors import CatalogError
from catalog.folder import alone
from catalog.recording import Recording

VOICES, NOISES = "voices", "noises"
MAPPINGS = {kind: Path(__file__).with_name(f"{kind}.yaml") for kind in (VOICES, NOISES)}

Progress = Callable[[int, int], None]


def build_voices(
    folder: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
    say: Say | None = None,
    repository: Repository | None = None,
    mapping: LabelMap | None = None,
) -> Path:
    """Bring Debian's recorded voices into ``folder/voices`` and write ``folder/voices.csv``.

    Parameters
    ----------
    folder, progress, say, repository, mapping : as in `catalog.debian.build_debian`; ``voices.yaml``, unless given.

    Raises
    ------
    CatalogError
        As `catalog.debian.build_debian`.
    """
    return _build(VOICES, Path(folder), progress, say, repository, mapping)


def build_noises(
    folder: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
    say: Say | None = None,
    repository: Repository | None = None,
    mapping: LabelMap | None = None,
) -> Path:
    """Bring Debian's recorded noises into ``folder/noises`` and write ``folder/noises.csv``; see `build_voices`."""
    return _build(NOISES, Path(folder), progress, say, repository, mapping)


def _build(
    kind: str,
    root: Path,
    progress: Progress | None,
    say: Say | None,
    repository: Repository | None,
    mapping: LabelMap | None,
) -> Path:
    say = say or logging.getLogger(__name__).warning
    progress = progress or (lambda done, total: None)
    labels = mapping or load_mapping(MAPPINGS[kind])
    with alone(root):
        shelf = Shelf(root, repository, say, place=kind)
        recordings: list[Recording] = []
        seen: set[str] = set()
        for number, source in enumerate(labels.sources):
            progress(number, len(labels.sources))
            package = shelf.package(source)
            if package is not None:
                recordings += [row for row, _ in recordings_of(source, package, labels, seen, say, place=kind)]
        progress(len(labels.sources), len(labels.sources))
        shelf.say_missing()
        if not recordings:
            raise CatalogError(f"{root}: no {kind} could be had from any package")
        return write_recordings(root / f"{kind}.csv", recordings)
