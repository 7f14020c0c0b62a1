"""A library whose defects a small model learns in seconds: chords with clicks, bursts and gaps in each combination."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from audio.damage.bursts import add_bursts
from audio.damage.clicks import add_clicks
from audio.damage.dropouts import add_dropouts
from audio.files import write
from catalog.damage.excerpt import events_of
from catalog.format import Catalog, Recording

RATE = 32_000
DURATION_S = 4.0
ARTISTS = 12
SONGS = 8
SPLITS = ("train",) * 6 + ("validation",) * 3 + ("eval",) * 3
TAGS = ("click", "dropout", "burst")
Relabel = Callable[[Recording], tuple[str, ...]]


def chord(artist: int, song: int) -> np.ndarray:
    """What nobody has damaged: float32 [samples]."""
    rng = np.random.default_rng([artist, song])
    time = np.arange(round(DURATION_S * RATE)) / RATE
    y = sum(np.sin(2 * np.pi * frequency * time + rng.random()) for frequency in rng.uniform(150, 2500, 6))
    swell = 1.0 + 0.3 * np.sin(2 * np.pi * rng.uniform(0.2, 2.0) * time)
    return (0.05 * y * swell + 0.002 * rng.standard_normal(len(time))).astype(np.float32)


def make_defects(folder: Path, *, relabel: Relabel | None = None) -> Path:
    """Writes ``catalog.csv`` and the recordings; `relabel` says what the learnt splits' labels claim."""
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    rows = [_recording(folder, artist, song) for artist in range(ARTISTS) for song in range(SONGS)]
    if relabel is not None:
        rows = [
            row.model_copy(update={"tags": relabel(row), "labels": ()}) if row.split in SPLITS[:9] else row
            for row in rows
        ]
    return Catalog.write(folder / "catalog.csv", "tiny", rows).path


def _recording(folder: Path, artist: int, song: int) -> Recording:
    rng = np.random.default_rng([1, artist, song])
    y, regions = chord(artist, song), []
    for present, damage in ((song & 4, add_clicks), (song & 2, add_bursts), (song & 1, add_dropouts)):
        if present:
            damaged = damage(y, RATE, rng)
            y = damaged.y
            regions += damaged.regions
    path = f"audio/{artist:02d}-{song:02d}.wav"
    write(folder / path, y[np.newaxis], sample_rate=RATE)
    events = events_of(regions, len(y), RATE)
    return Recording(
        id=f"song-{artist:02d}-{song:02d}",
        path=path,
        artist=f"artist {artist}",
        tags=tuple(dict.fromkeys(event.event for event in events)),
        labels=events,
        split=SPLITS[artist],
    )
