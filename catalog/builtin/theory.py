"""Scales, chords, progressions and voicings, as pitch classes (0 = C) and MIDI note numbers (60 = middle C)."""

from dataclasses import dataclass

import numpy as np

SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
PITCH_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

# Degrees of the scale, counted from 0, a bar each.
_PROGRESSIONS: dict[tuple[str, str], tuple[tuple[int, ...], ...]] = {
    ("rock", "major"): ((0, 3, 4, 3), (0, 4, 3, 3), (0, 0, 3, 4)),
    ("rock", "minor"): ((0, 5, 6, 0), (0, 3, 0, 6), (0, 6, 5, 6)),
    ("pop", "major"): ((0, 4, 5, 3), (0, 5, 3, 4), (3, 0, 4, 0)),
    ("pop", "minor"): ((0, 5, 2, 6), (0, 3, 5, 4), (5, 6, 0, 0)),
    ("electronic", "major"): ((0, 0, 3, 3), (0, 3, 0, 4), (3, 4, 0, 0)),
    ("electronic", "minor"): ((0, 0, 5, 5), (0, 3, 0, 5), (0, 6, 3, 0)),
    ("jazz", "major"): ((1, 4, 0, 0), (0, 3, 4, 0), (0, 5, 1, 4)),
    ("jazz", "minor"): ((1, 4, 0, 0), (0, 3, 4, 0), (0, 5, 3, 4)),
}


@dataclass(frozen=True)
class Chord:
    """A chord by its `root` (pitch class) and the semitones above it."""

    root: int
    intervals: tuple[int, ...]

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """The chord's notes, 0..11, root first."""
        return tuple((self.root + interval) % 12 for interval in self.intervals)

    @property
    def quality(self) -> str:
        """``major``, ``minor`` or ``other`` by the third and the fifth."""
        third, fifth = self.intervals[1:3]
        return {(4, 7): "major", (3, 7): "minor"}.get((third, fifth), "other")


def chord_on(degree: int, tonic: int, mode: str, *, seventh: bool) -> Chord:
    """Stack thirds of the scale on its `degree` (from 0).

    In minor, the fifth degree takes the major third of the harmonic scale when a seventh is asked for, as in jazz.
    """
    scale = SCALES[mode]
    steps = [
        scale[(degree + third) % 7] + 12 * ((degree + third) // 7) for third in (0, 2, 4, 6)[: 4 if seventh else 3]
    ]
    intervals = [step - steps[0] for step in steps]
    if seventh and mode == "minor" and degree == 4:
        intervals[1] = 4
    return Chord((tonic + steps[0]) % 12, tuple(intervals))


def progression(
    style: str, mode: str, tonic: int, bars: int, rng: np.random.Generator, *, plain: bool = False
) -> tuple[Chord, ...]:
    """Draw a progression of one chord a bar.

    Parameters
    ----------
    style : genre tag; a child such as ``pop/piano`` uses its parent's progressions.
    plain : keep to the chords on degrees I, IV and V, which all have the mode's own quality.
    """
    genre = style.split("/")[0]
    choices = _PROGRESSIONS[genre, mode]
    degrees = choices[int(rng.integers(len(choices)))]
    if plain:
        degrees = tuple({1: 3, 2: 0, 5: 0, 6: 4}.get(degree, degree) for degree in degrees)
    return tuple(chord_on(degrees[bar % len(degrees)], tonic, mode, seventh=genre == "jazz") for bar in range(bars))


def voicing(chord: Chord, centre_midi: float) -> tuple[int, ...]:
    """The chord's notes, each in the octave nearest to `centre_midi`, from low to high."""
    return tuple(sorted(nearest(pitch_class, centre_midi) for pitch_class in chord.pitch_classes))


def nearest(pitch_class: int, midi: float) -> int:
    """The note of `pitch_class` nearest to `midi`."""
    return pitch_class + 12 * round((midi - pitch_class) / 12)


def hertz(midi: float) -> float:
    """Frequency of a MIDI note number; 69 is 440 Hz."""
    return float(440.0 * 2.0 ** ((midi - 69.0) / 12.0))
