"""From a plan to a score: tempo, key, form, lyrics, parts. Cheap: no sound is made here."""

import math

import numpy as np

from catalog.builtin.arrangement import Setting, arrange
from catalog.builtin.lexicon import lexicons
from catalog.builtin.lyrics import compose_lines, written
from catalog.builtin.melody import sing
from catalog.builtin.plan import SongPlan
from catalog.builtin.rhythms import as_hits, drum_bars
from catalog.builtin.score import Score, SungNote, WordTime
from catalog.builtin.theory import progression

MIN_DURATION_S, MAX_DURATION_S = 10.0, 30.0
TAIL_S = 1.0


def compose(plan: SongPlan) -> Score:
    """Write the score of a song; the same plan gives the same score.

    Happy songs are in major and keep to I, IV and V; sad ones are in minor likewise; others are in either mode.
    """
    rng = np.random.default_rng((*plan.seed, 1))
    tempo = float(np.clip(plan.artist.tempo_bpm * np.exp(rng.normal(0, 0.1)), 80, 150))
    mode = {"happy": "major", "sad": "minor", None: str(rng.choice(["major", "minor"]))}[plan.valence]
    tonic = int(rng.integers(12))
    start_s = float(rng.uniform(0.0, 0.8))
    bar_s = 240.0 / tempo
    bars = _bars(bar_s, start_s + TAIL_S, rng)
    setting = Setting(
        style=plan.style,
        valence=plan.valence,
        arousal=plan.arousal,
        instruments=plan.instruments,
        tempo_bpm=tempo,
        swing=float(rng.uniform(0.62, 0.68)) if plan.style == "jazz" else 0.5,
        start_s=start_s,
        tonic=tonic,
        mode=mode,
        chords=progression(plan.style, mode, tonic, bars, rng, plain=plan.valence is not None),
        sung=plan.words != "instrumental",
    )
    voice: tuple[SungNote, ...] = ()
    words: tuple[WordTime, ...] = ()
    lyrics = ""
    if setting.sung:
        lexicon = lexicons()[plan.artist.language]
        lines = compose_lines(lexicon, plan.themes, bars, rng)
        voice, words, count = sing(
            setting, lines, lexicon.language, plan.artist.voice.centre_midi, first_bar=int(rng.integers(0, 2)), rng=rng
        )
        lyrics = written(lexicon, lines[:count])
    strokes = drum_bars(plan.style, plan.valence, plan.arousal, bars, rng)
    return Score(
        tempo_bpm=tempo,
        tonic=tonic,
        mode=mode,
        start_s=start_s,
        duration_s=start_s + bars * bar_s + TAIL_S,
        chords=setting.chords,
        parts=arrange(setting, rng),
        hits=as_hits(strokes, start_s=start_s, tempo_bpm=tempo, swing=setting.swing, rng=rng),
        voice=voice,
        words=words,
        lyrics=lyrics,
    )


def _bars(bar_s: float, rest_s: float, rng: np.random.Generator) -> int:
    """Draw how many bars of `bar_s` seconds fit a song of 10 to 30 s, 14 on average, `rest_s` seconds included."""
    wanted_s = MIN_DURATION_S + (MAX_DURATION_S - MIN_DURATION_S) * rng.beta(1.1, 4.5)
    fewest, most = math.ceil((MIN_DURATION_S - rest_s) / bar_s), math.floor((MAX_DURATION_S - rest_s) / bar_s)
    return min(max(round((wanted_s - rest_s) / bar_s), fewest), most)
