"""The plan of the built-in library: shares, splits, and lyrics that give away no more than their theme."""

from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.metrics import f1_score  # type: ignore[import-untyped]

from catalog.builtin.composition import compose
from catalog.builtin.formants import CONSONANTS, VOWELS
from catalog.builtin.lexicon import THEMES, lexicons
from catalog.builtin.phonemes import syllables
from catalog.builtin.plan import SongPlan, deal, plan_library
from catalog.builtin.score import Score
from catalog.vocabulary import load_vocabulary

VOCABULARY = load_vocabulary("schemas/tagging/builtin/tags.yaml")


@cache
def library() -> list[tuple[SongPlan, Score]]:
    return [(plan, compose(plan)) for plan in plan_library(seed=0, songs=320)]


def in_split(split: str) -> list[SongPlan]:
    return [plan for plan, _ in library() if plan.split == split]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.integers(0, 300))
@settings(max_examples=50, deadline=None)
def test_dealt_cards_are_within_one_of_their_share(weights: list[int], count: int) -> None:
    shares = {card: weight / sum(weights) for card, weight in enumerate(weights)}
    dealt = Counter(deal(shares, count, np.random.default_rng(0)))
    assert dealt.total() == count
    assert all(abs(dealt[card] - share * count) < 1 for card, share in shares.items())


def test_an_artist_is_in_one_split_only() -> None:
    splits: dict[str, str] = {}
    for plan, _ in library():
        assert splits.setdefault(plan.artist.name, plan.split) == plan.split


@pytest.mark.parametrize("tag", VOCABULARY.tags)
def test_a_tag_is_common_enough_in_every_split(tag: str) -> None:
    share = np.mean([tag in plan.tags for plan, _ in library()])
    assert 0.1 < share < 0.5
    holders = [plan for plan in in_split("eval") if tag in plan.tags]
    assert len(holders) >= 10
    assert len({plan.artist.name for plan in holders}) >= 3
    assert sum(tag in plan.tags for plan in in_split("validation")) >= 5


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_another_seed_gives_every_tag_as_many_artists(seed: int) -> None:
    holders: dict[str, set[str]] = {tag: set() for tag in VOCABULARY.tags}
    for plan in plan_library(seed=seed, songs=320):
        for tag in plan.tags if plan.split == "eval" else ():
            holders[tag].add(plan.artist.name)
    assert min(map(len, holders.values())) >= 3


def test_all_tags_are_in_the_vocabulary_and_children_bring_their_parent() -> None:
    for plan, _ in library():
        assert VOCABULARY.unknown(plan.tags) == ()
        assert set(VOCABULARY.expand(plan.tags)) == set(plan.tags)


def test_lyrics_never_hold_a_tag_in_any_language() -> None:
    parts = {part for tag in VOCABULARY.tags for part in tag.split("/")}
    for plan, score in library():
        forbidden = parts | set(lexicons()[plan.artist.language].forbidden)
        assert [word for word in forbidden if word.casefold() in score.lyrics.casefold()] == []


def test_every_phrase_that_could_be_sung_is_free_of_tags() -> None:
    parts = {part for tag in VOCABULARY.tags for part in tag.split("/")}
    for lexicon in lexicons().values():
        phrases = [*lexicon.openers, *lexicon.verbs, *lexicon.tails]
        for theme in (None, *THEMES):
            phrases += [*lexicon.phrases(theme).objects, *lexicon.phrases(theme).places]
        for phrase in phrases:
            shown = "".join(token.partition("|")[0] + lexicon.joiner for token in phrase.split()).casefold()
            assert [word for word in parts | set(lexicon.forbidden) if word.casefold() in shown] == []


def test_the_library_sings_in_several_scripts_and_some_songs_have_no_lyrics() -> None:
    assert {plan.artist.language for plan in in_split("eval")} == {"en", "ru", "ja"}
    words = Counter(plan.words for plan, _ in library())
    assert min(words["missing"], words["instrumental"]) >= 10
    for plan, score in library():
        assert (score.lyrics == "") == (plan.words == "instrumental")


def test_every_sung_syllable_has_a_vowel_and_known_consonants() -> None:
    for _, score in library():
        for note in score.voice:
            assert note.syllable.vowel in VOWELS
            assert set(note.syllable.onset + note.syllable.coda) <= set(CONSONANTS)


@given(st.text(max_size=12), st.sampled_from(["en", "ru", "ja"]))
@settings(max_examples=100, deadline=None)
def test_any_text_can_be_sung(word: str, language: str) -> None:
    assert len(syllables(word, language)) >= 1


def test_word_times_follow_each_other_within_the_song() -> None:
    for _, score in library():
        times = [time for word in score.words for time in (word.start_s, word.end_s)]
        assert times == sorted(times)
        assert not times or (times[0] >= 0 and times[-1] < score.duration_s)


def test_songs_last_10_to_30_seconds() -> None:
    durations = [score.duration_s for _, score in library()]
    assert min(durations) >= 10
    assert max(durations) <= 30
    assert 12 < np.mean(durations) < 16


def test_happy_songs_are_written_in_major_chords_and_sad_ones_in_minor() -> None:
    for plan, score in library():
        if plan.valence and plan.style != "jazz":
            assert {chord.quality for chord in score.chords} == {"major" if plan.valence == "happy" else "minor"}


def test_energetic_songs_strike_more_often_than_calm_ones() -> None:
    rates: dict[str | None, list[float]] = {"energetic": [], "calm": [], None: []}
    for plan, score in library():
        rates[plan.arousal].append((len(score.hits) + sum(len(part.notes) for part in score.parts)) / score.duration_s)
    assert np.quantile(rates["energetic"], 0.2) > np.quantile(rates["calm"], 0.8)


def test_tempo_duration_and_key_tell_nothing_of_a_tag() -> None:
    facts = np.array([[score.tempo_bpm, score.duration_s, score.tonic] for _, score in library()])
    for tag in VOCABULARY.tags:
        has = np.array([tag in plan.tags for plan, _ in library()])
        assert np.abs(np.corrcoef(facts.T, has)[-1, :-1]).max() < 0.2


@pytest.mark.parametrize("unit", ["word", "char_wb"])
def test_a_bag_of_words_finds_themes_but_neither_genre_nor_mood_nor_instrument(unit: str) -> None:
    text = [score.lyrics if plan.words == "known" else "" for plan, score in library()]
    counts = CountVectorizer(analyzer=unit, ngram_range=(1, 1) if unit == "word" else (1, 3)).fit_transform(text)
    train, held_out = (np.array([plan.split == split for plan, _ in library()]) for split in ("train", "eval"))
    scores = {}
    for tag in VOCABULARY.tags:
        has = np.array([tag in plan.tags for plan, _ in library()])
        model = LogisticRegression(class_weight="balanced", solver="liblinear").fit(counts[train], has[train])
        scores[tag] = f1_score(has[held_out], model.predict(counts[held_out]))
    assert min(scores[theme] for theme in THEMES) > (0.4 if unit == "word" else 0.6)
    assert max(score for tag, score in scores.items() if tag not in THEMES) < 0.6
