"""Signals and files that the tests of `audio` share."""

from pathlib import Path

import numpy as np
import soundfile

SAMPLE_RATE = 44_100
FORMATS = {
    "wav": ("WAV", "PCM_16", 44_100),
    "flac": ("FLAC", "PCM_16", 44_100),
    "mp3": ("MP3", "MPEG_LAYER_III", 44_100),
    "ogg": ("OGG", "VORBIS", 44_100),
    "opus": ("OGG", "OPUS", 48_000),
}


def song(duration_s: float = 4.0, sample_rate: int = SAMPLE_RATE, channels: int = 2, seed: int = 0) -> np.ndarray:
    """Plucked notes over noise, peak 0.5: np.ndarray [channels, samples], float32."""
    rng = np.random.default_rng(seed)
    samples = round(duration_s * sample_rate)
    t = np.arange(samples) / sample_rate
    y = 0.02 * rng.standard_normal((channels, samples)) * np.exp(-8 * (t % 0.5))
    for channel in y:
        for begin in np.arange(0, duration_s, 0.25):
            note = slice(round(begin * sample_rate), round((begin + 0.25) * sample_rate))
            frequency = 110 * 2 ** (rng.integers(0, 36) / 12)
            for harmonic in range(1, 6):
                channel[note] += (
                    np.sin(2 * np.pi * harmonic * frequency * t[note]) / harmonic * np.exp(-4 * (t[note] % 0.25))
                )
    return (0.5 * y / np.abs(y).max()).astype(np.float32)


def sine(frequency: float, duration_s: float, sample_rate: int, level: float = 0.5) -> np.ndarray:
    """np.ndarray [1, samples], float32."""
    t = np.arange(round(duration_s * sample_rate)) / sample_rate
    return (level * np.sin(2 * np.pi * frequency * t)).astype(np.float32)[np.newaxis]


def encode(path: Path, y: np.ndarray, suffix: str, **options: object) -> Path:
    """Write with libsndfile directly, second by second."""
    container, subtype, sample_rate = FORMATS[suffix]
    with soundfile.SoundFile(path, "w", sample_rate, y.shape[0], subtype, format=container, **options) as file:
        for begin in range(0, y.shape[1], sample_rate):
            file.write(y[:, begin : begin + sample_rate].T)
    return path


def patched(path: Path, source: Path, offset: int, data: bytes) -> Path:
    """A copy of ``source`` whose bytes from ``offset`` on are ``data``."""
    content = bytearray(source.read_bytes())
    content[offset : offset + len(data)] = data
    path.write_bytes(content)
    return path
