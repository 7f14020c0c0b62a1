"""Songs of the built-in library: what the tags say can be heard, and what the catalog says is there."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from catalog.builtin import voice
from catalog.builtin.instruments import INSTRUMENTS, play
from catalog.builtin.oscillators import SAMPLE_RATE, Sound, ring
from catalog.builtin.phonemes import Syllable
from catalog.builtin.plan import SongPlan, plan_library
from catalog.builtin.score import Note, Part, SungNote
from catalog.builtin.song import Song, make_song
from catalog.builtin.theory import hertz

PLANS = plan_library(seed=0, songs=320)
TIMBRE = PLANS[0].artist.timbre


@cache
def song(number: int) -> Song:
    return make_song(PLANS[number])


def first(**wanted: object) -> int:
    """Number of the first song whose plan has these values."""
    return next(
        n for n, plan in enumerate(PLANS) if all(getattr(plan, name) == value for name, value in wanted.items())
    )


def centroid_hz(y: Sound) -> float:
    """Centre of gravity of the magnitude spectrum."""
    magnitude = np.abs(np.fft.rfft(y))
    return float((np.fft.rfftfreq(len(y), 1 / SAMPLE_RATE) * magnitude).sum() / magnitude.sum())


def rms(pcm: NDArray[np.int16]) -> float:
    return float(np.sqrt(np.mean(np.square(pcm.astype(np.float64))))) if pcm.size else 0.0


def chord(instrument: str) -> Sound:
    part = Part(instrument, tuple(Note(0.1, 1.0, midi, 0.8) for midi in (48, 52, 55)), 0.0, 0.0)
    return play(part, TIMBRE, 0.0, 2 * SAMPLE_RATE, np.random.default_rng(0))


def test_a_ring_is_the_sum_of_its_partials() -> None:
    f, a, d, p = (
        np.array([110.0, 333.3, 5000.0]),
        np.array([1.0, 0.5, 0.2]),
        np.array([1.0, 7.0, 30.0]),
        np.array([0.0, 1.0, 2.0]),
    )
    t = np.arange(3000)[:, None] / SAMPLE_RATE
    expected = (a * np.exp(-d * t) * np.sin(2 * np.pi * f * t + p)).sum(axis=1)
    np.testing.assert_allclose(ring(f, a, d, 3000, p), expected, atol=1e-5)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_an_instrument_plays_in_tune_and_falls_silent(instrument: str) -> None:
    y = play(
        Part(instrument, (Note(0.0, 0.8, 57, 0.8),), 0.0, 0.0), TIMBRE, 0.0, 4 * SAMPLE_RATE, np.random.default_rng(0)
    )
    assert y.dtype == np.float32
    assert np.isfinite(y).all()
    assert np.abs(y[3 * SAMPLE_RATE :]).max() < 0.02 * np.abs(y).max()
    part = y[SAMPLE_RATE // 4 : SAMPLE_RATE // 4 + 16384] * np.hanning(16384)
    spectrum = np.abs(np.fft.rfft(part, 1 << 17)) ** 2
    at = np.fft.rfftfreq(1 << 17, 1 / SAMPLE_RATE) / hertz(57)
    if instrument != "bells":
        near = np.abs(at - np.maximum(np.round(at), 1)) < 0.08
        assert spectrum[near & (at < 6.5)].sum() > 0.8 * spectrum[at < 6.5].sum()


def test_a_distorted_guitar_is_brighter_than_an_acoustic_one() -> None:
    assert centroid_hz(chord("distorted guitar")) > 1.3 * centroid_hz(chord("acoustic guitar"))


def test_a_flute_is_purer_than_a_saw() -> None:
    assert centroid_hz(chord("flute")) < 0.6 * centroid_hz(chord("supersaw"))


def test_distorted_rock_is_brighter_than_jazz_by_the_same_artist() -> None:
    brightness = {}
    for style in ("rock/distorted", "jazz"):
        plan = replace(PLANS[first(style=style, arousal=None)], artist=PLANS[0].artist, heard=(), words="instrumental")
        power = np.abs(np.fft.rfft(make_song(plan).accompaniment[0])) ** 2
        f = np.linspace(0, SAMPLE_RATE / 2, len(power))
        brightness[style] = power[(f > 1500) & (f < 6000)].sum() / power.sum()
    assert brightness["rock/distorted"] > 2 * brightness["jazz"]


@pytest.mark.parametrize("number", [0, 5, first(words="instrumental"), first(words="missing")])
def test_the_stems_sum_to_the_mix_within_16_bits(number: int) -> None:
    made = song(number)
    total = made.vocals.astype(np.int32) + made.accompaniment
    np.testing.assert_array_equal(total, made.mix)
    assert 1000 < np.abs(total).max() <= 32767
    assert made.mix.shape == (2, round(made.score.duration_s * SAMPLE_RATE))


def test_an_instrumental_has_no_voice() -> None:
    made = song(first(words="instrumental"))
    assert not made.vocals.any()
    assert made.score.words == ()


@pytest.mark.parametrize(
    "number", [first(words="known"), first(words="known", style="jazz"), first(words="known", split="eval")]
)
def test_the_voice_sounds_where_the_words_are(number: int) -> None:
    made = song(number)
    words = made.score.words
    levels = [rms(made.vocals[:, round(w.start_s * SAMPLE_RATE) : round(w.end_s * SAMPLE_RATE)]) for w in words]
    assert min(levels) > 0.2 * np.median(levels)
    before = round((words[0].start_s - 0.03) * SAMPLE_RATE)
    assert before < SAMPLE_RATE // 10 or rms(made.vocals[:, :before]) < 0.02 * np.median(levels)


def test_the_same_plan_makes_the_same_song() -> None:
    again = make_song(PLANS[0])
    np.testing.assert_array_equal(again.vocals, song(0).vocals)
    np.testing.assert_array_equal(again.accompaniment, song(0).accompaniment)


def test_a_song_is_its_own_whatever_the_library_is() -> None:
    assert song(0).vocals.shape != song(1).vocals.shape or not np.array_equal(song(0).mix, song(1).mix)
    louder = replace(PLANS[0], seed=(1, 1))
    assert not np.array_equal(make_song(louder).mix[:, :1000], song(0).mix[:, :1000])


def sung(vowel: str, midi: int = 57, seconds: float = 1.5) -> Sound:
    singer = replace(PLANS[0].artist.voice, tract=1.0, breath=0.02)
    note = SungNote(0.0, seconds, midi, 1.0, Syllable((), vowel))
    return voice.sing([note], singer, seconds, np.random.default_rng(0))


@pytest.mark.parametrize("midi", [48, 57, 66])
def test_the_voice_is_in_tune(midi: int) -> None:
    y = sung("a", midi)[voice.VOICE_RATE // 2 :].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(y, 1 << 16)) ** 2
    periods = np.fft.irfft(spectrum)[: voice.VOICE_RATE // 60]
    shortest = voice.VOICE_RATE // 800
    lag = shortest + int(np.argmax(periods[shortest:]))
    candidates = np.array([lag, lag / 2, lag * 2])
    assert np.abs(voice.VOICE_RATE / candidates / hertz(midi) - 1).min() < 0.03


def test_vowels_differ_in_their_formants() -> None:
    def share(vowel: str, low: float, high: float) -> float:
        power = np.abs(np.fft.rfft(sung(vowel))) ** 2
        f = np.fft.rfftfreq(round(1.5 * voice.VOICE_RATE), 1 / voice.VOICE_RATE)
        return float(power[(f > low) & (f < high)].sum() / power.sum())

    assert share("i", 1900, 2700) > 5 * share("u", 1900, 2700)
    assert share("a", 600, 1400) > 3 * share("i", 600, 1400)


def test_plans_with_a_theme_that_is_heard_have_its_sound() -> None:
    plan = PLANS[first(words="instrumental", themes=("rain",))]
    dry = make_song(replace(plan, heard=()))
    assert centroid_hz(make_song(plan).mix[0]) > centroid_hz(dry.mix[0])


def test_all_styles_can_be_played() -> None:
    styles = sorted({plan.style for plan in PLANS})
    for style in styles:
        plan: SongPlan = PLANS[first(style=style)]
        assert set(plan.tags) >= {style, style.split("/")[0]}
        assert {part.instrument for part in song(first(style=style)).score.parts}
