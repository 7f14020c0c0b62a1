"""The orchestra: every instrument by name, and how a part is played on it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from catalog.builtin import plucked, sustained
from catalog.builtin.artists import Timbre
from catalog.builtin.oscillators import SAMPLE_RATE, Sound, band_pass
from catalog.builtin.score import Part
from catalog.builtin.theory import hertz

Instrument = Callable[[float, float, Timbre, np.random.Generator], Sound]

INSTRUMENTS: Mapping[str, Instrument] = {
    "piano": plucked.piano,
    "clean guitar": plucked.clean_guitar,
    "acoustic guitar": plucked.acoustic_guitar,
    "jazz guitar": plucked.jazz_guitar,
    "distorted guitar": plucked.raw_guitar,
    "electric bass": plucked.electric_bass,
    "upright bass": plucked.upright_bass,
    "bells": plucked.bells,
    "supersaw": sustained.supersaw,
    "acid synth": sustained.acid_synth,
    "synth bass": sustained.synth_bass,
    "square lead": sustained.square_lead,
    "pad": sustained.pad,
    "drone": sustained.drone,
    "flute": sustained.flute,
    "horn": sustained.horn,
    "cello": sustained.cello,
}

# RMS while it plays, before the part's own level: what makes a mix balanced.
_LEVELS_DB = {
    "piano": -16,
    "distorted guitar": -14,
    "clean guitar": -15,
    "acoustic guitar": -13,
    "jazz guitar": -14,
    "electric bass": -15,
    "upright bass": -14,
    "synth bass": -15,
    "drone": -17,
    "bells": -19,
    "flute": -16,
    "horn": -18,
    "cello": -17,
}
_LEVEL_DB = -18.0


def play(part: Part, timbre: Timbre, force: float, count: int, rng: np.random.Generator) -> Sound:
    """Play a part.

    Notes of one pitch and nearly one length are played once and repeated.

    Parameters
    ----------
    force : -1..1; hard playing is brighter.
    count : samples of the song.

    Returns
    -------
    y : np.ndarray [shape=(count,)]
        At the RMS that belongs to the instrument.
    """
    touched = replace(timbre, brightness=timbre.brightness + 0.35 * force)
    instrument = INSTRUMENTS[part.instrument]
    played: dict[tuple[int, int], Sound] = {}
    y = np.zeros(count, np.float32)
    for note in part.notes:
        key = (note.midi, round(note.duration_s * 20))
        if key not in played:
            played[key] = instrument(hertz(note.midi), max(key[1], 1) / 20, touched, rng)
        start = round(note.start_s * SAMPLE_RATE)
        sound = played[key][: count - start]
        y[start : start + len(sound)] += np.float32(note.velocity) * sound
    if part.instrument == "distorted guitar":
        y = drive(y, timbre)
    level = 10 ** ((part.level_db + _LEVELS_DB.get(part.instrument, _LEVEL_DB)) / 20)
    return y * np.float32(level / _active_rms(y))


def drive(y: Sound, timbre: Timbre) -> Sound:
    """An overdriven amplifier: saturation, then a loudspeaker that goes from 90 Hz to 6 kHz."""
    gain = (18 + 30 * timbre.colour) / max(float(np.abs(y).max()), 1e-6)
    clipped = np.tanh(np.float32(gain) * y + np.float32(0.15)) - np.float32(np.tanh(0.15))
    return band_pass(clipped, 90, 6000)


def _active_rms(y: Sound) -> float:
    """RMS of the blocks of 2048 samples in which there is something."""
    blocks = np.square(y[: len(y) // 2048 * 2048].reshape(-1, 2048)).mean(axis=1)
    loud = blocks[blocks > 1e-3 * blocks.max(initial=0.0)]
    return float(np.sqrt(loud.mean())) if loud.size else 1.0
