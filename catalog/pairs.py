"""Clean and noisy recordings of the same music or speech as rows of a catalog: the noise is what the two differ by.

Conventions
-----------
The two files of a pair have one rate, one length and one number of channels. The noise is written beside them as 16-bit
FLAC under the name of the pair, unless it is there and newer than both.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio.errors import AudioError
from audio.files import read, write
from audio.noises.mixing import snr_db
from catalog.noise.plan import CLEAN, band_tag

ALIKE_DB = 60.0
"""Signal-to-noise ratio from which a pair counts as clean."""


@dataclass(frozen=True)
class Pair:
    """A pair whose noise is written.

    Attributes
    ----------
    noise : path of the noise, relative to the catalog's folder.
    tags : band of its level, or that there is none.
    """

    noise: str
    tags: tuple[str, ...]


def write_noise(root: Path, clean: str, noisy: str, noise: str) -> Pair:
    """Write what a noisy recording adds to its clean one.

    Parameters
    ----------
    root : the catalog's folder
    clean, noisy, noise : paths relative to it

    Raises
    ------
    AudioError
        A file cannot be read, or the two are not aligned, or differ by more than full scale.
    """
    y, rate = read(root / clean)
    z, noisy_rate = read(root / noisy)
    if (y.shape, rate) != (z.shape, noisy_rate):
        raise AudioError(
            root / noisy, f"{_size(z, noisy_rate)}, its clean recording {_size(y, rate)}: they do not match"
        )
    difference = z - y
    if np.abs(difference).max(initial=0.0) > 1.0:
        raise AudioError(root / noisy, "differs from its clean recording by more than full scale")
    level_db = snr_db(y, difference)
    target, sources = root / noise, [(root / path).stat().st_mtime_ns for path in (clean, noisy)]
    if not target.is_file() or target.stat().st_mtime_ns < max(sources):
        target.parent.mkdir(parents=True, exist_ok=True)
        write(target, difference, sample_rate=rate)
    return Pair(noise, (CLEAN,) if level_db >= ALIKE_DB else (band_tag(level_db),))


def _size(y: np.ndarray, rate: int) -> str:
    return f"has {y.shape[0]} channels of {y.shape[1]} samples at {rate} Hz"
