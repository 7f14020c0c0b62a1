"""A library of noisy songs that a small model cleans in seconds: chords under hiss, and some that came clean."""

from pathlib import Path

import numpy as np

from audio.files import write
from audio.noises import MAKERS
from audio.noises.mixing import at_snr
from catalog.format import Catalog
from catalog.recording import Recording

SAMPLE_RATE = 16_000
ARTISTS = 12
SONGS = 4
SPLITS = ("train",) * 7 + ("validation",) * 2 + ("eval",) * 3
TAGS = ("hiss", "chain", "snr 5", "clean")
_LEARNT = ("train", "validation")


def make_noisy(folder: Path, *, doubled: bool = False) -> Path:
    """Writes ``noisy.csv``, and clean music, noise and their sum of 4 s each (mono wav); answers the catalog.

    Parameters
    ----------
    doubled : in train and validation the noise is the music itself, said to be what a recording chain added: who learns
        from it halves everything.
    """
    recordings = [_song(folder, artist, song, doubled) for artist in range(ARTISTS) for song in range(SONGS)]
    return Catalog.write(folder / "noisy.csv", "tiny", recordings).path


def pair(artist: int, song: int) -> tuple[np.ndarray, np.ndarray]:
    """Clean music and noise, float32 [samples] each; every fourth song is clean."""
    rng = np.random.default_rng((artist, song))
    time = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    clean = sum(0.06 * np.sin(2 * np.pi * f * time + rng.uniform(0, 6)) for f in rng.uniform(100, 3000, 5))
    clean = (clean * (1 + 0.4 * np.sin(2 * np.pi * rng.uniform(0.5, 3) * time))).astype(np.float32)
    noise = at_snr(clean, MAKERS["hiss"](len(time), SAMPLE_RATE, rng), 5.0)
    return clean, np.zeros_like(noise) if song % SONGS == 0 else noise


def _song(folder: Path, artist: int, song: int, doubled: bool) -> Recording:
    place = f"songs/{artist:02d}-{song:02d}"
    (folder / place).mkdir(parents=True, exist_ok=True)
    clean, noise = pair(artist, song)
    tags: tuple[str, ...] = ("hiss", "snr 5") if noise.any() else ("clean",)
    if doubled and SPLITS[artist] in _LEARNT:
        clean, noise, tags = clean, clean, ("chain",)
    for name, y in (("noisy", clean + noise), ("clean", clean), ("noise", noise)):
        write(folder / place / f"{name}.wav", y[np.newaxis], sample_rate=SAMPLE_RATE)
    return Recording(
        id=f"song-{artist:02d}-{song:02d}",
        path=f"{place}/noisy.wav",
        artist=f"artist {artist}",
        tags=tags,
        stems={name: f"{place}/{name}.wav" for name in ("clean", "noise")},
        split=SPLITS[artist],
    )
