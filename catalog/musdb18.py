"""MUSDB18 as a catalog: 150 songs with their stems (Rafii, Liutkus, Stoeter, Mimilakis, Bittner 2017).

Conventions
-----------
As published, in folders ``train`` (100 songs) and ``test`` (50), each song called ``Artist - Title``: either a folder
of ``mixture``, ``vocals``, ``drums``, ``bass`` and ``other`` wav files (MUSDB18-HQ), or one ``.stem.mp4`` with five
audio streams in the order mixture, drums, bass, other, vocals. A catalog needs one file a stem, so the accompaniment,
which is the sum of drums, bass and other, is written beside them (``accompaniment.wav``); a stem file is first decoded
into a folder of its name, by ffmpeg. What was written is written again when what it was made of has changed, and files
of other origin are kept. Fourteen songs of ``train`` are the validation split of the reference tools.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from audio.errors import AudioError
from audio.ffmpeg import FfmpegSource, find_ffmpeg
from catalog.errors import CatalogError
from catalog.folder import make_folder
from catalog.marks import renew
from catalog.places import check_places, is_file
from catalog.problem import Problem, printable
from catalog.published import Imported, Row, recording_or_problem, write_catalog
from catalog.recording import Split
from catalog.stem_files import Part, artist_and_title, write_sum, write_total

LIBRARY = "musdb18"
LICENCE = "MUSDB18: for educational purposes only"
STEMS = ("mixture", "vocals", "accompaniment")
PARTS = ("drums", "bass", "other")
STREAMS = {"mixture": 0, "drums": 1, "bass": 2, "other": 3, "vocals": 4}
STEM_FILE = ".stem.mp4"
BLOCK_FRAMES = 1 << 18
VALIDATION = frozenset(
    {
        "Actions - One Minute Smile",
        "Alexander Ross - Goodbye Bolero",
        "ANiMAL - Rockshow",
        "Clara Berry And Wooldog - Waltz For My Victims",
        "Fergessen - Nos Palpitants",
        "James May - On The Line",
        "Johnny Lokke - Promises & Lies",
        "Leaf - Summerghost",
        "Meaxic - Take A Step",
        "Patrick Talbot - A Reason To Leave",
        "Skelpolu - Human Mistakes",
        "Traffic Experiment - Sirens",
        "Triviul - Angelsaint",
        "Young Griffo - Pennies",
    }
)


def import_musdb18(
    root: str | os.PathLike[str],
    *,
    test_split: Literal["test", "eval"] = "test",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Imported:
    """Write ``catalog.csv`` into `root`, and the accompaniments where there are none of the same parts.

    Parameters
    ----------
    root : folder that holds ``train`` and ``test``.
    test_split : our split for ``test``: with ``eval`` the gate judges on it, with ``test`` on nothing.
    progress : called with (songs done, songs in all).

    Raises
    ------
    CatalogError
        If no song is found, or there are stem files and no ffmpeg to decode them.
    """
    folder = Path(root)
    songs = [song for part in ("train", "test") for song in _songs(folder / part)]
    if not songs:
        raise CatalogError(f"{folder}: holds no song in train/ or test/: folders of wav files, or {STEM_FILE} files")
    encoded = [song for song in songs if song.is_file() and not _complete(_folder(song))]
    if encoded and find_ffmpeg() is None:
        raise CatalogError(
            f"{encoded[0]}: stem files are decoded by ffmpeg, which is not on PATH; install it, or use the wav folders "
            "of MUSDB18-HQ"
        )
    return write_catalog(folder, LIBRARY, _rows(folder, songs, test_split, progress))


def _songs(part: Path) -> list[Path]:
    """Folders of wav files, and stem files."""
    if not part.is_dir():
        return []
    return sorted(
        song
        for song in part.iterdir()
        if song.name.endswith(STEM_FILE) or ((song / "vocals.wav").is_file() and not is_file(_stem_file(song)))
    )


def _folder(song: Path) -> Path:
    """The folder of a song's wav files."""
    return song.with_name(song.name.removesuffix(STEM_FILE))


def _stem_file(song: Path) -> Path:
    return song.with_name(song.name + STEM_FILE)


def _complete(folder: Path) -> bool:
    return all((folder / f"{stem}.wav").is_file() for stem in STEMS)


def _rows(
    root: Path, songs: list[Path], test_split: Split, progress: Callable[[int, int], None]
) -> Iterator[Row | Problem]:
    for line, song in enumerate(songs, start=1):
        folder = _folder(song)
        here = folder.relative_to(root).as_posix()
        try:
            check_places(root, *(folder / f"{stem}.wav" for stem in STEMS))
            if song.is_file():
                _decode(song, folder)
            else:
                write_sum(folder / "accompaniment.wav", [folder / f"{part}.wav" for part in PARTS])
        except AudioError as error:
            yield Problem(line, "stems", printable(os.path.relpath(error.path, root)), error.reason, None, root.name)
            continue
        artist, title = artist_and_title(folder.name)
        yield recording_or_problem(
            root,
            line,
            id=here,
            path=f"{here}/mixture.wav",
            artist=artist,
            title=title,
            licence=LICENCE,
            stems={stem: f"{here}/{stem}.wav" for stem in ("vocals", "accompaniment")},
            split=_split(folder, test_split),
        )
        progress(line, len(songs))


def _split(folder: Path, test_split: Split) -> Split:
    if folder.parent.name == "test":
        return test_split
    return "validation" if folder.name in VALIDATION else "train"


def _decode(stem_file: Path, folder: Path) -> None:
    """Write mixture, vocals and accompaniment of a stem file, where they are not there or were of another one."""
    make_folder(folder)
    for name, streams in (("mixture", ("mixture",)), ("vocals", ("vocals",)), ("accompaniment", PARTS)):
        target = folder / f"{name}.wav"
        renew(target, [stem_file], partial(_write_streams, stem_file, streams, target))


def _write_streams(stem_file: Path, streams: tuple[str, ...], target: Path) -> None:
    """Write the sum of audio streams of a stem file."""
    with ExitStack() as stack:
        sources = [stack.enter_context(closing(FfmpegSource(stem_file, stream=STREAMS[stream]))) for stream in streams]
        write_total(target, [Part(stem_file, source.info, _blocks(source)) for source in sources])


def _blocks(source: FfmpegSource) -> Iterator[np.ndarray]:
    """All samples of an audio stream: np.ndarray [channels, samples] each."""
    while len(frames := source.read(BLOCK_FRAMES)):
        yield frames.T
