"""Where a damaged decode differs from the undamaged one, and where its timeline shrank.

A codec that lost data says nothing of what is heard: a decoder may mute, repeat, invent, or leave out, and goes on with
old state for a while. So the two decodes are laid side by side. Where they part, the place is searched where they run
together again: at the same distance, or nearer to the end of the undamaged one by what was left out.
"""

from dataclasses import dataclass

import numpy as np
import scipy.signal

BLOCK = 256
WINDOW = 4096
TOLERANCE = 0.01
ALIKE = 0.93
EQUAL = 0.995
BETTER = (
    0.003  # by how much another distance must be more alike than the old one: tones are like themselves a period on
)
SEARCHED = 4  # other distances are tried every so many blocks
SILENT = 1e-4
LONGEST_S = 1.5
JOINED_S = 0.05


@dataclass(frozen=True)
class Difference:
    """Samples `start` to `stop` of the damaged signal that are not those of the reference.

    Attributes
    ----------
    reference_start : where the two part, in samples of the reference.
    removed : samples of the reference that were left out here; below 0 where some were put in.
    """

    start: int
    stop: int
    reference_start: int
    removed: int


def differences(reference: np.ndarray, damaged: np.ndarray, rate: int) -> tuple[Difference, ...]:
    """Every stretch in which `damaged` is not `reference`.

    Blocks of `BLOCK` samples differ where the difference has more than `TOLERANCE` of the power (-20 dB): less is
    hidden by the music. They run together again where `WINDOW` samples correlate by `ALIKE`.

    Parameters
    ----------
    reference, damaged : np.ndarray [samples], float32; of the same decoder
    rate : Hz

    Returns
    -------
    tuple of Difference
        In order; those less than `JOINED_S` apart are one. A rest that never runs together again is one that ends with
        the signal, with nothing removed.
    """
    found: list[Difference] = []
    at = lag = 0
    while (start := _first_difference(reference, damaged, at, lag)) is not None:
        stop, new_lag = _together_again(reference, damaged, start, lag, rate)
        difference = Difference(start, stop, start + lag, new_lag - lag)
        if found and start - found[-1].stop < JOINED_S * rate:
            before = found.pop()
            difference = Difference(before.start, stop, before.reference_start, before.removed + difference.removed)
        found.append(difference)
        at, lag = stop, new_lag
    return tuple(found)


def _first_difference(reference: np.ndarray, damaged: np.ndarray, at: int, lag: int) -> int | None:
    """The first block from `at` on that differs at this lag."""
    blocks = min(len(damaged) - at, len(reference) - at - lag) // BLOCK
    if blocks <= 0:
        return None
    ours = damaged[at : at + blocks * BLOCK].reshape(blocks, BLOCK)
    theirs = reference[at + lag : at + lag + blocks * BLOCK].reshape(blocks, BLOCK)
    error = np.sum(np.square(ours - theirs), axis=1)
    differs = error > TOLERANCE * np.sum(np.square(theirs), axis=1) + BLOCK * SILENT**2
    return at + int(np.argmax(differs)) * BLOCK if differs.any() else None


def _together_again(reference: np.ndarray, damaged: np.ndarray, start: int, lag: int, rate: int) -> tuple[int, int]:
    """Where the signals run together again, in samples of the damaged one, and the lag from there on."""
    longest = round(LONGEST_S * rate)
    for number, at in enumerate(range(start + BLOCK, len(damaged) - WINDOW + 1, BLOCK)):
        ours = damaged[at : at + WINDOW]
        energy = float(np.sum(np.square(ours)))
        if energy <= WINDOW * SILENT**2:
            continue
        same = _correlations(ours, reference[at + lag : at + lag + WINDOW], energy)
        if len(same) and same[0] >= EQUAL:
            return at, lag
        if number % SEARCHED:
            continue
        first = max(0, start + lag)
        theirs = reference[first : at + lag + longest + WINDOW]
        alike = _correlations(ours, theirs, energy)
        if not len(alike):
            break
        best = int(np.argmax(alike))
        if len(same) and same[0] >= max(ALIKE, alike[best] - BETTER):
            return at, lag
        if alike[best] >= ALIKE:
            return at, first + best - at
    return len(damaged), lag


def _correlations(ours: np.ndarray, theirs: np.ndarray, energy: float) -> np.ndarray:
    """Normalised correlation of `ours` [w] with `theirs` [n] at every place: np.ndarray [n - w + 1]."""
    if len(theirs) < len(ours):
        return np.zeros(0)
    products = scipy.signal.correlate(theirs, ours, "valid", "auto")
    sums = np.cumsum(np.concatenate([[0.0], np.square(theirs, dtype=np.float64)]))
    powers = sums[len(ours) :] - sums[: -len(ours)]
    floor = len(ours) * SILENT**2
    return np.asarray(products / np.sqrt(np.maximum(powers, floor) * energy))
