"""The debian library: packages fetched, unpacked and turned into one catalog.

Every step leaves either nothing or a whole result: a package's archive (apt checks its hash), its folder with a
manifest (one rename), the catalog (one rename). A build that was killed goes on where it stopped, and one that has
everything does nothing.
"""

import fcntl
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from catalog.debian.apt import Apt
from catalog.debian.mapping import LabelMap, Source, load_mapping
from catalog.debian.package import MusicFile, Package, load_package, unpack_package
from catalog.errors import CatalogError
from catalog.format import Catalog, open_catalog
from catalog.recording import Recording

LIBRARY = "debian"
CATALOG_NAME = "catalog.csv"
WORK_FOLDER = ".build"

Say = Callable[[str], None]


class Repository(Protocol):
    """Where packages come from; `catalog.debian.apt.Apt` is one."""

    def newest(self, pattern: str) -> str | None:
        """Name of the newest package that matches a shell pattern."""

    def download(self, name: str, into: Path) -> Path:
        """The archive of a package, whole and checked, in the folder `into`."""


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
        If the machine has no apt, another build works in `folder`, a name in `packages` is unknown, or nothing could be
        had.
    """
    root = Path(folder)
    say = say or logging.getLogger(__name__).warning
    progress = progress or (lambda done, total: None)
    labels = mapping or load_mapping()
    sources = _chosen(labels, packages)
    with _alone(root):
        shelf = _Shelf(root, repository, say)
        recordings: list[Recording] = []
        seen: set[str] = set()
        have_s = 0.0
        for number, source in enumerate(sources):
            progress(number, len(sources))
            if minutes is not None and have_s >= 60 * minutes:
                break
            package = shelf.package(source)
            if package is not None:
                for recording, duration_s in _recordings(source, package, labels, seen, say):
                    recordings.append(recording)
                    have_s += duration_s
        progress(len(sources), len(sources))
        if shelf.missing:
            say(f"packages that this machine's sources do not have: {', '.join(shelf.missing)}")
        if not recordings:
            raise CatalogError(f"{root}: no music could be had from any package")
        return _write(root / CATALOG_NAME, recordings)


class _Shelf:
    """Packages in the folder of the library, fetched when they are not there yet."""

    def __init__(self, root: Path, repository: Repository | None, say: Say) -> None:
        self._root, self._repository, self._say = root, repository, say
        self.missing: list[str] = []

    def package(self, source: Source) -> Package | None:
        folder = self._root / source.name
        package = load_package(folder, source)
        if package is not None:
            return package
        self._repository = self._repository or Apt(self._root / WORK_FOLDER / "apt")
        name = self._repository.newest(source.package)
        if name is None:
            self.missing.append(source.package)
            return None
        try:
            deb = self._repository.download(name, self._root / WORK_FOLDER / "packages")
            package = unpack_package(deb, source, folder)
        except CatalogError as error:
            self._say(f"{name} is left out: {error}")
            return None
        deb.unlink()
        if package.unreadable:
            self._say(f"{name}: not audio: {', '.join(package.unreadable)}")
        return package


def _recordings(
    source: Source, package: Package, labels: LabelMap, seen: set[str], say: Say
) -> Iterator[tuple[Recording, float]]:
    """Labelled recordings of a package with their durations in seconds; the first of equal ones stays."""
    unmapped: list[str] = []
    for path, file in sorted(package.files.items()):
        label = source.label(path)
        if label is None:
            if not source.is_skipped(path):
                unmapped.append(path)
            continue
        if file.sha256 in seen or file.fingerprint in seen:
            continue
        seen.update((file.sha256, file.fingerprint))
        artist = label.artist or _named_artist(file)
        yield (
            Recording(
                id=f"{source.name}/{os.path.splitext(path)[0]}",
                path=f"{source.name}/{path}",
                artist=artist,
                album=file.album,
                title=file.title or os.path.splitext(os.path.basename(path))[0].replace("_", " "),
                package=package.package,
                licence=file.licence or source.licence or file.metadata_licence or package.licence,
                tags=label.tags,
                stems={stem: f"{source.name}/{os.path.dirname(path)}/{name}" for stem, name in source.stems.items()},
                split=labels.split(artist, source.name),
            ),
            file.duration_s,
        )
    if unmapped:
        say(f"{package.package}: not in the mapping: {', '.join(unmapped)}")


def _named_artist(file: MusicFile) -> str | None:
    return file.artist or file.holder


def _chosen(labels: LabelMap, packages: Sequence[str] | None) -> list[Source]:
    if packages is None:
        return list(labels.sources)
    known = [source.name for source in labels.sources]
    for name in packages:
        if name not in known:
            raise CatalogError(f'package "{name}" is not in the mapping: known are {", ".join(known)}')
    return [source for source in labels.sources if source.name in packages]


def _write(path: Path, recordings: list[Recording]) -> Path:
    if path.is_file():
        try:
            if list(open_catalog(path).rows(check_files=False)) == recordings:
                return path
        except CatalogError:
            pass
    Catalog.write(path, LIBRARY, recordings)
    return path


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Keeps a second build out of the folder while the block runs."""
    (root / WORK_FOLDER).mkdir(parents=True, exist_ok=True)
    with open(root / WORK_FOLDER / "lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CatalogError(f"{root}: another build is at work there") from error
        yield
