"""The debian library: packages fetched, unpacked and turned into one catalog.

Every step leaves either nothing or a whole result: a package's archive (apt checks its hash), its folder with a
manifest (one rename), the catalog (one rename). A build that was killed goes on where it stopped, and one that has
everything does nothing.
"""

import logging
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from catalog.debian.mapping import LabelMap, Source, load_mapping
from catalog.debian.rows import recordings_of, write_recordings
from catalog.debian.shelf import Repository, Say, Shelf
from catalog.errors import CatalogError
from catalog.folder import alone
from catalog.recording import Recording

CATALOG_NAME = "catalog.csv"


def build_debian(
    folder: str | os.PathLike[str],
    *,
    minutes: float | None = None,
    packages: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    say: Say | None = None,
    repository: Repository | None = None,
    mapping: LabelMap | None = None,
) -> Path:
    """Bring Debian's free music into `folder` and write its catalog.

    Parameters
    ----------
    folder : gets ``catalog.csv``, a folder for each package, and ``.build`` with apt's lists.
    minutes : stop after the package with which there is this much music; None takes all packages of the mapping.
    packages : names of sources of the mapping, to take these only.
    progress : called with how many packages are done and how many there are.
    say : gets a line for each thing that a person should know: a missing package, a file that the mapping lacks. The
        log, unless given.
    repository, mapping : apt and ``mapping.yaml``, unless given.

    Returns
    -------
    Path
        The catalog.

    Raises
    ------
    CatalogError
        If the machine has no apt, another build works in `folder`, a name in `packages` is unknown, `minutes` is no
        number above 0, or nothing could be had.
    """
    if minutes is not None and not (minutes > 0 and math.isfinite(minutes)):
        raise CatalogError(f"minutes={minutes} must be a number above 0")
    root = Path(folder)
    say = say or logging.getLogger(__name__).warning
    progress = progress or (lambda done, total: None)
    labels = mapping or load_mapping()
    sources = _chosen(labels, packages)
    with alone(root):
        shelf = Shelf(root, repository, say)
        recordings: list[Recording] = []
        seen: set[str] = set()
        have_s = 0.0
        for number, source in enumerate(sources):
            progress(number, len(sources))
            if minutes is not None and have_s >= 60 * minutes:
                break
            package = shelf.package(source)
            if package is not None:
                for recording, duration_s in recordings_of(source, package, labels, seen, say):
                    recordings.append(recording)
                    have_s += duration_s
        progress(len(sources), len(sources))
        shelf.say_missing()
        if not recordings:
            raise CatalogError(f"{root}: no music could be had from any package")
        return write_recordings(root / CATALOG_NAME, recordings)


def _chosen(labels: LabelMap, packages: Sequence[str] | None) -> list[Source]:
    if packages is None:
        return list(labels.sources)
    known = [source.name for source in labels.sources]
    for name in packages:
        if name not in known:
            raise CatalogError(f'package "{name}" is not in the mapping: known are {", ".join(known)}')
    return [source for source in labels.sources if source.name in packages]
