"""The mapping under version control: it uses the vocabulary, spells artists one way, and its splits can be judged."""

from collections import defaultdict
from pathlib import Path

import pytest

from catalog.debian.mapping import LabelMap, load_mapping
from catalog.recording import Recording
from catalog.vocabulary import Vocabulary, load_vocabulary

TAGS = Path(__file__).parents[2] / "schemas" / "tagging" / "debian" / "tags.yaml"
MIN_EVAL_RECORDINGS = 5
MIN_EVAL_ARTISTS = 2


@pytest.fixture(scope="module")
def labels() -> LabelMap:
    return load_mapping()


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_vocabulary(TAGS)


def in_split(labels: LabelMap, split: str) -> list[Recording]:
    return [row for row in labels.expected if labels.split(row.artist, str(row.package)) == split]


def test_every_tag_is_in_the_vocabulary_and_every_word_of_it_is_used(labels: LabelMap, vocabulary: Vocabulary) -> None:
    used = {tag for row in labels.expected for tag in row.tags}
    assert vocabulary.unknown(sorted(used)) == ()
    assert set(vocabulary.tags) <= used


def test_a_child_stands_with_its_parent(labels: LabelMap, vocabulary: Vocabulary) -> None:
    for row in labels.expected:
        assert set(vocabulary.expand(row.tags)) == set(row.tags) - set(vocabulary.ignored)


def test_every_recording_says_something(labels: LabelMap) -> None:
    assert all(row.tags for row in labels.expected)


def test_artists_are_spelt_one_way(labels: LabelMap) -> None:
    spellings = defaultdict(set)
    for row in labels.expected:
        if row.artist:
            spellings["".join(filter(str.isalnum, row.artist.casefold()))].add(row.artist)
    assert all(len(found) == 1 for found in spellings.values())


def test_every_tag_can_be_judged(labels: LabelMap, vocabulary: Vocabulary) -> None:
    judged, learnt = in_split(labels, "eval"), in_split(labels, "train")
    for tag in vocabulary.tags:
        found = [row for row in judged if tag in row.tags]
        assert len(found) >= MIN_EVAL_RECORDINGS, tag
        assert len({row.artist or row.package for row in found}) >= MIN_EVAL_ARTISTS, tag
        assert any(tag in row.tags for row in learnt), tag


def test_a_source_that_is_appended_moves_no_artist(labels: LabelMap) -> None:
    for count in (1, 10, len(labels.sources) - 1):
        first = LabelMap(labels.sources[:count], labels.pinned)
        for row in first.expected:
            source = str(row.package)
            assert first.split(row.artist, source) == labels.split(row.artist, source)


def test_three_hundred_minutes_come_from_five_packages_at_least(labels: LabelMap) -> None:
    assert len(labels.sources) >= 5
    assert len({row.artist for row in labels.expected if row.artist}) >= 40
