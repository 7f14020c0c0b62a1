"""Bags of words and n-grams from raw lyrics in any script, and lyrics that are dropped in training."""

import numpy as np
import pytest
import tensorflow as tf

from trainers.batches import Walk, step_draws
from trainers.learner import Tensors
from trainers.request import Recipe, parse_request
from trainers.tagging.lyrics import BAG, NGRAM_BUCKETS, WORD_BUCKETS, lyrics_bag
from trainers.tagging.model import TaggingLearner, make_learner
from trainers.tagging.task import TASK

SCRIPTS = {  # a line, one that shares words or characters with it, and one that shares none or hardly any
    "Latin": ("the sea at night", "the rain at night", "muddy roof"),
    "accents": ("là-bas à l'été", "ici à l'été", "böse Öfen"),
    "Cyrillic": ("море зовёт меня", "дождь зовёт меня", "бусы"),
    "Greek": ("η θάλασσα με καλεί", "η βροχή με καλεί", "τυρί"),
    "Arabic": ("البحر يناديني", "المطر يناديني", "خوخ"),
    "Devanagari": ("समुद्र बुलाता है", "बारिश बुलाता है", "ऊँट"),
    "Thai": ("ทะเลยามค่ำคืน", "ฝนยามค่ำคืน", "กบ"),
    "Japanese": ("夜の海が呼ぶ", "夜の雨が呼ぶ", "ねこ"),
    "Chinese": ("大海在夜里", "下雨在夜里", "猫"),
    "Korean": ("밤바다가 부른다", "밤비가 부른다", "고양이"),
}
ROWS = 1000


def bags(*lyrics: str | bytes) -> np.ndarray:
    return lyrics_bag(tf.constant([text.encode() if isinstance(text, str) else text for text in lyrics])).numpy()


@pytest.mark.parametrize("script", SCRIPTS)
def test_lines_that_share_words_or_characters_are_alike_in_every_script(script: str) -> None:
    line, alike, other = bags(*SCRIPTS[script])
    assert line @ alike > line @ other + 0.3
    np.testing.assert_allclose([line[:WORD_BUCKETS] @ line[:WORD_BUCKETS], line @ line], [1, 2], rtol=1e-5)


@pytest.mark.parametrize("script", SCRIPTS)
def test_case_punctuation_and_white_space_do_not_count(script: str) -> None:
    line = SCRIPTS[script][0]
    plain, shouted = bags(line, f"  «{line.upper()}»!\t\n".replace(" ", " … "))
    np.testing.assert_array_equal(plain, shouted)


def test_counts_are_damped() -> None:
    once, often = (np.sort(bag[:WORD_BUCKETS])[-2:] for bag in bags("sea night", "sea sea sea night"))
    np.testing.assert_allclose(once, np.sqrt([0.5, 0.5]), rtol=1e-5)
    np.testing.assert_allclose(often[1] / often[0], np.log(4) / np.log(2), rtol=1e-5)


def test_lyrics_without_a_letter_or_digit_are_zeros_beside_any_others() -> None:
    nothing = ["", "   \n", "♪ – … ♫!", b"\xff\xfe", b"\x00"]
    found = bags(*nothing, "море", *nothing)
    np.testing.assert_array_equal(np.flatnonzero(found.any(axis=1)), [len(nothing)])
    np.testing.assert_array_equal(found[len(nothing)], bags("море")[0])
    assert found.shape == (2 * len(nothing) + 1, BAG)
    assert BAG == WORD_BUCKETS + NGRAM_BUCKETS


@pytest.mark.parametrize(
    "broken",
    [b"sea \xff\xfe night", b"sea\xc3 night", b"sea night\xe6\xb5", b"\xed\xa0\x80sea night", b"sea\x00night"],
    ids=["no UTF-8", "a lead byte alone", "cut off", "a surrogate", "NUL"],
)
def test_bytes_that_are_no_text_count_as_punctuation(broken: bytes) -> None:
    np.testing.assert_array_equal(*bags(broken, "sea night"))


@pytest.mark.parametrize("word", ["la", "ля", "海海", "🌊a"])
def test_of_very_long_lyrics_the_first_20_000_characters_are_read(word: str) -> None:
    read = (word + " ") * 6666 + "b "
    assert len(read) == 20_000
    whole, cut, shorter = bags(read + "sea " * 200_000, read, read[:-2])
    np.testing.assert_array_equal(whole, cut)
    assert not np.array_equal(cut, shorter)


def learner(lyrics_dropout: float) -> TaggingLearner:
    """A tagger of segments of 0.1 s, of which lyrics are dropped in so many examples."""
    sizes = {"filters": (4, 8), "lyrics_units": 4, "dropout": 0.0, "lyrics_dropout": lyrics_dropout}
    hyperparameters = TASK.hyperparameters["quick"].model_copy(update=sizes)
    config = parse_request(
        {
            "task": "tagging",
            "profile": "quick",
            "library": "none",
            "spec": {"columns": ["audio"], "sample_rate": 16_000, "channels": 1, "segment_s": 0.1, "eval_max_s": 1.0},
            "vocabulary": {"tags": ["day", "sea"]},
            "hyperparameters": hyperparameters.model_dump(mode="json"),
            "checkpoint_root": "",
        }
    )
    constants = {"mel_mean": np.zeros(96, "f"), "mel_std": np.ones(96, "f"), "tag_shares": np.full(2, 0.5)}
    return make_learner(Recipe(config, config.typed_hyperparameters(), constants))


def rows(tagger: TaggingLearner) -> Tensors:
    """Alike but for their lyrics: the sea, empty, missing, in turn."""
    lyrics = np.tile(bags("the sea", "", ""), (ROWS, 1))[:ROWS]
    return {
        "num_samples": tf.fill([ROWS], tf.constant(tagger.segment_samples, tf.int64)),
        "log_mel": tf.zeros([ROWS, tagger.frames, 96], tf.float16),
        "lyrics": tf.constant(lyrics, tf.float16),
        "has_lyrics": tf.constant(np.arange(ROWS) % 3 < 2, tf.int64),
        "labels": tf.zeros([ROWS, 2], tf.int64),
    }


def uniforms(tagger: TaggingLearner) -> tf.Tensor:
    return tf.constant(step_draws(Walk(np.ones(ROWS, np.int64), 0), 0, ROWS, tagger.draws, tagger.uniforms)[1])


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_about_the_asked_share_of_lyrics_is_dropped_in_training(share: float) -> None:
    tagger = learner(share)
    given = rows(tagger)
    kept = tagger.prepare([given], uniforms(tagger))["has_lyrics"].numpy()[:, 0]
    present = given["has_lyrics"].numpy() > 0
    assert not kept[~present].any()
    assert 1 - kept[present].mean() == pytest.approx(share, abs=0.04)


def test_no_lyrics_are_dropped_in_validation() -> None:
    tagger = learner(1.0)
    given = rows(tagger)
    np.testing.assert_array_equal(tagger.prepare([given], None)["has_lyrics"][:, 0], given["has_lyrics"])


def test_dropped_lyrics_are_missing_ones_and_not_empty_ones() -> None:
    tagger = learner(0.3)
    given, model = rows(tagger), tagger.build()
    model.get_layer("lyrics_missing").missing.assign([1.0, 2.0, 3.0, 4.0])
    batch = tagger.prepare([given], uniforms(tagger))
    inputs = {name: batch[name] for name in model.input} | {"log_mel": tf.zeros_like(batch["log_mel"])}
    answers = model(inputs)["logits"].numpy()
    kind, dropped = np.arange(ROWS) % 3, batch["has_lyrics"].numpy()[:, 0] == 0
    missing, empty = answers[2], answers[(kind == 1) & ~dropped][0]
    np.testing.assert_allclose(answers[dropped], np.broadcast_to(missing, answers[dropped].shape), atol=1e-5)
    assert np.abs(missing - empty).max() > 0.1
