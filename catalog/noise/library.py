"""The noisy library on disk: audio under ``noisy/``, a mark beside each take, and at last the catalog."""

import hashlib
import json
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.process import BaseProcess
from pathlib import Path

from threadpoolctl import threadpool_limits

from audio.errors import AudioError
from audio.files import write
from catalog.derived.code import code_of
from catalog.derived.folder import claim, sweep
from catalog.errors import CatalogError
from catalog.format import Catalog, open_catalog
from catalog.noise.excerpt import make_excerpt
from catalog.noise.plan import Take, plan_takes
from catalog.noise.pool import NoisePool
from catalog.recording import MAX_ID, Recording
from catalog.splits import SplitAssigner

CATALOG_NAME = "noisy.csv"
FOLDER = "noisy"
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
    minutes: float | None = None,
    say: Callable[[str], None] | None = None,
) -> Path:
    """Write ``noisy.csv`` beside a catalog; a build that was broken off goes on, a complete one is left as it is.

    A row has the stems ``clean`` and ``noise``, mono at 16 kHz, whose sum is its audio; its tags are the kind of noise
    and the band of its level (``snr 5``), or ``clean`` where the noise is silent. Takes have the split, the artist, the
    package and the licence of their source; a recording of noise is heard in one split only. Every take is made again
    if what it depends on has changed: the files (size and time), its plan, the code, the libraries. Recordings that
    cannot be used are left out, with one line each to `say`.

    Parameters
    ----------
    source_catalog : a catalog whose recordings are taken to be clean.
    noises : catalog of real recordings of noise, mixed in beside what is made by formula (`catalog.noise.pool`).
    seed : of everything random.
    progress : called with (takes done, takes in all).
    workers : processes, started by spawn.
    excerpt_s : seconds of a take.
    per_recording : takes of a recording.
    minutes : about so much audio in all at most, from as many recordings as possible.
    say : told of each recording that was left out.

    Returns
    -------
    Path
        Of ``noisy.csv``, which is written last.

    Raises
    ------
    CatalogError
        A parameter is out of range, a catalog cannot be opened, no recording of it can be used, or its
        folder ``noisy`` holds what others wrote.
    """
    if workers < 1:
        raise CatalogError(f"workers={workers} must be at least 1")
    if not excerpt_s > 0 or per_recording < 1 or (minutes is not None and not minutes > 0):
        raise CatalogError(f"excerpt_s={excerpt_s}, per_recording={per_recording}, minutes={minutes} must be above 0")
    catalog = open_catalog(source_catalog)
    target = catalog.root / CATALOG_NAME
    if catalog.path.resolve() == target.resolve():
        raise CatalogError(f"{catalog.path}: is a noisy library itself; name the catalog of the clean one")
    assigner = SplitAssigner()
    sources = [(row, assigner.assign(row)) for row in catalog.rows() if isinstance(row, Recording)]
    limit = None if minutes is None else max(1, round(60 * minutes / excerpt_s))
    pool = NoisePool(None if noises is None else Path(noises))
    takes = plan_takes(sources, pool, seed=seed, per_recording=per_recording, limit=limit)
    folder = catalog.root / FOLDER
    claim(folder, target)
    sweep(folder, {take.name for take in takes})
    jobs = _Jobs(catalog, excerpt_s, code_of(__package__))
    left_out, known = _make_all(jobs, takes, workers, progress or (lambda done, total: None))
    for reason in filter(None, left_out):
        if say is not None:
            say(f"left out: {reason}")
    rows = [_recording(take) for take, reason in zip(takes, left_out, strict=True) if reason is None]
    if not rows:
        raise CatalogError(f"{catalog.path}: holds no recording that noise can be mixed into")
    if known and target.is_file() and list(open_catalog(target).rows(check_files=False)) == rows:
        return target
    return Catalog.write(target, catalog.library, rows).path


class _Jobs:
    """What every take needs to know; sent to the workers."""

    def __init__(self, catalog: Catalog, excerpt_s: float, fingerprint: str) -> None:
        self.catalog, self.excerpt_s, self.fingerprint = catalog, excerpt_s, fingerprint

    def mark(self, take: Take) -> Path:
        """What is written last of a take."""
        return self.catalog.root / FOLDER / f"{take.name}.json"

    def key(self, take: Take) -> str:
        """Of everything that the bytes of a take depend on."""
        facts: list[object] = [self.fingerprint, self.excerpt_s, SAMPLE_RATE, take.source.path, take.number, take.takes]
        facts += [take.kind, take.snr_db, take.seed]
        files = [self.catalog.root / take.source.path]
        if take.recording is not None:
            facts.append(take.recording.id)
            files.append(take.recording.path)
        for status in (file.stat() for file in files):
            facts += [status.st_size, status.st_mtime_ns]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def known(self, take: Take) -> dict[str, str | None] | None:
        """What an earlier build said of the take, if that still holds."""
        try:
            result: dict[str, str | None] = json.loads(self.mark(take).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        there = result.get("left_out") or all((self.catalog.root / path).is_file() for path in _paths(take).values())
        return result if there and result.get("key") == self.key(take) else None

    def make(self, take: Take) -> dict[str, str | None]:
        """Make a take and write it, or say why it is left out."""
        mark = self.mark(take)
        mark.unlink(missing_ok=True)
        result: dict[str, str | None] = {"key": self.key(take), "left_out": None}
        try:
            excerpt = make_excerpt(
                self.catalog.root / take.source.path, take, excerpt_s=self.excerpt_s, sample_rate=SAMPLE_RATE
            )
        except AudioError as error:
            result["left_out"] = str(error)
        else:
            for name, path in _paths(take).items():
                write(self.catalog.root / path, getattr(excerpt, name)[None], sample_rate=SAMPLE_RATE)
        temporary = mark.with_suffix(".part")
        temporary.write_text(json.dumps(result), "utf-8")
        os.replace(temporary, mark)
        return result


def _paths(take: Take) -> dict[str, str]:
    """The files of a take, relative to the catalog's folder; a clean one has no sum of its own."""
    names = ("clean", "noise") if take.snr_db is None else ("clean", "noise", "noisy")
    return {name: f"{FOLDER}/{take.name}.{name}.flac" for name in names}


def _make_all(
    jobs: _Jobs, takes: list[Take], workers: int, progress: Callable[[int, int], None]
) -> tuple[list[str | None], bool]:
    """Why takes are left out, None for those that are not; and whether all of it was known before."""
    results = {number: known for number, take in enumerate(takes) if (known := jobs.known(take)) is not None}
    missing = [number for number in range(len(takes)) if number not in results]
    progress(len(results), len(takes))
    if missing:
        pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_start_worker)
        try:
            futures = {pool.submit(jobs.make, takes[number]): number for number in missing}
            for future in as_completed(futures):
                results[futures[future]] = future.result()
                progress(len(results), len(takes))
        finally:
            pool.shutdown(cancel_futures=True)
    return [results[number]["left_out"] for number in range(len(takes))], not missing


def _start_worker() -> None:
    """One thread for linear algebra, and an end when the parent ends."""
    threadpool_limits(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _recording(take: Take) -> Recording:
    paths, suffix = _paths(take), f"~{take.name}"
    return Recording(
        id=take.source.id[: MAX_ID - len(suffix)] + suffix,
        path=paths.get("noisy", paths["clean"]),
        artist=take.source.artist,
        album=take.source.album,
        title=take.source.title,
        package=take.source.package,
        licence=take.source.licence,
        tags=take.tags,
        stems={name: paths[name] for name in ("clean", "noise")},
        split=take.split,
    )
