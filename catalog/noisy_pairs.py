"""A folder of pairs as a catalog: ``clean/`` and ``noisy/`` hold the same recordings under the same names.

The noise of each pair is written to ``noise/`` (``noise/song.wav.flac``). A recording's tag is the band of its
signal-to-noise ratio, or ``clean`` where the two are alike; a folder in both (``clean/band/song.flac``) names its
artist.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from audio.errors import AudioError
from audio.writing import FORMATS
from catalog.errors import CatalogError
from catalog.pairs import write_noise
from catalog.problem import Problem, printable
from catalog.published import Imported, Row, recording_or_problem, write_catalog

CLEAN, NOISY, NOISE = "clean", "noisy", "noise"


def import_noisy_pairs(source: str | os.PathLike[str], *, library: str = "pairs") -> Imported:
    """Write ``catalog.csv`` into the folder that holds ``clean/`` and ``noisy/``.

    Parameters
    ----------
    source : the folder.
    library : name of the library in the catalog.

    Raises
    ------
    CatalogError
        If one of the two folders is missing, or no pair is left.
    """
    root = Path(source)
    for name in (CLEAN, NOISY):
        if not (root / name).is_dir():
            raise CatalogError(
                f"{root / name}: is missing: clean/ and noisy/ hold the same recordings under the same names"
            )
    return write_catalog(root, library, _rows(root))


def _rows(root: Path) -> Iterator[Row | Problem]:
    names = {
        folder: {path.relative_to(root / folder).as_posix() for path in (root / folder).rglob("*") if _is_audio(path)}
        for folder in (CLEAN, NOISY)
    }
    for line, name in enumerate(sorted(names[CLEAN] | names[NOISY]), start=1):
        missing = next((folder for folder in (CLEAN, NOISY) if name not in names[folder]), None)
        if missing is not None:
            yield Problem(line, "", printable(name), f"is not in {missing}/", printable(name), root.name)
            continue
        clean, noisy, noise = (f"{folder}/{name}" for folder in (CLEAN, NOISY, NOISE))
        try:
            pair = write_noise(root, clean, noisy, f"{noise}.flac")
        except AudioError as error:
            shown = printable(os.path.relpath(error.path, root))
            yield Problem(line, "path", shown, error.reason, printable(name), root.name)
            continue
        artist = name.rpartition("/")[0] or None
        stems = {"clean": clean, "noise": pair.noise}
        yield recording_or_problem(root, line, id=name, path=noisy, artist=artist, tags=pair.tags, stems=stems)


def _is_audio(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in FORMATS
