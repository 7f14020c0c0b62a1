"""A plain folder of separated songs as a catalog: ``<song>/vocals.wav`` and ``<song>/accompaniment.wav``.

Conventions
-----------
Every folder below the root that holds a vocals file is a song, named by its path. The two stems may have any format
that is read (wav, flac, ogg, mp3...) and sum to the mixture. ``mixture.wav`` is written into the folder where there is
none, since a catalog's row is about a recording that can be heard, and again when its stems have changed; a mixture
that was not written here is kept as it is. A folder ``Artist - Title`` says the artist, which
splits go by; folders ``train``, ``validation``, ``eval`` and ``test`` right below the root say the split.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

from audio.errors import AudioError
from catalog.errors import CatalogError
from catalog.places import check_places
from catalog.problem import Problem, printable
from catalog.published import Imported, Row, recording_or_problem, write_catalog
from catalog.recording import Split
from catalog.stem_files import artist_and_title, write_sum

STEMS = ("vocals", "accompaniment")
MIXTURE = "mixture"
SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".m4a")


def import_stem_folders(root: str | os.PathLike[str], *, library: str = "stems") -> Imported:
    """Write ``catalog.csv`` into `root`, and the mixtures that are missing or were made of other stems.

    Parameters
    ----------
    root : folder of songs, at any depth.
    library : name in the catalog.

    Raises
    ------
    CatalogError
        If `root` is not a folder or holds no song that can be read.
    """
    folder = Path(root)
    if not folder.is_dir():
        raise CatalogError(f"{folder}: is not a folder with audio")
    songs = _songs(folder)
    if all(songs.values()):
        unreadable = "".join(f"; {song}: {reason}" for song, reason in songs.items())
        raise CatalogError(f"{folder}: no folder in it holds vocals.wav (or {', '.join(SUFFIXES[1:])}){unreadable}")
    return write_catalog(folder, library, _rows(folder, songs))


def _songs(root: Path) -> dict[Path, str | None]:
    """Folders with a vocals file, in order, and those that this user may not look into with the reason."""
    found: dict[Path, str | None] = {}

    def unreadable(error: OSError) -> None:
        found[Path(error.filename)] = f"cannot be read: {error.strerror}"

    for place, names, _ in os.walk(root, onerror=unreadable):
        for song in (Path(place, name) for name in names):
            try:
                if find(song, "vocals"):
                    found[song] = None
            except OSError as error:
                found[song] = f"cannot be read: {error.strerror}"
    return dict(sorted(found.items()))


def find(song: Path, stem: str) -> Path | None:
    """The file of a stem in a song's folder."""
    return next((song / f"{stem}{suffix}" for suffix in SUFFIXES if (song / f"{stem}{suffix}").is_file()), None)


def _rows(root: Path, songs: Mapping[Path, str | None]) -> Iterator[Row | Problem]:
    for line, (song, unreadable) in enumerate(songs.items(), start=1):
        name = song.relative_to(root).as_posix()
        if unreadable is not None:
            yield Problem(line, "", printable(name), unreadable, None, root.name)
            continue
        stems = {stem: file for stem in STEMS if (file := find(song, stem))}
        missing = [stem for stem in STEMS if stem not in stems]
        if missing:
            yield Problem(line, "stems", printable(name), f"holds no {missing[0]}{SUFFIXES[0]}", None, root.name)
            continue
        mixture = find(song, MIXTURE) or song / f"{MIXTURE}.wav"
        try:
            check_places(root, mixture, *stems.values())
            write_sum(mixture, list(stems.values()))
        except AudioError as error:
            yield Problem(line, "stems", printable(os.path.relpath(error.path, root)), error.reason, None, root.name)
            continue
        artist, title = artist_and_title(song.name)
        yield recording_or_problem(
            root,
            line,
            id=name,
            path=mixture.relative_to(root).as_posix(),
            artist=artist,
            title=title,
            stems={stem: file.relative_to(root).as_posix() for stem, file in stems.items()},
            split=_split(name),
        )


def _split(name: str) -> Split | None:
    first = name.partition("/")[0]
    return next((split for split in get_args(Split) if split == first and "/" in name), None)
