"""Assembled mixtures: real voices laid over real music. They are assembled, not recorded, and named so.

For every row a stretch of one piece of music is the accompaniment, and utterances of one speaker, in drawn order with
drawn pauses, are the vocals; a drawn level and position between the loudspeakers put them together. Everything is drawn
from (seed, split, number), so a row does not depend on how many there are. Nobody sings to the beat and nobody answers
the harmony: numbers on these mixtures say how well voices and music that know nothing of each other are told apart.

Conventions
-----------
A speaker is in one split (``voices.yaml``), and so is a package of music (`music_of_splits`) and an artist, by the
music's catalog. Packages of voices in ``test`` are in no other split, neither their voices nor their music; the other
splits share some. Songs with tracks (``multitracks.csv``) are not used.
"""

import hashlib
import json
import logging
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from audio.errors import AudioError
from audio.files import probe, read
from catalog.debian.build import CATALOG_NAME
from catalog.debian.exact_mix import MIX, exact_mix, write_mix
from catalog.debian.rows import read_recordings, write_recordings
from catalog.debian.shelf import Say
from catalog.debian.sounds import VOICES, Progress
from catalog.derived.folder import claim
from catalog.errors import CatalogError
from catalog.folder import alone
from catalog.recording import SPLITS, Recording, Split

ASSEMBLED = "assembled"
ROWS: Mapping[Split, int] = {"train": 960, "validation": 40, "eval": 60, "test": 60}
SAMPLE_RATE = 44_100
DURATION_S = (10.0, 30.0)
VOICE_TO_MUSIC_DB = (-6.0, 6.0)  # level of the vocals while they sound against the music's
PAUSE_S = (0.1, 0.8)
REST_S = (2.0, 5.0)  # now and then nobody speaks
REST_SHARE = 0.15
MUSIC_DBFS = -20.0
MAX_PAN = 0.4  # of the way from the middle to one side
CENTRED_SHARE = 0.6
FADE_S = 0.02
SPOKEN_DB = -40.0  # below an utterance's peak begins the silence around it
SILENT_DBFS = -50.0
TRIES = 20
PEAK = 0.98
_MARK = "assembled.json"


@dataclass(frozen=True)
class _Order:
    """What one row is to be made of."""

    split: Split
    number: int
    music: tuple[Recording, ...]
    speakers: tuple[tuple[Recording, ...], ...]

    @property
    def name(self) -> str:
        return f"{self.split}-{self.number:04d}"


def build_assembled(
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    rows: Mapping[Split, int] = ROWS,
    workers: int = 2,
    progress: Progress | None = None,
    say: Say | None = None,
) -> Path:
    """Write ``assembled.csv`` and its audio from the music and the voices of the debian library in `folder`.

    A build that was broken off goes on; one that was made of other rows, another seed or by other code is replaced.

    Parameters
    ----------
    folder : of the debian library, with its ``catalog.csv`` and ``voices.csv``.
    rows : how many mixtures of each split.
    workers : threads.
    progress, say : as in `catalog.debian.build_debian`.

    Returns
    -------
    Path
        ``assembled.csv``: ``artist`` is the speaker, ``package`` the music's, tags are the music's and ``speech`` or
        ``singing``, stems are ``vocals`` and ``accompaniment``, whose sum is the mix.

    Raises
    ------
    CatalogError
        If one of the two catalogs is missing, a split that should get rows has no music or no voice, or the folder
        ``assembled`` holds what others wrote.
    """
    root = Path(folder)
    say = say or logging.getLogger(__name__).warning
    progress = progress or (lambda done, total: None)
    with alone(root):
        orders = _orders(root, rows)
        _prepare(root, orders, seed)
        made: list[Recording] = []
        with ThreadPoolExecutor(workers) as pool:
            for recording in pool.map(lambda order: _make_or_say(root, order, seed, say), orders):
                made += [recording] if recording else []
                progress(len(made), len(orders))
        if not made:
            raise CatalogError(f"{root / ASSEMBLED}: no mixture could be made")
        return write_recordings(root / f"{ASSEMBLED}.csv", made)


def music_of_splits(recordings: Sequence[Recording], taken: Set[str] = frozenset()) -> dict[Split, list[Recording]]:
    """Music by split such that no package is in two.

    A package goes where most of its recordings are, and the others of it are left out. Of the packages that went to
    ``eval`` every second one, in order of size, goes to ``test``. Packages in `taken` are left out.
    """
    packages: defaultdict[str, list[Recording]] = defaultdict(list)
    for recording in recordings:
        if recording.package and recording.package not in taken and recording.split and not recording.stems:
            packages[recording.package].append(recording)
    majority = {
        name: max(SPLITS, key=lambda split, rows=rows: Counter(row.split for row in rows)[split])  # type: ignore[misc]
        for name, rows in packages.items()
    }
    kept = {name: [row for row in rows if row.split == majority[name]] for name, rows in packages.items()}
    held_out = sorted((name for name in kept if majority[name] == "eval"), key=lambda name: (-len(kept[name]), name))
    place: dict[str, Split] = majority | dict.fromkeys(held_out[1::2], "test")
    chosen: dict[Split, list[Recording]] = {split: [] for split in SPLITS}
    for name in sorted(kept):
        chosen[place[name]] += kept[name]
    return chosen


def _orders(root: Path, rows: Mapping[Split, int]) -> list[_Order]:
    voices: dict[Split, defaultdict[str, list[Recording]]] = {split: defaultdict(list) for split in SPLITS}
    packages: dict[Split, set[str]] = {split: set() for split in SPLITS}
    for row in read_recordings(root / f"{VOICES}.csv"):
        if row.split and row.artist:
            voices[row.split][row.artist].append(row)
            packages[row.split] |= {row.package} if row.package else set()
    if shared := packages["test"] & set().union(*(packages[split] for split in SPLITS if split != "test")):
        raise CatalogError(f"{root / f'{VOICES}.csv'}: package={min(shared)} is in the split test and in another")
    music = music_of_splits(read_recordings(root / CATALOG_NAME), packages["test"])
    orders: list[_Order] = []
    for split, count in rows.items():
        if count and not (music[split] and voices[split]):
            lacking = "music" if not music[split] else "voice"
            raise CatalogError(f"{root}: there is no {lacking} for the split {split} of {ASSEMBLED}.csv")
        speakers = tuple(tuple(utterances) for _, utterances in sorted(voices[split].items()))
        orders += [_Order(split, number, tuple(music[split]), speakers) for number in range(count)]
    return orders


def _prepare(root: Path, orders: Sequence[_Order], seed: int) -> None:
    """Make sure that the folder is ours, and ready: what another build made of other things is removed."""
    digest = hashlib.sha256(f"{seed}\n".encode())
    for source in (Path(__file__), Path(__file__).with_name("exact_mix.py")):
        digest.update(source.read_bytes())
    for order in {order.split: order for order in orders}.values():  # those of a split draw from the same
        for row in (*order.music, *(row for each in order.speakers for row in each)):
            size = (root / row.path).stat().st_size if (root / row.path).is_file() else -1
            digest.update(f"{json.dumps([order.split, row.package, row.artist, row.path, size])}\n".encode())
    mark = json.dumps({"note": "assembled mixtures, not recordings", "made_of": digest.hexdigest()})
    folder, catalog = root / ASSEMBLED, root / f"{ASSEMBLED}.csv"
    marker = folder / _MARK
    if not marker.is_file():
        claim(folder, catalog)
    elif marker.read_text("utf-8") == mark:
        return
    catalog.unlink(missing_ok=True)
    for split in SPLITS:
        for place in folder.glob(f"{split}-[0-9]*/"):
            shutil.rmtree(place)
    marker.write_text(mark, "utf-8")


def _make_or_say(root: Path, order: _Order, seed: int, say: Say) -> Recording | None:
    try:
        return _make(root, order, seed)
    except AudioError as error:
        say(f"{ASSEMBLED} {order.name} is left out: {error}")
        return None


def _make(root: Path, order: _Order, seed: int) -> Recording:
    """The row, its audio written unless it is there."""
    rng = np.random.default_rng([seed, SPLITS.index(order.split), order.number])
    # A package, then a piece: a package of a hundred pieces shall not be most of the music.
    packages = sorted({row.package for row in order.music if row.package})
    package = packages[rng.integers(len(packages))]
    pieces = [row for row in order.music if row.package == package]
    music = pieces[rng.integers(len(pieces))]
    utterances = order.speakers[rng.integers(len(order.speakers))]
    place = f"{ASSEMBLED}/{order.name}"
    paths = {name: f"{place}/{name}.flac" for name in (MIX, "vocals", "accompaniment")}
    if not (root / paths[MIX]).is_file():
        (root / place).mkdir(exist_ok=True)
        accompaniment = _excerpt(root / music.path, rng)
        vocals = _performance(root, utterances, accompaniment.shape[1], rng)
        gain_db = float(rng.uniform(*VOICE_TO_MUSIC_DB))
        vocals *= _gain(_active_dbfs(vocals), _active_dbfs(accompaniment) + gain_db)
        stems = {"vocals": vocals, "accompaniment": accompaniment}
        write_mix({name: root / path for name, path in paths.items()}, exact_mix(stems, PEAK), SAMPLE_RATE)
    speaker = utterances[0]
    return Recording(
        id=f"{ASSEMBLED}/{order.name}",
        path=paths[MIX],
        artist=speaker.artist,
        title=f"{speaker.artist} over {music.title or music.id}",
        package=music.package,
        licence="; ".join(dict.fromkeys(filter(None, (speaker.licence, music.licence)))) or None,
        tags=(*music.tags, *speaker.tags),
        stems={name: paths[name] for name in ("vocals", "accompaniment")},
        split=order.split,
    )


def _excerpt(path: Path, rng: np.random.Generator) -> np.ndarray:
    """A stretch of music that is not silent, stereo, with its ends faded."""
    whole_s = probe(path).duration_s
    duration_s = min(float(rng.uniform(*DURATION_S)), whole_s)
    for _ in range(TRIES):
        offset_s = float(rng.uniform(0, max(whole_s - duration_s, 0.0)))
        y = _stereo(path, offset_s, duration_s)
        if _active_dbfs(y) > SILENT_DBFS and _dbfs(y) > SILENT_DBFS:
            break
    else:
        raise AudioError(path, f"is silent in {TRIES} stretches of {duration_s:.1f} s")
    ramp = np.linspace(0, 1, round(FADE_S * SAMPLE_RATE), dtype=np.float32)
    y[:, : len(ramp)] *= ramp
    y[:, -len(ramp) :] *= ramp[::-1]
    return np.asarray(y * _gain(_active_dbfs(y), MUSIC_DBFS), np.float32)


def _stereo(path: Path, offset_s: float, duration_s: float) -> np.ndarray:
    channels = 1 if probe(path).channels > 2 else None
    y, _ = read(path, sample_rate=SAMPLE_RATE, channels=channels, offset_s=offset_s, duration_s=duration_s)
    return np.repeat(y, 2, axis=0) if len(y) == 1 else y


def _performance(root: Path, utterances: Sequence[Recording], samples: int, rng: np.random.Generator) -> np.ndarray:
    """Utterances of one speaker at one level, one after the other: np.ndarray [2, samples]."""
    voice = np.zeros(samples, np.float32)
    at = round(float(rng.uniform(0, 2)) * SAMPLE_RATE)
    for number in rng.permutation(len(utterances)):
        y = _utterance(root / utterances[number].path)
        if not len(y) or at + len(y) > samples:
            if at + SAMPLE_RATE // 2 > samples:
                break
            continue
        voice[at : at + len(y)] = y
        pause = REST_S if rng.uniform() < REST_SHARE else PAUSE_S
        at += len(y) + round(float(rng.uniform(*pause)) * SAMPLE_RATE)
    if not voice.any():
        raise AudioError(utterances[0].path, f"and the speaker's others do not fit into {samples / SAMPLE_RATE:.1f} s")
    pan = 0.0 if rng.uniform() < CENTRED_SHARE else float(rng.uniform(-MAX_PAN, MAX_PAN))
    angle = np.pi / 4 * (1 + pan)  # equal power: cos^2 + sin^2 = 1
    return np.outer([np.cos(angle), np.sin(angle)], voice).astype(np.float32)


@lru_cache(maxsize=512)
def _utterance(path: Path) -> np.ndarray:
    """One utterance without the silence around it, at `MUSIC_DBFS`: np.ndarray [samples]; empty if all is silence."""
    y, _ = read(path, sample_rate=SAMPLE_RATE, channels=1)
    loud = np.flatnonzero(np.abs(y[0]) > np.abs(y).max(initial=0.0) * 10 ** (SPOKEN_DB / 20))
    if not len(loud) or _dbfs(y) < SILENT_DBFS - 20:
        return np.empty(0, np.float32)
    spoken = y[0, loud[0] : loud[-1] + 1].copy()
    ramp = np.linspace(0, 1, min(round(0.005 * SAMPLE_RATE), len(spoken)), dtype=np.float32)
    spoken[: len(ramp)] *= ramp
    spoken[len(spoken) - len(ramp) :] *= ramp[::-1]
    spoken *= _gain(_active_dbfs(spoken[np.newaxis]), MUSIC_DBFS)
    spoken.setflags(write=False)
    return spoken


def _dbfs(y: np.ndarray) -> float:
    """Level of [channels, samples] in dB against full scale, -120 for silence."""
    return 10 * float(np.log10(max(float(np.mean(np.square(y, dtype=np.float64))), 1e-12)))


def _active_dbfs(y: np.ndarray) -> float:
    """Level of the frames of 50 ms that are within 40 dB of the loudest one: pauses do not count."""
    frame = min(SAMPLE_RATE // 20, y.shape[1])
    frames = y.shape[1] // frame
    power = np.square(y[:, : frames * frame], dtype=np.float64).reshape(len(y), frames, frame).mean((0, 2))
    active = power[power >= power.max() * 1e-4]
    return 10 * float(np.log10(max(float(active.mean()), 1e-12)))


def _gain(from_db: float, to_db: float) -> np.float32:
    return np.float32(10 ** ((to_db - from_db) / 20))
