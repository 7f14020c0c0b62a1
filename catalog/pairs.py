"""Clean and noisy recordings of the same music or speech as rows of a catalog: the noise is what the two differ by.

Conventions
-----------
The two files of a pair have one rate, one length and one number of channels. The noise is written beside them as 16-bit
FLAC, and in a mark beside it (`catalog.marks`) its level and what it was made of: it is made again when the content of
one of the two has changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio.alignment import SideBySide
from audio.errors import AudioError
from audio.files import AudioInfo, blocks, probe, write_blocks
from audio.noises.mixing import ratio_db
from catalog.folder import make_folder
from catalog.marks import digest, mark_of, read_mark, write_mark
from catalog.noise.plan import CLEAN, band_tag
from catalog.places import check_places
from catalog.wording import counted

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
    """Write what a noisy recording adds to its clean one; memory does not grow with their length.

    Parameters
    ----------
    root : the catalog's folder
    clean, noisy, noise : paths relative to it

    Raises
    ------
    AudioError
        A file cannot be read or lies elsewhere, or the two are not aligned, or differ by more than full scale.
    DaCapoError
        The folder of the noise cannot be made or written to.
    """
    target = root / noise
    check_places(root, root / clean, root / noisy, target, mark_of(target))
    made_of = [digest(root / path) for path in (clean, noisy)]
    level_db = _known(target, made_of) if target.is_file() else None
    if level_db is None:
        make_folder(target.parent)
        mark_of(target).unlink(missing_ok=True)
        level_db = _write(root / clean, root / noisy, target)
        write_mark(target, made_of=made_of, snr_db=level_db)
    return Pair(noise, (CLEAN,) if level_db >= ALIKE_DB else (band_tag(level_db),))


def _known(target: Path, made_of: list[str]) -> float | None:
    """The level in dB that an earlier import wrote down, if it was of these very files."""
    known = read_mark(target)
    try:
        return float(known["snr_db"]) if known["made_of"] == made_of else None
    except (ValueError, KeyError, TypeError):
        return None


def _write(clean: Path, noisy: Path, target: Path) -> float:
    """Write the noise and answer the level, a signal-to-noise ratio in dB."""
    ours, theirs = probe(clean), probe(noisy)
    if (ours.channels, ours.sample_rate) != (theirs.channels, theirs.sample_rate):
        raise _unlike(noisy, theirs, theirs.frames, ours, ours.frames)
    powers = [0.0, 0.0]

    def differences() -> Iterator[np.ndarray]:
        together = SideBySide(blocks(clean), blocks(noisy))
        for y, z in together:
            difference = z - y
            if np.abs(difference).max() > 1.0:
                raise AudioError(noisy, "differs from its clean recording by more than full scale")
            for place, signal in enumerate((y, difference)):
                powers[place] += float(np.sum(np.square(signal, dtype=np.float64)))
            yield difference
        if together.lengths[0] != together.lengths[1]:
            raise _unlike(noisy, theirs, together.lengths[1], ours, together.lengths[0])

    write_blocks(target, differences(), sample_rate=ours.sample_rate, channels=ours.channels)
    return ratio_db(*powers)


def _unlike(noisy: Path, theirs: AudioInfo, frames: int, ours: AudioInfo, clean_frames: int) -> AudioError:
    sizes = [
        f"has {counted(info.channels, 'channel')} of {samples} samples at {info.sample_rate} Hz"
        for info, samples in ((theirs, frames), (ours, clean_frames))
    ]
    return AudioError(noisy, f"{sizes[0]}, its clean recording {sizes[1]}: they do not match")
