"""From chords to the notes of every instrument."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from catalog.builtin.rhythms import EIGHTHS, OFFBEATS, SIXTEENTHS, Pattern, beat_s, comping
from catalog.builtin.score import Note, Part
from catalog.builtin.theory import SCALES, Chord, nearest, voicing


class _Band(NamedTuple):
    """What a style plays its chords, its bass and its tunes on."""

    chords: str
    bass: str
    lead: str


_BANDS = {
    "rock": _Band("clean guitar", "electric bass", "clean guitar"),
    "rock/distorted": _Band("distorted guitar", "electric bass", "distorted guitar"),
    "pop/piano": _Band("piano", "electric bass", "piano"),
    "pop/synth": _Band("supersaw", "synth bass", "square lead"),
    "electronic": _Band("acid synth", "synth bass", "square lead"),
    "electronic/ambient": _Band("pad", "drone", "square lead"),
    "jazz": _Band("piano", "upright bass", "horn"),
}


@dataclass(frozen=True)
class Setting:
    """What all parts of a song share."""

    style: str
    valence: str | None
    arousal: str | None
    instruments: frozenset[str]
    tempo_bpm: float
    swing: float
    start_s: float
    tonic: int
    mode: str
    chords: tuple[Chord, ...]
    sung: bool

    def note(self, beat: float, beats: float, midi: int, velocity: float, late_s: float = 0.0) -> Note:
        """A note from `beat` on that lasts `beats`."""
        start = self.start_s + beat_s(beat, self.tempo_bpm, self.swing) + late_s
        return Note(start, beats * 60.0 / self.tempo_bpm, midi, velocity)


def arrange(setting: Setting, rng: np.random.Generator) -> tuple[Part, ...]:
    """Write every part but drums and voice."""
    parts: list[Part] = []

    def add(instrument: str, notes: Iterable[Note], level_db: float) -> None:
        written = tuple(notes)
        if written:
            parts.append(Part(instrument, written, level_db + float(rng.uniform(-1.5, 1.5)), float(rng.uniform(-1, 1))))

    style, jazz_guitar = setting.style, setting.style == "jazz" and "piano" not in setting.instruments
    chords = "jazz guitar" if jazz_guitar else _BANDS[style].chords
    if style == "electronic" or (style == "electronic/ambient" and setting.arousal == "energetic"):
        add("acid synth", _arpeggio(setting, rng), -3)
    if style != "electronic":
        add(chords, _comp(setting, chords, rng), 0)
    add(_BANDS[style].bass, _bass(setting, rng), 1)
    if "piano" in setting.instruments and chords != "piano":
        add("piano", _comp(setting, "piano", rng), 0)
    if "guitar" in setting.instruments and not chords.endswith("guitar"):
        name = "jazz guitar" if style == "jazz" else "acoustic guitar"
        add(name, _picking(setting, rng), 0)
    if "flute" in setting.instruments:
        add("flute", _tune(setting, 79, rng, long=True), 1)
    if setting.valence == "happy":
        add("bells", _bells(setting, rng), -3)
    if setting.valence == "sad":
        add("cello", _lament(setting, rng), 0)
    if style == "jazz":
        add("horn", _tune(setting, 64, rng, long=False), -1 if not setting.sung else -5)
    elif not setting.sung:
        add(_BANDS[style].lead, _tune(setting, 74, rng, long=False), 0)
    return tuple(parts)


def _touch(setting: Setting) -> tuple[float, float]:
    """(velocity, share of its time that a note sounds)."""
    velocity = {"calm": 0.6, None: 0.8, "energetic": 1.0}[setting.arousal]
    return velocity, {"happy": 0.5, None: 0.85, "sad": 1.05}[setting.valence]


def _bars(setting: Setting, pattern: Callable[[int], Pattern]) -> Iterable[tuple[Chord, float, float]]:
    """(chord, beat, beats to the next stroke) of every stroke of the song."""
    for bar, chord in enumerate(setting.chords):
        beats = pattern(bar)
        for beat, following in zip(beats, (*beats[1:], 4.0), strict=True):
            yield chord, bar * 4 + beat, following - beat


def _comp(setting: Setting, instrument: str, rng: np.random.Generator) -> Iterable[Note]:
    rhythm = comping(setting.arousal, rng)
    if setting.valence == "happy" and setting.arousal != "energetic" and instrument != "pad":
        rhythm = tuple(sorted({0.0, *OFFBEATS} if setting.arousal is None else {0.0, 1.5, 2.5}))
    if instrument == "pad":
        rhythm = (0.0,)
    velocity, share = _touch(setting)
    centre = {"distorted guitar": 47, "clean guitar": 57, "pad": 60}.get(instrument, 62) + int(rng.integers(-2, 3))
    strum_s = 0.016 if instrument.endswith("guitar") else 0.003
    for number, (chord, beat, beats) in enumerate(_bars(setting, lambda bar: rhythm)):
        notes = voicing(chord, centre)
        if instrument == "distorted guitar":
            root = nearest(chord.root, 43)
            notes = (root, root + 7, root + 12)
        elif instrument.endswith("guitar"):
            notes = (nearest(chord.root, centre - 10), *notes, notes[0] + 12)
        elif instrument == "piano":
            notes = (nearest(chord.root, 45), *notes) if beat % 4 == 0 else notes
        order = notes if number % 2 == 0 else notes[::-1]
        for place, midi in enumerate(order):
            sounding = beats * (1.0 if instrument == "pad" else share)
            yield setting.note(beat, sounding, midi, velocity * float(rng.uniform(0.85, 1.0)), place * strum_s)


def _arpeggio(setting: Setting, rng: np.random.Generator) -> Iterable[Note]:
    steps = {"calm": (0.0, 1.0, 2.0, 3.0), None: EIGHTHS, "energetic": SIXTEENTHS}[setting.arousal]
    velocity, share = _touch(setting)
    shape = [int(value) for value in rng.permutation(4)]
    for number, (chord, beat, beats) in enumerate(_bars(setting, lambda bar: steps)):
        low = voicing(chord, 57)
        notes = (*low, low[0] + 12)
        yield setting.note(
            beat, beats * share, notes[shape[number % 4] % len(notes)], velocity * float(rng.uniform(0.7, 1.0))
        )


def _bass(setting: Setting, rng: np.random.Generator) -> Iterable[Note]:
    velocity, share = _touch(setting)
    style = setting.style
    if style == "jazz":
        walk: Pattern = (0.0, 2.0) if setting.arousal == "calm" else (0.0, 1.0, 2.0, 3.0)
    elif style == "electronic/ambient":
        walk = (0.0,)
    elif style == "electronic":
        walk = OFFBEATS if setting.arousal != "calm" else (0.5, 2.5)
    else:
        walk = {"calm": (0.0,), None: (0.0, 1.5, 2.0, 3.5), "energetic": EIGHTHS}[setting.arousal]
    for chord, beat, beats in _bars(setting, lambda bar: walk):
        pitch_class = chord.root
        if style == "jazz" and beat % 4:
            pitch_class = int(rng.choice(chord.pitch_classes))
        octave = 12 if style.startswith("pop") and beat % 1 and setting.arousal == "energetic" else 0
        sounding = beats * (max(share, 0.8) if style != "electronic" else 0.8)
        yield setting.note(beat, sounding, nearest(pitch_class, 37) + octave, velocity)


def _picking(setting: Setting, rng: np.random.Generator) -> Iterable[Note]:
    steps = {"calm": (0.0, 1.0, 2.0, 3.0), None: EIGHTHS, "energetic": SIXTEENTHS}[setting.arousal]
    velocity, _ = _touch(setting)
    shape = [0, 2, 1, 3] if rng.random() < 0.5 else [0, 1, 2, 3]
    for number, (chord, beat, _) in enumerate(_bars(setting, lambda bar: steps)):
        notes = (nearest(chord.root, 45), *voicing(chord, 62))
        yield setting.note(beat, 1.5, notes[shape[number % 4]], velocity * float(rng.uniform(0.8, 1.0)))


def _tune(setting: Setting, centre: int, rng: np.random.Generator, *, long: bool) -> Iterable[Note]:
    """A walk over the scale that comes to rest on notes of the chord; sad tunes fall, happy ones rise."""
    rhythms: dict[str | None, tuple[Pattern, ...]] = {
        "calm": ((0.0, 2.0), (0.0, 3.0)),
        None: ((0.0, 1.0, 1.5, 2.0, 3.0), (0.0, 1.5, 2.0, 3.0)),
        "energetic": (EIGHTHS, (0.0, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5)),
    }
    choices = rhythms[None if long and setting.arousal == "energetic" else setting.arousal]
    scale = [(setting.tonic + step) % 12 for step in SCALES[setting.mode]]
    velocity, share = _touch(setting)
    drift = {"happy": 1, None: 0, "sad": -1}[setting.valence]
    start = nearest(setting.chords[0].root, centre - 4 * drift)
    midi = start
    for bar, chord in enumerate(setting.chords):
        rhythm = choices[int(rng.integers(len(choices)))]
        for beat, following in zip(rhythm, (*rhythm[1:], 4.0), strict=True):
            if beat == 0.0:
                midi = nearest(int(rng.choice(chord.pitch_classes[:3])), centre - 4 * drift)
            yield setting.note(
                bar * 4 + beat, (following - beat) * (0.95 if long else min(share, 0.95)), midi, velocity
            )
            midi = _step(midi, int(rng.choice((-1, 1, 2, -2))) + drift, scale)
            midi = midi - 12 if midi > centre + 11 else midi + 12 if midi < centre - 11 else midi


def _step(midi: int, steps: int, scale: list[int]) -> int:
    """Move by `steps` notes of the scale."""
    direction = 1 if steps > 0 else -1
    for _ in range(abs(steps)):
        midi += direction
        while midi % 12 not in scale:
            midi += direction
    return midi


def _bells(setting: Setting, rng: np.random.Generator) -> Iterable[Note]:
    steps: Pattern = (0.0, 1.5, 2.5) if setting.arousal == "calm" else (0.0, 0.5, 1.5, 2.0, 2.5, 3.5)
    for number, (chord, beat, _) in enumerate(_bars(setting, lambda bar: steps)):
        notes = voicing(chord, 88)
        yield setting.note(beat, 1.0, notes[(number + int(rng.integers(2))) % len(notes)], 0.8)


def _lament(setting: Setting, rng: np.random.Generator) -> Iterable[Note]:
    """A slow line that falls through each chord, a note every two beats."""
    for bar, chord in enumerate(setting.chords):
        notes = voicing(chord, 53)[::-1]
        for half in range(2):
            yield setting.note(bar * 4 + half * 2, 2.1, notes[min(half, len(notes) - 1)], float(rng.uniform(0.8, 1.0)))
