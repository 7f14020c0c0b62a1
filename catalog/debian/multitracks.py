"""Real two-track songs: the lead guitar and the rest of the band, scaled so that they sum to the mix exactly.

The packages hold two files a song whose sum peaks at 1.2 to 1.7 of full scale. Both tracks are multiplied by one factor
that brings the sum's peak to `PEAK` and rounded to 16 bit; the mix is the sum of the rounded tracks.

Each row of ``multitracks.csv`` names its two stems twice: ``guitar`` and ``rest`` are what they are; ``vocals`` and
``accompaniment`` are the same two files under the names of a separation task's columns, where the lead guitar stands in
the place of the wanted voice. Nobody sings in them: report such numbers as guitar.
"""

import logging
import os
from pathlib import Path

import numpy as np

from audio.errors import AudioError
from audio.files import read
from catalog.debian.build import CATALOG_NAME
from catalog.debian.exact_mix import exact_mix, write_mix
from catalog.debian.rows import read_recordings, write_recordings
from catalog.debian.shelf import Say
from catalog.debian.sounds import Progress
from catalog.errors import CatalogError
from catalog.folder import alone
from catalog.recording import Recording

MULTITRACKS = "multitracks"
LEAD, REST = "guitar", "rest"
COLUMNS = {"vocals": LEAD, "accompaniment": REST}
PEAK = 0.98


def build_multitracks(
    folder: str | os.PathLike[str], *, progress: Progress | None = None, say: Say | None = None
) -> Path:
    """Write ``multitracks.csv`` and its audio for the songs of the debian library in `folder` that have two tracks.

    Splits are those of the music's catalog, so an artist is in one split of both. A song whose files are there is not
    made again.

    Parameters
    ----------
    folder : of the debian library, with its ``catalog.csv``.
    progress, say : as in `catalog.debian.build_debian`.

    Raises
    ------
    CatalogError
        If `folder` has no catalog, or no song of it has two tracks.
    """
    root = Path(folder)
    say = say or logging.getLogger(__name__).warning
    progress = progress or (lambda done, total: None)
    with alone(root):
        songs = [song for song in read_recordings(root / CATALOG_NAME) if {LEAD, REST} <= song.stems.keys()]
        recordings: list[Recording] = []
        for number, song in enumerate(songs):
            progress(number, len(songs))
            try:
                recordings.append(_make(root, song))
            except AudioError as error:
                say(f"{song.id} is left out: {error}")
        progress(len(songs), len(songs))
        if not recordings:
            raise CatalogError(
                f"{root / CATALOG_NAME}: no song has the stems {LEAD} and {REST}: "
                "the packages fretsonfire-songs-muldjord and fretsonfire-songs-sectoid bring them"
            )
        return write_recordings(root / f"{MULTITRACKS}.csv", recordings)


def _make(root: Path, song: Recording) -> Recording:
    """The row of a song, its files written unless they are there."""
    place = f"{MULTITRACKS}/{os.path.dirname(song.path)}"
    paths = {name: f"{place}/{name}.flac" for name in ("mix", LEAD, REST)}
    if not all((root / path).is_file() for path in paths.values()):
        (root / place).mkdir(parents=True, exist_ok=True)
        tracks, sample_rate = _tracks(root, song)
        write_mix({name: root / path for name, path in paths.items()}, exact_mix(tracks, PEAK), sample_rate)
    stems = {name: paths[name] for name in (LEAD, REST)}
    stems |= {column: paths[name] for column, name in COLUMNS.items()}
    title = os.path.basename(os.path.dirname(song.path)) if song.title in (None, "song") else song.title
    return song.model_copy(update={"path": paths["mix"], "stems": stems, "title": title})


def _tracks(root: Path, song: Recording) -> tuple[dict[str, np.ndarray], int]:
    """The two tracks, stereo and equally long: the shorter one ends in silence."""
    lead, sample_rate = read(root / song.stems[LEAD], channels=2)
    rest, _ = read(root / song.stems[REST], channels=2, sample_rate=sample_rate)
    length = max(lead.shape[1], rest.shape[1])
    tracks = {LEAD: lead, REST: rest}
    return {name: np.pad(y, ((0, 0), (0, length - y.shape[1]))) for name, y in tracks.items()}, sample_rate
