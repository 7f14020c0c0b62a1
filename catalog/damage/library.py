"""The damaged library on disk: audio under ``damaged/``, what is heard where beside each, and at last the catalog."""

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

from audio.damage.streams import codecs
from audio.errors import AudioError, DaCapoError
from audio.files import write
from catalog.damage.excerpt import make_excerpt
from catalog.damage.plan import Take, plan_takes
from catalog.derived.code import code_of
from catalog.derived.folder import claim, sweep
from catalog.errors import CatalogError
from catalog.format import Catalog, open_catalog
from catalog.recording import MAX_ID, Event, Recording
from catalog.splits import SplitAssigner

CATALOG_NAME = "damaged.csv"
FOLDER = "damaged"
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
        folder ``damaged`` holds what others wrote.
    """
    if workers < 1:
        raise CatalogError(f"workers={workers} must be at least 1")
    if not excerpt_s > 0 or per_recording < 1 or (minutes is not None and not minutes > 0):
        raise CatalogError(f"excerpt_s={excerpt_s}, per_recording={per_recording}, minutes={minutes} must be above 0")
    catalog = open_catalog(source)
    target = catalog.root / CATALOG_NAME
    if catalog.path.resolve() == target.resolve():
        raise CatalogError(f"{catalog.path}: is a damaged library itself; name the catalog of the undamaged one")
    assigner = SplitAssigner()
    sources = [(row, assigner.assign(row)) for row in catalog.rows() if isinstance(row, Recording)]
    limit = None if minutes is None else max(1, round(60 * minutes / excerpt_s))
    takes = plan_takes(sources, seed=seed, per_recording=per_recording, limit=limit)
    folder = catalog.root / FOLDER
    claim(folder, target)
    sweep(folder, {take.name for take in takes})
    jobs = _Jobs(catalog, excerpt_s, codecs(), code_of(__package__))
    made, known = _make_all(jobs, takes, workers, progress or (lambda done, total: None))
    rows = [_recording(take, result) for take, result in zip(takes, made, strict=True) if "left_out" not in result]
    for result in made:
        if "left_out" in result and say is not None:
            say(f"left out: {result['left_out']}")
    if not rows:
        raise CatalogError(f"{catalog.path}: holds no recording that can be damaged")
    if known and target.is_file() and _same(target, rows):
        return target
    return Catalog.write(target, catalog.library, rows).path


class _Jobs:
    """What every take needs to know; sent to the workers."""

    def __init__(self, catalog: Catalog, excerpt_s: float, known_codecs: tuple[str, ...], fingerprint: str) -> None:
        self.catalog, self.excerpt_s, self.codecs, self.fingerprint = catalog, excerpt_s, known_codecs, fingerprint

    def paths(self, take: Take) -> tuple[Path, Path]:
        """Audio and description of a take; the description is written last."""
        folder = self.catalog.root / FOLDER
        return folder / f"{take.name}.flac", folder / f"{take.name}.json"

    def key(self, take: Take) -> str:
        """Of everything that the bytes of a take depend on."""
        status = (self.catalog.root / take.source.path).stat()
        facts = [self.fingerprint, self.excerpt_s, self.codecs, take.source.path, take.split, take.number, take.takes]
        facts += [take.defects, take.seed, status.st_size, status.st_mtime_ns]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def known(self, take: Take) -> dict[str, object] | None:
        """What an earlier build found of the take, if that still holds."""
        sound, description = self.paths(take)
        try:
            result: dict[str, object] = json.loads(description.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        whole = result.get("key") == self.key(take) and ("left_out" in result or sound.is_file())
        return result if whole else None

    def make(self, take: Take) -> dict[str, object]:
        """Make a take, write it, and say what is heard."""
        sound, description = self.paths(take)
        result: dict[str, object] = {"key": self.key(take)}
        description.unlink(missing_ok=True)
        try:
            excerpt = make_excerpt(
                self.catalog.root / take.source.path, take, excerpt_s=self.excerpt_s, codecs=self.codecs
            )
        except DaCapoError as error:
            reason = error.reason if isinstance(error, AudioError) else str(error)
            result["left_out"] = f"{take.source.path}: {reason}"
        else:
            write(sound, excerpt.y[None], sample_rate=excerpt.sample_rate)
            result["events"] = [list(event) for event in excerpt.events]
        temporary = description.with_suffix(".part")
        temporary.write_text(json.dumps(result), "utf-8")
        os.replace(temporary, description)
        return result


def _make_all(
    jobs: _Jobs, takes: list[Take], workers: int, progress: Callable[[int, int], None]
) -> tuple[list[dict[str, object]], bool]:
    """What is known of every take, and whether all of it was known before."""
    results = {number: known for number, take in enumerate(takes) if (known := jobs.known(take)) is not None}
    missing = [number for number in range(len(takes)) if number not in results]
    if missing:
        pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_start_worker)
        try:
            futures = {pool.submit(jobs.make, takes[number]): number for number in missing}
            for future in as_completed(futures):
                results[futures[future]] = future.result()
                progress(len(results), len(takes))
        finally:
            pool.shutdown(cancel_futures=True)
    return [results[number] for number in range(len(takes))], not missing


def _start_worker() -> None:
    """One thread for linear algebra, an end when the parent ends, and no word from libmpg123 about every bad frame."""
    threadpool_limits(1)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _recording(take: Take, result: dict[str, object]) -> Recording:
    events = tuple(Event(*event) for event in result["events"])  # type: ignore[attr-defined]
    suffix = f"~{take.name}"
    return Recording(
        id=take.source.id[: MAX_ID - len(suffix)] + suffix,
        path=f"{FOLDER}/{take.name}.flac",
        artist=take.source.artist,
        album=take.source.album,
        title=take.source.title,
        package=take.source.package,
        licence=take.source.licence,
        tags=tuple(dict.fromkeys(event.event for event in events)),
        labels=events,
        split=take.split,
    )


def _same(target: Path, rows: list[Recording]) -> bool:
    """Whether the catalog holds these very rows."""
    return list(open_catalog(target).rows(check_files=False)) == rows
