"""Key of a short excerpt."""

from functools import cache

import librosa
import numpy as np

from audio.spectra_np import stft

SAMPLE_RATE = 16_000
N_FFT = 4096
HOP_LENGTH = 4096
NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
# How well each tone fits a key, from its tonic upwards: probe-tone ratings.
# Krumhansl and Kessler 1982, as in Krumhansl, Cognitive Foundations of Musical Pitch, 1990, table 2.1.
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
KEYS = tuple(f"{name} {mode}" for mode in ("major", "minor") for name in NAMES)


@cache
def _profiles() -> np.ndarray:
    """The profile of each of `KEYS`, centred and of norm one: np.ndarray [24, 12]."""
    profiles = np.array([np.roll(mode, tonic) for mode in (MAJOR, MINOR) for tonic in range(12)])
    profiles -= profiles.mean(axis=1, keepdims=True)
    return profiles / np.linalg.norm(profiles, axis=1, keepdims=True)


@cache
def _chroma_matrix() -> np.ndarray:
    """The chroma filters of librosa for A = 440 Hz: np.ndarray [bins, 12]."""
    return librosa.filters.chroma(sr=SAMPLE_RATE, n_fft=N_FFT, tuning=0.0).T


def key_of(chroma: np.ndarray) -> str | None:
    """The key whose profile correlates best with a chroma vector (Krumhansl and Schmuckler).

    Parameters
    ----------
    chroma : np.ndarray [12], energy of each pitch class from C on

    Returns
    -------
    str like ``C major`` or ``F# minor``; None where all classes are alike.
    """
    centred = chroma - chroma.mean()
    if np.linalg.norm(centred) <= 1e-6 * max(float(np.abs(chroma).max()), 1e-12):
        return None
    return KEYS[int(np.argmax(_profiles() @ centred))]


def key(y: np.ndarray) -> str | None:
    """The key of an excerpt, tuned to A = 440 Hz give or take a quarter tone.

    Parameters
    ----------
    y : np.ndarray [samples], float32, at 16 kHz

    Returns
    -------
    str or None, as `key_of`; None for silence or below a second.
    """
    if len(y) < SAMPLE_RATE or not np.any(y):
        return None
    spectrum = stft(y, n_fft=N_FFT, hop_length=HOP_LENGTH)
    chroma = (spectrum.real**2 + spectrum.imag**2) @ _chroma_matrix()
    return key_of(librosa.util.normalize(chroma, axis=1).mean(axis=0))
