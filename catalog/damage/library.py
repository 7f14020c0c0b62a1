"""The damaged library on disk: audio under ``damaged/``, what is heard where beside each, and at last the catalog."""

import os
from collections.abc import Callable
from pathlib import Path

from audio.damage.streams import codecs
from audio.files import write
from catalog.damage.excerpt import make_excerpt
from catalog.damage.plan import Take, plan_takes
from catalog.derived.code import code_of
from catalog.derived.dealing import takes_by_split
from catalog.derived.library import build_library
from catalog.derived.making import Maker, Result
from catalog.derived.source import open_source, row_of
from catalog.format import Catalog
from catalog.recording import Event, Recording

KIND = "damaged"
EXCERPT_S = 6.0
PER_RECORDING = 3


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
    say: Callable[[str], None] | None = None,
) -> Path:
    """Write ``damaged.csv`` beside a catalog; a build that was broken off goes on, a complete one is left as it is.

    Every take is made again if what it depends on has changed: the source's row and file (size and time), its plan,
    the code, the libraries. Takes have the split, the artist, the package and the licence of their source. Recordings
    that cannot be used are left out, with one line each to `say`.

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
    minutes : about so much audio in all at most, from as many recordings as possible.
    say : told of each recording that was left out.

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
    """
    wanted = takes_by_split(per_recording, training_takes=training_takes, validation_takes=validation_takes)
    catalog, sources, limit = open_source(source, kind=KIND, workers=workers, excerpt_s=excerpt_s, minutes=minutes)
    takes = plan_takes(sources, seed=seed, takes=wanted, limit=limit)
    maker = _DamageMaker(catalog, excerpt_s, codecs())
    return build_library(maker, takes, workers=workers, progress=progress, say=say, use="can be damaged")


class _DamageMaker(Maker[Take]):
    """Makes damaged takes; their marks hold the events."""

    def __init__(self, catalog: Catalog, excerpt_s: float, known_codecs: tuple[str, ...]) -> None:
        super().__init__(catalog, KIND, code_of("catalog.damage"))
        self.excerpt_s, self.codecs = excerpt_s, known_codecs

    def facts(self, take: Take) -> list[object]:
        return [self.excerpt_s, self.codecs, take.split, take.number, take.takes, take.defects, take.seed]

    def paths(self, take: Take) -> dict[str, str]:
        return {"damaged": f"{KIND}/{take.name}.flac"}

    def write(self, take: Take) -> Result:
        excerpt = make_excerpt(self.inputs(take)[0], take, excerpt_s=self.excerpt_s, codecs=self.codecs)
        path = self.catalog.root / self.paths(take)["damaged"]
        write(path, excerpt.y[None], sample_rate=excerpt.sample_rate)
        return {"events": [list(event) for event in excerpt.events]}

    def row(self, take: Take, result: Result) -> Recording:
        events = tuple(Event(*event) for event in result["events"])  # type: ignore[attr-defined]
        return row_of(
            take,
            take.split,
            path=self.paths(take)["damaged"],
            tags=tuple(dict.fromkeys(event.event for event in events)),
            labels=events,
        )
