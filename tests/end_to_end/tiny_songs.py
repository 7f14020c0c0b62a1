"""A library of two stems that a small model separates in seconds: a gliding voice with overtones over bass and hiss."""

from pathlib import Path

import numpy as np

from audio.files import write
from catalog.format import Catalog
from catalog.recording import Recording

SAMPLE_RATE = 16_000
ARTISTS = 12
SONGS = 3
SPLITS = ("train",) * 7 + ("validation",) * 2 + ("eval",) * 3
TAGS = ("slow", "fast")
STEMS = ("vocals", "accompaniment")


def make_songs(folder: Path, *, everything: str | None = None) -> Path:
    """Writes ``catalog.csv``, mixes and stems of 4 s (mono wav); answers the catalog.

    Parameters
    ----------
    everything : a stem that in the songs of train and validation is the whole song, as if somebody had exported the
        wrong track; the other stem is a faint copy of it. The eval songs have true stems.
    """
    recordings = [_song(folder, artist, song, everything) for artist in range(ARTISTS) for song in range(SONGS)]
    return Catalog.write(folder / "catalog.csv", "tiny", recordings).path


def stems(artist: int, song: int) -> tuple[np.ndarray, np.ndarray]:
    """Voice and accompaniment, float32 [samples] each."""
    rng = np.random.default_rng((artist, song))
    time = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    beat = 1.0 + song % 2
    pitch = rng.uniform(300, 500) * (1 + 0.1 * np.sin(2 * np.pi * beat * time))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    voice = sum(np.sin(harmonic * phase) / harmonic for harmonic in (1, 2, 3, 5))
    voice *= 0.1 * (np.sin(2 * np.pi * beat * time + rng.uniform(0, 6)) > -0.6)
    bass = 0.15 * np.sin(2 * np.pi * rng.uniform(50, 120) * time) * (1 + 0.5 * np.sin(2 * np.pi * 2 * beat * time))
    return voice.astype(np.float32), (bass + 0.04 * rng.standard_normal(time.size)).astype(np.float32)


def _song(folder: Path, artist: int, song: int, everything: str | None) -> Recording:
    place = f"songs/{artist:02d}-{song:02d}"
    (folder / place).mkdir(parents=True, exist_ok=True)
    voice, accompaniment = stems(artist, song)
    if everything is not None and SPLITS[artist] in ("train", "validation"):
        song_itself = voice + accompaniment
        voice, accompaniment = (song_itself * np.float32(1 if stem == everything else 0.03) for stem in STEMS)
    for name, y in (("mix", voice + accompaniment), ("vocals", voice), ("accompaniment", accompaniment)):
        write(folder / place / f"{name}.wav", y[np.newaxis], sample_rate=SAMPLE_RATE)
    return Recording(
        id=f"song-{artist:02d}-{song:02d}",
        path=f"{place}/mix.wav",
        artist=f"artist {artist}",
        tags=(TAGS[song % 2],),
        stems={name: f"{place}/{name}.wav" for name in STEMS},
        split=SPLITS[artist],
    )
