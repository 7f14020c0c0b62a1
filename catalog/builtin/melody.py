"""The tune that is sung: syllables laid on beats and on notes that fit the chords."""

from collections.abc import Sequence

import numpy as np

from catalog.builtin.arrangement import Setting
from catalog.builtin.lyrics import LyricWord
from catalog.builtin.phonemes import syllables
from catalog.builtin.rhythms import beat_s
from catalog.builtin.score import SungNote, WordTime
from catalog.builtin.theory import SCALES, nearest

SYLLABLE_S = 0.2
"""A sung syllable lasts at least this long, or nobody could sing it."""


def sing(
    setting: Setting,
    lines: Sequence[Sequence[LyricWord]],
    language: str,
    centre_midi: float,
    *,
    first_bar: int,
    rng: np.random.Generator,
) -> tuple[tuple[SungNote, ...], tuple[WordTime, ...], int]:
    """Set lines to music, one after the other, each from the beginning of half a bar, as long as the song has room.

    Returns
    -------
    notes : one a syllable.
    words : one a written word, in order.
    count : how many of `lines` are sung.
    """
    beat = 60.0 / setting.tempo_bpm
    step = 0.5 if 0.5 * beat >= SYLLABLE_S else 1.0
    scale = {(setting.tonic + interval) % 12 for interval in SCALES[setting.mode]}
    drift = {"happy": 2.0, None: 0.0, "sad": -2.0}[setting.valence]
    notes: list[SungNote] = []
    words: list[WordTime] = []
    at, end, count = first_bar * 4.0, len(setting.chords) * 4.0, 0
    midi = centre_midi
    for line in lines:
        sung = [[(word, syllable) for syllable in syllables(word.reading, language)] for word in line]
        steps = sum(map(len, sung)) + 1
        if at + steps * step > end:
            break
        for number, word in enumerate(sung):
            word_start = at
            for place, (_, syllable) in enumerate(word):
                chord = setting.chords[min(int(at // 4), len(setting.chords) - 1)]
                midi = _next_pitch(midi, centre_midi + drift, chord.pitch_classes, scale, on_beat=at % 1 == 0, rng=rng)
                last = number == len(sung) - 1 and place == len(word) - 1
                length = step
                if last:
                    length = max(_to_next_half(at) - 0.25, step)
                elif at % 1 == 0 and step == 0.5 and rng.random() < 0.12 and at + (steps + 2) * step < end:
                    length = 1.0
                start_s = setting.start_s + beat_s(at, setting.tempo_bpm, setting.swing)
                end_s = setting.start_s + beat_s(at + length, setting.tempo_bpm, setting.swing)
                notes.append(SungNote(start_s, end_s - start_s, round(midi), float(rng.uniform(0.8, 1.0)), syllable))
                at += length
            first = setting.start_s + beat_s(word_start, setting.tempo_bpm, setting.swing)
            words.append(WordTime(word[0][0].written, first, notes[-1].start_s + notes[-1].duration_s))
        at = float(np.ceil(at / 2 - 1e-9) * 2)
        count += 1
    return tuple(notes), tuple(words), count


def _to_next_half(at: float) -> float:
    return float((np.floor(at / 2) + 1) * 2 - at)


def _next_pitch(
    midi: float, centre: float, chord: tuple[int, ...], scale: set[int], *, on_beat: bool, rng: np.random.Generator
) -> float:
    """A small step, drawn to the middle of the range; on a beat to a note of the chord, else to one of the scale."""
    wish = midi + float(rng.normal(0, 2.5)) + 0.25 * (centre - midi)
    wish = float(np.clip(wish, centre - 7, centre + 8))
    return float(
        min(
            (nearest(pitch_class, wish) for pitch_class in (chord if on_beat else sorted(scale))),
            key=lambda n: abs(n - wish),
        )
    )
