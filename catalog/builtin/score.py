"""What a song is written down as: notes, drum hits, sung syllables. Times in seconds from the song's start."""

from dataclasses import dataclass

from catalog.builtin.phonemes import Syllable
from catalog.builtin.theory import Chord


@dataclass(frozen=True)
class Note:
    """`velocity` is 0..1, linear in amplitude."""

    start_s: float
    duration_s: float
    midi: int
    velocity: float


@dataclass(frozen=True)
class Part:
    """The notes of one instrument.

    Attributes
    ----------
    instrument : a name of `instruments.INSTRUMENTS`.
    level_db : against the other parts.
    pan : -1 (left) to 1 (right).
    """

    instrument: str
    notes: tuple[Note, ...]
    level_db: float
    pan: float


@dataclass(frozen=True)
class Hit:
    """One stroke on a drum named in `drums.DRUMS`."""

    start_s: float
    drum: str
    velocity: float


@dataclass(frozen=True)
class SungNote:
    """One syllable on one pitch."""

    start_s: float
    duration_s: float
    midi: int
    velocity: float
    syllable: Syllable


@dataclass(frozen=True)
class WordTime:
    """A written word of the lyrics and when it is sung."""

    word: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Score:
    """A whole song.

    Attributes
    ----------
    chords : one a bar.
    lyrics : sung text, "" for an instrumental.
    """

    tempo_bpm: float
    tonic: int
    mode: str
    start_s: float
    duration_s: float
    chords: tuple[Chord, ...]
    parts: tuple[Part, ...]
    hits: tuple[Hit, ...]
    voice: tuple[SungNote, ...]
    words: tuple[WordTime, ...]
    lyrics: str
