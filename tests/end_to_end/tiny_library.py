"""A library that a small model learns in seconds: what is heard decides the tags, artists differ in level and pitch."""

from pathlib import Path

import numpy as np

from audio.files import write
from catalog.format import Catalog, Recording

SAMPLE_RATE = 16_000
ARTISTS = 12
SONGS = 6
SPLITS = ("train",) * 6 + ("validation",) * 3 + ("eval",) * 3
TAGS = ("tone", "tone/high", "noise")


def make_library(folder: Path, *, seed: int = 0, songs: int = SONGS) -> Path:
    """Writes ``catalog.csv`` and the recordings (2.5 to 4 s, mono wav); answers the catalog."""
    rng = np.random.default_rng(seed)
    (folder / "audio").mkdir(parents=True)
    songs_of = [_song(folder, rng, artist, song) for artist in range(ARTISTS) for song in range(songs)]
    return write_catalog(folder, songs_of)


def write_catalog(folder: Path, recordings: list[Recording]) -> Path:
    """Writes ``catalog.csv`` for `recordings`."""
    return Catalog.write(folder / "catalog.csv", "tiny", recordings).path


def _song(folder: Path, rng: np.random.Generator, artist: int, song: int) -> Recording:
    tone, high, noise = [(1, 0, 0), (1, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 0, 0)][song % 6]
    time = np.arange(int(SAMPLE_RATE * rng.uniform(2.5, 4.0))) / SAMPLE_RATE
    frequency = (2500 if high else 350) * rng.uniform(0.8, 1.25)
    wave = tone * 0.3 * np.sin(2 * np.pi * frequency * time + rng.uniform(0, 6))
    wave += noise * 0.1 * rng.standard_normal(time.size) + 0.02 * np.sin(2 * np.pi * 60 * time)
    wave *= 0.5 + artist / ARTISTS
    path = f"audio/{artist:02d}-{song:02d}.wav"
    write(folder / path, wave[None].astype(np.float32), sample_rate=SAMPLE_RATE)
    tags = [tag for tag, on in zip(TAGS, (tone, tone and high, noise), strict=True) if on]
    return Recording(
        id=f"song-{artist:02d}-{song:02d}",
        path=path,
        artist=f"artist {artist}",
        tags=tuple(tags),
        lyrics=None if song % 3 == 0 else "la la" if song % 3 == 1 else "",
        language="en",
        split=SPLITS[artist],
    )
