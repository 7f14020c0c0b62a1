"""Rhythms: where in a bar of four beats drums are struck, chords are played and basses move."""

import numpy as np

from catalog.builtin.score import Hit

Pattern = tuple[float, ...]

EIGHTHS: Pattern = tuple(step / 2 for step in range(8))
SIXTEENTHS: Pattern = tuple(step / 4 for step in range(16))
OFFBEATS: Pattern = (0.5, 1.5, 2.5, 3.5)

# Hi-hat, ride or shaker by how much is going on.
_PULSE: dict[str | None, Pattern] = {"calm": (0.0, 2.0), None: EIGHTHS, "energetic": SIXTEENTHS}
_BACKBEAT: Pattern = (1.0, 3.0)
_KICKS: dict[str | None, tuple[Pattern, ...]] = {
    "calm": ((0.0,), (0.0, 2.5)),
    None: ((0.0, 2.0), (0.0, 1.5, 2.0), (0.0, 2.0, 2.5)),
    "energetic": (
        (0.0, 0.75, 1.5, 2.0, 2.75, 3.5),
        (0.0, 0.5, 1.5, 2.0, 2.5, 3.5),
        (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5),
    ),
}
_COMPING: dict[str | None, tuple[Pattern, ...]] = {
    "calm": ((0.0,), (0.0, 2.0)),
    None: ((0.0, 1.5, 3.0), (0.0, 1.0, 2.5), (0.0, 1.5, 2.0, 3.5)),
    "energetic": (EIGHTHS, (0.0, 0.5, 0.75, 1.5, 2.0, 2.5, 2.75, 3.5), (0.0, 0.75, 1.0, 1.5, 2.0, 2.75, 3.0, 3.5)),
}


def beat_s(beat: float, tempo_bpm: float, swing: float) -> float:
    """Time of a position in beats.

    Parameters
    ----------
    swing : where the second eighth of a beat falls: 0.5 straight, 0.67 triplets. Other positions bend with it.
    """
    whole = np.floor(beat)
    part = beat - whole
    bent = part * 2 * swing if part < 0.5 else swing + (part - 0.5) * 2 * (1 - swing)
    return float((whole + bent) * 60.0 / tempo_bpm)


def comping(arousal: str | None, rng: np.random.Generator) -> Pattern:
    """Draw the beats of a bar on which chords are struck."""
    choices = _COMPING[arousal]
    return choices[int(rng.integers(len(choices)))]


def drum_bars(
    style: str, valence: str | None, arousal: str | None, bars: int, rng: np.random.Generator
) -> list[tuple[float, str, float]]:
    """Draw the drums of a song.

    Returns
    -------
    strokes : (beat from the song's first bar, drum, velocity), unordered.
    """
    pulse, kicks = _PULSE[arousal], _KICKS[arousal]
    kick = kicks[int(rng.integers(len(kicks)))]
    strokes: list[tuple[float, str, float]] = []

    def add(drum: str, beats: Pattern, velocity: float) -> None:
        strokes.extend((beat, drum, velocity * float(rng.uniform(0.85, 1.0))) for beat in beats)

    force = {"calm": 0.6, None: 0.85, "energetic": 1.0}[arousal]
    for bar in range(bars):
        start = len(strokes)
        last = bar % 4 == 3
        if style.startswith("rock"):
            add("kick", kick, force)
            add("snare", (2.0,) if arousal == "calm" else _BACKBEAT, force)
            add("crash" if arousal == "energetic" and bar % 2 == 0 else "hat", (0.0,), 0.8 * force)
            add(
                "open hat" if arousal == "energetic" else "hat",
                EIGHTHS if arousal == "energetic" else pulse,
                0.55 * force,
            )
            if last and arousal != "calm":
                add("tom", (3.0, 3.25, 3.5, 3.75), 0.8 * force)
        elif style.startswith("pop"):
            add("pop kick", kick, force)
            add("rim" if arousal == "calm" else "clap", _BACKBEAT, 0.9 * force)
            add("shaker", pulse, 0.6 * force)
        elif style == "electronic":
            add("club kick", (0.0, 2.0) if arousal == "calm" else (0.0, 1.0, 2.0, 3.0), 0.9)
            add("open hat", (0.5, 2.5) if arousal == "calm" else OFFBEATS, 0.5 * force)
            if arousal == "energetic":
                add("hat", SIXTEENTHS, 0.5)
                add("snare", _BACKBEAT, 0.6)
        elif style == "electronic/ambient":
            if arousal == "energetic":
                add("hat", SIXTEENTHS, 0.4)
                add("shaker", OFFBEATS, 0.6)
        else:
            busy = {"calm": (), None: (1.5, 3.5), "energetic": (0.5, 1.5, 2.5, 3.5)}[arousal]
            add("ride", (0.0, 1.0, 2.0, 3.0, *busy), 0.6 * force)
            add("brush" if arousal == "calm" else "hat", _BACKBEAT, 0.6)
            if arousal == "energetic":
                add("snare", tuple(beat for beat in SIXTEENTHS if rng.random() < 0.3), 0.45)
                add("pop kick", (0.0, 2.5), 0.6)
        if valence == "happy":
            add("tambourine", OFFBEATS, 0.8)
        strokes[start:] = [(bar * 4 + beat, drum, velocity) for beat, drum, velocity in strokes[start:]]
    return strokes


def as_hits(
    strokes: list[tuple[float, str, float]], *, start_s: float, tempo_bpm: float, swing: float, rng: np.random.Generator
) -> tuple[Hit, ...]:
    """Set strokes into time, each up to 5 ms early or late."""
    return tuple(
        Hit(max(0.0, start_s + beat_s(beat, tempo_bpm, swing) + float(rng.uniform(-0.005, 0.005))), drum, velocity)
        for beat, drum, velocity in sorted(strokes)
    )
