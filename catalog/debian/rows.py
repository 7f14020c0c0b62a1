"""Unpacked packages as rows of a catalog, and a catalog that is written only when it says something new."""

import os
from collections.abc import Iterator
from pathlib import Path

from catalog.debian.mapping import LabelMap, Source
from catalog.debian.package import MusicFile, Package
from catalog.debian.shelf import Say
from catalog.errors import CatalogError
from catalog.format import Catalog, open_catalog
from catalog.recording import Recording

LIBRARY = "debian"


def recordings_of(
    source: Source, package: Package, labels: LabelMap, seen: set[str], say: Say, *, place: str = ""
) -> Iterator[tuple[Recording, float]]:
    """Labelled recordings of a package with their durations in seconds; the first of equal ones stays.

    Parameters
    ----------
    seen : hashes of what other packages brought; grows.
    say : gets a line with the files that the mapping lacks.
    place : folder below the catalog's that holds the packages; empty for the catalog's own.
    """
    folder = f"{place}/{source.name}" if place else source.name
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
                path=f"{folder}/{path}",
                artist=artist,
                album=file.album,
                title=file.title or os.path.splitext(os.path.basename(path))[0].replace("_", " "),
                package=package.package,
                licence=file.licence or source.licence or file.metadata_licence or package.licence,
                tags=label.tags,
                stems={stem: f"{folder}/{os.path.dirname(path)}/{name}" for stem, name in source.stems.items()},
                split=labels.split(artist, source.name),
            ),
            file.duration_s,
        )
    if unmapped:
        say(f"{package.package}: not in the mapping: {', '.join(unmapped)}")


def read_recordings(path: Path) -> list[Recording]:
    """The right rows of a catalog; whether their files are there is not looked at.

    Raises
    ------
    CatalogError
        If there is no catalog at `path`.
    """
    return [row for row in open_catalog(path).rows(check_files=False) if isinstance(row, Recording)]


def write_recordings(path: Path, recordings: list[Recording]) -> Path:
    """A catalog of `recordings` at `path`; the file is not touched if it says this already."""
    if path.is_file():
        try:
            if list(open_catalog(path).rows(check_files=False)) == recordings:
                return path
        except CatalogError:
            pass
    Catalog.write(path, LIBRARY, recordings)
    return path


def _named_artist(file: MusicFile) -> str | None:
    return file.artist or file.holder
