"""Everything of the debian library beside its music: voices, noises, songs with tracks, assembled mixtures."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

from catalog.debian.assembled import ASSEMBLED, build_assembled
from catalog.debian.multitracks import MULTITRACKS, build_multitracks
from catalog.debian.shelf import Repository, Say
from catalog.debian.sounds import NOISES, VOICES, Progress, build_noises, build_voices
from catalog.errors import CatalogError


def build_debian_sources(
    folder: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
    say: Say | None = None,
    repository: Repository | None = None,
) -> list[Path]:
    """Build ``noises.csv``, ``voices.csv``, ``multitracks.csv`` and ``assembled.csv`` beside ``catalog.csv``.

    One that cannot be had (no ffmpeg, no package) costs a line and nothing else; what is there already stays as it is.

    Parameters
    ----------
    folder, progress, say, repository : as in `catalog.debian.build_debian`; `progress` begins anew with each catalog.

    Returns
    -------
    list[Path]
        The catalogs that are there.
    """
    root = Path(folder)
    say = say or logging.getLogger(__name__).warning
    steps: dict[str, Callable[[], Path]] = {
        NOISES: lambda: build_noises(root, progress=progress, say=say, repository=repository),
        VOICES: lambda: build_voices(root, progress=progress, say=say, repository=repository),
        MULTITRACKS: lambda: build_multitracks(root, progress=progress, say=say),
        ASSEMBLED: lambda: build_assembled(root, progress=progress, say=say),
    }
    built: list[Path] = []
    for name, step in steps.items():
        try:
            built.append(step())
        except CatalogError as error:
            say(f"{name}.csv is left out: {error}")
    return built
