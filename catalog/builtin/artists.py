"""Artists: a voice, a hand on the instruments, a studio and a language of their own.

Splits are made by artist, so whatever an artist does not share with others is what a tagging model must not lean on.
"""

from dataclasses import dataclass

import numpy as np

_NAME_STARTS = (
    "Al",
    "Bo",
    "Ca",
    "Du",
    "Es",
    "Fi",
    "Ga",
    "Ho",
    "Iv",
    "Jo",
    "Ka",
    "Lu",
    "Me",
    "No",
    "Or",
    "Pe",
    "Ru",
    "Si",
    "Ta",
    "Vi",
)
_NAME_MIDDLES = ("ra", "li", "mo", "ne", "du", "vi", "sto", "ber", "lan", "qui")
_NAME_ENDS = ("n", "ro", "ska", "tte", "ve", "x", "lo", "mi", "ndra", "th")
_BANDS = ("{}", "{} & Co.", "The {}s", "{} Trio", "{} Ensemble")


@dataclass(frozen=True)
class Voice:
    """How an artist sings.

    Attributes
    ----------
    centre_midi : middle of the range, MIDI note number.
    tract : factor on all formants; above 1 for a vocal tract shorter than 17 cm.
    tilt : spectral slope of the glottal pulse: harmonic k has amplitude k**-tilt.
    breath : level of aspiration noise beside the voiced source, 0..1.
    glide_s : time constant of the portamento.
    """

    centre_midi: float
    tract: float
    tilt: float
    breath: float
    vibrato_hz: float
    vibrato_cents: float
    glide_s: float


@dataclass(frozen=True)
class Timbre:
    """How an artist's instruments sound; 0 and 1 are neutral.

    Attributes
    ----------
    brightness : exponent added to the fall of the harmonics, about -0.4 (dark) to 0.4 (bright).
    detune_cents : spread of doubled strings and oscillators.
    attack, decay : factors on the times of instruments.
    colour : 0..1, which of an instrument's kinds it is (where a string is plucked, how hollow a wave is).
    """

    brightness: float
    detune_cents: float
    attack: float
    decay: float
    colour: float


@dataclass(frozen=True)
class Studio:
    """How an artist's recordings are mixed.

    Attributes
    ----------
    reverb_s : time in which the room falls by 60 dB.
    wet_db : level of the room against the dry sound.
    slope_db : tilt of the whole mix in dB an octave around 1 kHz.
    low_cut_hz : corner of the high-pass.
    drums_db, voice_db : levels against the rest.
    width : 0 (mono) to 1 (parts hard left and right).
    """

    reverb_s: float
    wet_db: float
    slope_db: float
    low_cut_hz: float
    drums_db: float
    voice_db: float
    width: float


@dataclass(frozen=True)
class Kit:
    """Factors on the pitch, the length and the noise of an artist's drums."""

    tuning: float
    length: float
    noise: float


@dataclass(frozen=True)
class Artist:
    """See the classes above; `tempo_bpm` is the middle of the artist's tempi, `language` an ISO 639-1 code."""

    name: str
    language: str
    albums: tuple[str, str]
    tempo_bpm: float
    voice: Voice
    timbre: Timbre
    studio: Studio
    kit: Kit


def draw_artist(number: int, language: str, rng: np.random.Generator) -> Artist:
    """Draw the artist with running number `number`, which only makes the name unique."""
    middle = _NAME_MIDDLES[number // len(_NAME_STARTS) % len(_NAME_MIDDLES)]
    name = _NAME_STARTS[number % len(_NAME_STARTS)] + middle + str(rng.choice(_NAME_ENDS))
    high = bool(rng.random() < 0.5)
    voice = Voice(
        centre_midi=float(rng.uniform(60, 67) if high else rng.uniform(48, 56)),
        tract=float(rng.uniform(1.05, 1.22) if high else rng.uniform(0.9, 1.06)),
        tilt=float(rng.uniform(0.7, 1.2)),
        breath=float(rng.uniform(0.02, 0.12)),
        vibrato_hz=float(rng.uniform(4.8, 6.4)),
        vibrato_cents=float(rng.uniform(15, 55)),
        glide_s=float(rng.uniform(0.02, 0.06)),
    )
    timbre = Timbre(
        brightness=float(rng.uniform(-0.35, 0.35)),
        detune_cents=float(rng.uniform(3, 14)),
        attack=float(np.exp(rng.uniform(-0.4, 0.4))),
        decay=float(np.exp(rng.uniform(-0.35, 0.35))),
        colour=float(rng.random()),
    )
    studio = Studio(
        reverb_s=float(np.exp(rng.uniform(np.log(0.35), np.log(1.6)))),
        wet_db=float(rng.uniform(-22, -12)),
        slope_db=float(rng.uniform(-1.5, 1.5)),
        low_cut_hz=float(rng.uniform(25, 70)),
        drums_db=float(rng.uniform(-2, 2)),
        voice_db=float(rng.uniform(-2, 2)),
        width=float(rng.uniform(0.2, 0.8)),
    )
    kit = Kit(
        tuning=float(np.exp(rng.uniform(-0.2, 0.2))),
        length=float(np.exp(rng.uniform(-0.3, 0.3))),
        noise=float(rng.uniform(0.6, 1.4)),
    )
    return Artist(
        name=str(rng.choice(_BANDS)).format(name),
        language=language,
        albums=(f"{name} I", f"{name} II"),
        tempo_bpm=float(rng.uniform(92, 132)),
        voice=voice,
        timbre=timbre,
        studio=studio,
        kit=kit,
    )
