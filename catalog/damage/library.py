"""The damaged library on disk: audio under ``damaged/``, what is heard where beside each, and at last the catalog.

The catalog also holds recordings as they are, from beginning to end, of the validation split: a detector that scans a
collection hears mostly such, and learns on them how sure it has to be.
"""

import os
from collections.abc import Callable
from pathlib import Path

from audio.damage.clipping import CLIPPED, clipped_share, stays_at_ceiling
from audio.damage.regions import rms
from audio.damage.streams import codecs
from audio.errors import AudioError
from audio.files import blocks, probe, write
from catalog.damage.excerpt import QUIETEST, make_excerpt
from catalog.damage.plan import Take, Whole, plan_takes, plan_whole
from catalog.derived.code import code_of
from catalog.derived.dealing import takes_by_split
from catalog.derived.library import build_library
from catalog.derived.making import Maker, Result
from catalog.derived.source import open_source, row_of
from catalog.errors import CatalogError
from catalog.format import Catalog
from catalog.recording import Event, Recording

KIND = "damaged"
EXCERPT_S = 6.0
PER_RECORDING = 3
SOUND_MINUTES = 400.0
LONG = 12
"""Excerpts that a recording has to last to stand there whole: so many that a detector decides it by its events alone
(`trainers.defects.event_levels.MANY_TIMES`).
"""


def build_damaged(
    source: str | os.PathLike[str],
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    workers: int = 2,
    excerpt_s: float = EXCERPT_S,
    per_recording: int = PER_RECORDING,
    training_takes: int | None = None,
    validation_takes: int | None = None,
    minutes: float | None = None,
    sound_minutes: float | None = None,
    say: Callable[[str], None] | None = None,
) -> Path:
    """Write ``damaged.csv`` beside a catalog; a build that was broken off goes on, a complete one is left as it is.

    Every take is made again if what it depends on has changed: the source's row and file (size and time), its plan,
    the code, the libraries. Takes have the split, the artist, the package and the licence of their source. Recordings
    that cannot be used are left out, with one line each to `say`, and leave all other takes as they are.

    Parameters
    ----------
    source : a catalog whose recordings are taken to be without defects.
    seed : of everything random.
    progress : called with (takes done, takes in all).
    workers : processes, started by spawn.
    excerpt_s : seconds of a take.
    per_recording : takes of a recording.
    training_takes, validation_takes : of one of these splits; without, `per_recording` as well. Takes of the other
        splits are the same whatever these are, unless `minutes` leaves some out.
    minutes : about so much audio in takes at most, from as many recordings as possible; takes that are left out count.
    sound_minutes : about so much at most of validation recordings that last `LONG` takes, whole and as they are; 0 for
        none; without, `SOUND_MINUTES`, but no more than `minutes`. Those that are silent, or clipped by themselves, are
        not among them.
    say : told of each recording that was left out, of takes or as a whole.

    Returns
    -------
    Path
        Of ``damaged.csv``, which is written last.

    Raises
    ------
    CatalogError
        A parameter is out of range, the catalog cannot be opened, no recording of it can be used, or its
        folder ``damaged`` holds what others wrote, or another build is at work there.
    AudioError
        A take cannot be written.
    OSError
        The disk is full.
    WorkerKilledError
        A worker was killed; what was made until then is kept.
    """
    wanted = takes_by_split(per_recording, training_takes=training_takes, validation_takes=validation_takes)
    if sound_minutes is not None and not sound_minutes >= 0:
        raise CatalogError(f"sound_minutes={sound_minutes} must be 0 or above")
    catalog, sources, limit = open_source(
        source, kind=KIND, workers=workers, excerpt_s=excerpt_s, minutes=minutes, say=say
    )
    takes: list[Take | Whole] = [*plan_takes(sources, seed=seed, takes=wanted, limit=limit)]
    if sound_minutes is None:
        sound_minutes = SOUND_MINUTES if minutes is None else min(SOUND_MINUTES, minutes)
    takes += plan_whole(sources, catalog.root, seed=seed, minutes=sound_minutes, least_s=LONG * excerpt_s)
    maker = _DamageMaker(catalog, excerpt_s, codecs())
    return build_library(maker, takes, workers=workers, progress=progress, say=say, use="can be damaged")


class _DamageMaker(Maker[Take | Whole]):
    """Makes damaged takes, whose marks hold the events, and listens to recordings that stay as they are."""

    def __init__(self, catalog: Catalog, excerpt_s: float, known_codecs: tuple[str, ...]) -> None:
        super().__init__(catalog, KIND, code_of("catalog.damage"))
        self.excerpt_s, self.codecs = excerpt_s, known_codecs

    def facts(self, take: Take | Whole) -> list[object]:
        if isinstance(take, Whole):
            return [self.excerpt_s, take.split]
        return [self.excerpt_s, self.codecs, take.split, take.number, take.takes, take.defects, take.seed]

    def paths(self, take: Take | Whole) -> dict[str, str]:
        return {} if isinstance(take, Whole) else {"damaged": f"{KIND}/{take.name}.flac"}

    def write(self, take: Take | Whole) -> Result:
        if isinstance(take, Whole):
            check_sound(self.inputs(take)[0], self.excerpt_s)
            return {}
        excerpt = make_excerpt(self.inputs(take)[0], take, excerpt_s=self.excerpt_s, codecs=self.codecs)
        path = self.catalog.root / self.paths(take)["damaged"]
        write(path, excerpt.y[None], sample_rate=excerpt.sample_rate)
        return {"events": [list(event) for event in excerpt.events]}

    def row(self, take: Take | Whole, result: Result) -> Recording:
        if isinstance(take, Whole):
            return row_of(take, take.split, path=take.source.path)
        events = tuple(Event(*event) for event in result["events"])  # type: ignore[attr-defined]
        return row_of(
            take,
            take.split,
            path=self.paths(take)["damaged"],
            tags=tuple(dict.fromkeys(event.event for event in events)),
            labels=events,
        )


def check_sound(path: Path, block_s: float = EXCERPT_S) -> None:
    """Listen to a recording, as `make_excerpt` listens to what it takes, in blocks of `block_s` seconds.

    Raises
    ------
    AudioError
        It cannot be read, is silent, or is clipped by itself somewhere.
    """
    rate = probe(path).sample_rate
    longest, silent = 0, True
    for number, block in enumerate(blocks(path, channels=1, block_s=block_s)):
        y = block[0]
        longest = max(longest, len(y))
        if rms(y) < QUIETEST:
            continue
        silent = False
        if clipped_share(y) * len(y) > CLIPPED * longest or (2 * len(y) >= longest and stays_at_ceiling(y, rate)):
            raise AudioError(path, f"is clipped by itself at {number * block_s:.0f} s: excerpts of it alone are taken")
    if silent:
        raise AudioError(path, "is silent")
