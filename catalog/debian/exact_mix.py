"""Stems and a mix that is their sum to the last bit."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from audio.files import write
from audio.pcm import FULL_SCALE

MIX = "mix"


def exact_mix(stems: Mapping[str, np.ndarray], peak: float) -> dict[str, np.ndarray]:
    """Stems on the 16-bit grid and their sum, ``mix``.

    Parameters
    ----------
    stems : name to np.ndarray [channels, samples], all of one shape; their relative levels stay.
    peak : above 0 and below 1; if the sum or a stem peaks higher, all are scaled by one factor to bring it there.

    Returns
    -------
    dict
        Name to np.ndarray [channels, samples], float32, whole multiples of 1/32768.
    """
    total = np.sum(list(stems.values()), axis=0, dtype=np.float32)
    highest = max(float(np.abs(y).max(initial=0.0)) for y in (total, *stems.values()))
    factor = np.float32(min(1.0, peak / highest) if highest > 0 else 1.0)
    whole = {name: np.rint(y * factor * np.float32(FULL_SCALE)) for name, y in stems.items()}
    whole[MIX] = np.sum(list(whole.values()), axis=0, dtype=np.float32)
    return {name: (y / np.float32(FULL_SCALE)).astype(np.float32) for name, y in whole.items()}


def write_mix(paths: Mapping[str, Path], audio: Mapping[str, np.ndarray], sample_rate: int) -> None:
    """Write each stem to its path, and the mix last: where it is, the stems are."""
    for name in sorted(paths, key=lambda name: name == MIX):
        write(paths[name], audio[name], sample_rate=sample_rate)
