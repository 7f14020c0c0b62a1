"""The library on disk: every song as a mix and two stems, and at last the catalog."""

import hashlib
import io
import json
import os
import platform
import shutil
from collections.abc import Callable
from concurrent.futures import as_completed
from importlib.metadata import version
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from audio.errors import naming
from catalog.builtin.composition import compose
from catalog.builtin.oscillators import SAMPLE_RATE
from catalog.builtin.plan import SongPlan, plan_library
from catalog.builtin.score import Score
from catalog.builtin.song import make_song
from catalog.errors import CatalogError
from catalog.folder import WORK_FOLDER, alone
from catalog.format import Catalog
from catalog.recording import Recording, Word
from catalog.worker import start_worker, worker_pool
from catalog.writing import PART, staged, whole

SYNTHETIC = (
    "The built-in library is synthetic: music and voices made by a program. "
    "Its numbers say nothing about real recordings."
)
MAX_SONGS = 10_000
_COMPRESSION = 0.4
_MARK = "builtin.json"
_FOLDERS = ("audio", "stems")


def build_builtin(
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    songs: int = 320,
    progress: Callable[[int, int], None] | None = None,
    workers: int = 2,
) -> Path:
    """Build the synthetic library; a build that was broken off goes on, a complete one is left as it is.

    The bytes depend on `seed`, `songs`, this package's sources and the numerical libraries, not on `workers`: songs are
    always made in processes of their own (started by spawn, so a script that calls this needs the usual
    ``if __name__ == "__main__"``), with one thread each for linear algebra.

    Parameters
    ----------
    folder : new, empty, or an earlier build, which is replaced if anything that the bytes depend on has changed.
    songs : 1 to 10000. From about 200 on, every tag has enough artists in every split.
    progress : called with (songs done, songs in all).
    workers : processes.

    Returns
    -------
    Path
        Of ``catalog.csv``, which is written last.

    Raises
    ------
    CatalogError
        If `songs` or `workers` is out of range, `folder` holds something else, or another build is at work in it.
    WorkerKilledError
        If a worker was killed; what was made until then is kept.
    """
    if not 1 <= songs <= MAX_SONGS:
        raise CatalogError(f"songs={songs} must be 1 to {MAX_SONGS}")
    if workers < 1:
        raise CatalogError(f"workers={workers} must be at least 1")
    root = Path(folder)
    plans = plan_library(seed=seed, songs=songs)
    mark = {"note": SYNTHETIC, "seed": seed, "songs": songs, "fingerprint": _fingerprint()}
    _check_ours(root)
    if _made(root, mark) and all(_complete(root, plan) for plan in plans):
        return root / "catalog.csv"
    with alone(root):
        _prepare(root, mark)
        recordings = _make_all(root, plans, workers, progress or (lambda done, total: None))
        with whole(root / "README.md") as file:
            file.write(_readme(mark))
        return Catalog.write(root / "catalog.csv", "builtin", recordings).path


def _made(root: Path, mark: dict[str, object]) -> bool:
    """Whether this very build has been made there."""
    return (root / "catalog.csv").is_file() and _is_marked(root, mark)


def _is_marked(root: Path, mark: dict[str, object]) -> bool:
    """Whether this very build was begun there."""
    return (root / _MARK).is_file() and (root / _MARK).read_text("utf-8") == json.dumps(mark)


def _check_ours(root: Path) -> None:
    """Leave alone what others wrote, before anything is written."""
    if not root.is_dir() or (root / _MARK).is_file():
        return
    # A build that was killed at its first step leaves the mark half written.
    if any(path.name != WORK_FOLDER and not path.name.startswith(_MARK) for path in root.iterdir()):
        raise CatalogError(
            f"{root}: is neither empty nor an earlier build of the built-in library; choose another folder"
        )


def _prepare(root: Path, mark: dict[str, object]) -> None:
    """Make `root`, which is ours, ready for a build; what another build left is taken away."""
    if not _is_marked(root, mark):
        (root / "catalog.csv").unlink(missing_ok=True)
        for name in _FOLDERS:
            shutil.rmtree(root / name, ignore_errors=True)
        with whole(root / _MARK) as file:
            file.write(json.dumps(mark))
    for name in _FOLDERS:
        (root / name).mkdir(exist_ok=True)
        for stale in (root / name).glob(f"*{PART}"):  # of a build that was killed
            stale.unlink()


def _fingerprint() -> str:
    """Of everything besides seed and size that the bytes depend on."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for source in sorted([*here.glob("*.py"), *here.glob("lexicons/*.yaml")]):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    for name in ("numpy", "scipy", "soundfile"):
        digest.update(f"{name} {version(name)}\n".encode())
    digest.update(platform.machine().encode())
    return digest.hexdigest()


def _make_all(root: Path, plans: list[SongPlan], workers: int, progress: Callable[[int, int], None]) -> list[Recording]:
    made: dict[int, Recording] = {}
    with worker_pool(workers, start_worker) as pool:
        futures = {pool.submit(_make, root, plan): number for number, plan in enumerate(plans)}
        for future in as_completed(futures):
            made[futures[future]] = future.result()
            progress(len(made), len(plans))
    return [made[number] for number in range(len(plans))]


def _paths(plan: SongPlan) -> dict[str, str]:
    """Mix and stems, relative to the library's folder; the mix is written last."""
    return {
        "vocals": f"stems/{plan.id}-vocals.flac",
        "accompaniment": f"stems/{plan.id}-accompaniment.flac",
        "mix": f"audio/{plan.id}.flac",
    }


def _complete(root: Path, plan: SongPlan) -> bool:
    return all((root / path).is_file() for path in _paths(plan).values())


def _make(root: Path, plan: SongPlan) -> Recording:
    """Write one song, unless that was done before, and describe it."""
    if _complete(root, plan):
        return _recording(plan, compose(plan))
    song = make_song(plan)
    for name, path in _paths(plan).items():
        pcm: NDArray[np.int16] = getattr(song, name)
        _write(root / path, pcm)
    return _recording(plan, song.score)


def _write(path: Path, pcm: NDArray[np.int16]) -> None:
    """Write samples [2, n] as they are. `audio.files.write` takes floats, which costs a third of a build."""
    encoded = io.BytesIO()  # where the disk is full, libsndfile would not say so
    samples = np.ascontiguousarray(pcm.T)
    soundfile.write(encoded, samples, SAMPLE_RATE, "PCM_16", format="FLAC", compression_level=_COMPRESSION)
    with staged(path) as part, naming(path, part):
        part.write_bytes(encoded.getbuffer())


def _recording(plan: SongPlan, score: Score) -> Recording:
    paths = _paths(plan)
    sung, known = plan.words != "instrumental", plan.words == "known"
    return Recording(
        id=plan.id,
        path=paths["mix"],
        artist=plan.artist.name,
        album=plan.album,
        title=score.lyrics.split("\n")[0] if score.lyrics and known else f"Untitled {plan.seed[1]}",
        package="builtin",
        licence="CC0-1.0",
        tags=plan.tags,
        lyrics=None if plan.words == "missing" else score.lyrics,
        language=plan.artist.language if sung else None,
        words=tuple(Word(word.word, round(word.start_s, 3), round(word.end_s, 3)) for word in score.words)
        if known
        else (),
        stems={name: paths[name] for name in ("vocals", "accompaniment")},
        split=plan.split,
    )


def _readme(mark: dict[str, object]) -> str:
    return f"""# Built-in library

{SYNTHETIC}

{mark["songs"]} songs made by `dacapo catalog build builtin` with seed {mark["seed"]}, stereo FLAC at 44.1 kHz:
the mix in `audio/`, vocals and accompaniment, which sum to it exactly, in `stems/`. `catalog.csv` describes them.
Licence: CC0-1.0.
"""
