"""The noisy library on disk: audio under ``noisy/``, a mark beside each take, and at last the catalog."""

import os
from collections.abc import Callable
from pathlib import Path

from audio.files import write
from catalog.derived.code import code_of
from catalog.derived.dealing import takes_by_split
from catalog.derived.library import build_library
from catalog.derived.making import Maker, Result
from catalog.derived.source import open_source, row_of
from catalog.format import Catalog
from catalog.noise.excerpt import make_excerpt
from catalog.noise.plan import Take, plan_takes
from catalog.noise.pool import NoisePool
from catalog.recording import Recording

KIND = "noisy"
EXCERPT_S = 8.0
SAMPLE_RATE = 16_000
PER_RECORDING = 2


def build_noisy(
    source_catalog: str | os.PathLike[str],
    *,
    noises: str | os.PathLike[str] | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    workers: int = 2,
    excerpt_s: float = EXCERPT_S,
    per_recording: int = PER_RECORDING,
    training_takes: int | None = None,
    minutes: float | None = None,
    say: Callable[[str], None] | None = None,
) -> Path:
    """Write ``noisy.csv`` beside a catalog; a build that was broken off goes on, a complete one is left as it is.

    A row has the stems ``clean`` and ``noise``, mono at 16 kHz, whose sum is its audio; its tags are the kind of noise
    and the band of its level (``snr 5``), or ``clean`` where the noise is silent. Takes have the split, the artist, the
    package and the licence of their source; a recording of noise is heard in one split only. Every take is made again
    if what it depends on has changed: the files (size and time), its plan, the code, the libraries. Recordings that
    cannot be used, of music or of noise, are left out, with one line each to `say`; takes that have nothing to do with
    them stay as they are.

    Parameters
    ----------
    source_catalog : a catalog whose recordings are taken to be clean.
    noises : catalog of real recordings of noise, mixed in beside what is made by formula (`catalog.noise.pool`).
    seed : of everything random.
    progress : called with (takes done, takes in all).
    workers : processes, started by spawn.
    excerpt_s : seconds of a take.
    per_recording : takes of a recording.
    training_takes : of one of the training split; without, `per_recording` as well. Takes of the other splits are the
        same whatever this is, unless `minutes` leaves some out.
    minutes : about so much audio in all at most, from as many recordings as possible; takes that are left out count.
    say : told of each recording that was left out.

    Returns
    -------
    Path
        Of ``noisy.csv``, which is written last.

    Raises
    ------
    CatalogError
        A parameter is out of range, a catalog cannot be opened, no recording of it can be used, or its
        folder ``noisy`` holds what others wrote, or another build is at work there.
    AudioError
        A take cannot be written.
    OSError
        The disk is full.
    WorkerKilledError
        A worker was killed; what was made until then is kept.
    """
    wanted = takes_by_split(per_recording, training_takes=training_takes)
    catalog, sources, limit = open_source(
        source_catalog, kind=KIND, workers=workers, excerpt_s=excerpt_s, minutes=minutes, say=say
    )
    pool = NoisePool(None if noises is None else Path(noises), say)
    takes = plan_takes(sources, pool, seed=seed, takes=wanted, limit=limit)
    maker = _NoiseMaker(catalog, excerpt_s)
    return build_library(maker, takes, workers=workers, progress=progress, say=say, use="noise can be mixed into")


class _NoiseMaker(Maker[Take]):
    """Makes noisy takes."""

    def __init__(self, catalog: Catalog, excerpt_s: float) -> None:
        super().__init__(catalog, KIND, code_of("catalog.noise"))
        self.excerpt_s = excerpt_s

    def facts(self, take: Take) -> list[object]:
        facts = [self.excerpt_s, SAMPLE_RATE, take.number, take.takes, take.kind, take.snr_db, take.seed]
        return [*facts, take.recording and take.recording.id]

    def inputs(self, take: Take) -> list[Path]:
        return super().inputs(take) + ([take.recording.path] if take.recording else [])

    def paths(self, take: Take) -> dict[str, str]:
        """A clean take has no sum of its own."""
        names = ("clean", "noise") if take.snr_db is None else ("clean", "noise", "noisy")
        return {name: f"{KIND}/{take.name}.{name}.flac" for name in names}

    def write(self, take: Take) -> Result:
        excerpt = make_excerpt(self.inputs(take)[0], take, excerpt_s=self.excerpt_s, sample_rate=SAMPLE_RATE)
        for name, path in self.paths(take).items():
            write(self.catalog.root / path, getattr(excerpt, name)[None], sample_rate=SAMPLE_RATE)
        return {}

    def row(self, take: Take, result: Result) -> Recording:
        paths = self.paths(take)
        stems = {name: paths[name] for name in ("clean", "noise")}
        return row_of(take, take.split, path=paths.get("noisy", paths["clean"]), tags=take.tags, stems=stems)
