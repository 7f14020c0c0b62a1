"""What the library holds, before a note is written: artists, splits, and the tags of every song.

Everything is dealt like cards, in each split by itself: shares are exact, and genre, mood, flute and themes know
nothing of each other, nor of tempo, key, loudness and bandwidth.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from catalog.builtin.artists import Artist, draw_artist

SPLIT_SHARES = {"train": 0.55, "validation": 0.175, "eval": 0.225, "test": 0.05}
LANGUAGE_SHARES = {"en": 0.4, "ru": 0.3, "ja": 0.3}
STYLE_SHARES = {
    "rock": 0.10,
    "rock/distorted": 0.16,
    "pop/piano": 0.16,
    "pop/synth": 0.16,
    "electronic": 0.10,
    "electronic/ambient": 0.16,
    "jazz": 0.16,
}
VALENCE_SHARES = {"happy": 0.32, "sad": 0.32, None: 0.36}
AROUSAL_SHARES = {"energetic": 0.33, "calm": 0.33, None: 0.34}
THEME_SHARES = {
    (): 0.22,
    ("night",): 0.18,
    ("rain",): 0.18,
    ("sea",): 0.18,
    ("night", "rain"): 0.08,
    ("night", "sea"): 0.08,
    ("rain", "sea"): 0.08,
}
# Instruments a style may add to its own.
EXTRA_SHARES: dict[str, dict[tuple[str, ...], float]] = {
    "rock": {("guitar",): 0.8, ("guitar", "piano"): 0.2},
    "rock/distorted": {("guitar",): 0.85, ("guitar", "piano"): 0.15},
    "pop/piano": {("piano",): 0.8, ("piano", "guitar"): 0.2},
    "pop/synth": {(): 0.8, ("guitar",): 0.2},
    "electronic": {(): 0.8, ("piano",): 0.2},
    "electronic/ambient": {(): 0.7, ("piano",): 0.3},
    "jazz": {("piano",): 0.45, ("guitar",): 0.3, ("piano", "guitar"): 0.25},
}
FLUTE_SHARE = 0.26
WORDS_SHARES = {"known": 0.82, "missing": 0.08, "instrumental": 0.1}
SONGS_PER_ARTIST = (8, 7, 9, 8, 6, 10, 8, 8)

Card = TypeVar("Card", bound=Hashable)


@dataclass(frozen=True)
class SongPlan:
    """One song to be made.

    Attributes
    ----------
    style : the most exact genre tag, such as ``rock/distorted``.
    valence : ``happy``, ``sad`` or None; arousal : ``energetic``, ``calm`` or None.
    instruments : tags among ``piano``, ``guitar``, ``flute``.
    themes : tags among ``night``, ``rain``, ``sea``; heard : those whose sound is in the background.
    words : ``known``, ``missing`` (sung, but the catalog has no lyrics) or ``instrumental``.
    seed : entropy of everything drawn for this song alone.
    """

    id: str
    artist: Artist
    album: str
    split: str
    style: str
    valence: str | None
    arousal: str | None
    instruments: frozenset[str]
    themes: tuple[str, ...]
    heard: tuple[str, ...]
    words: str
    seed: tuple[int, int]

    @property
    def tags(self) -> tuple[str, ...]:
        """The song's tags: genre with its parent, moods, instruments, themes."""
        genre = (self.style.split("/")[0], self.style) if "/" in self.style else (self.style,)
        moods = tuple(mood for mood in (self.valence, self.arousal) if mood)
        return (*genre, *moods, *sorted(self.instruments), *self.themes)


def deal(shares: Mapping[Card, float], count: int, rng: np.random.Generator) -> list[Card]:
    """Deal `count` cards in random order, as near to `shares`, which sum to 1, as whole numbers allow."""
    exact = np.array(list(shares.values())) * count
    numbers = np.floor(exact + 1e-9).astype(int)
    order = np.argsort(numbers - exact, kind="stable")
    numbers[order[: count - numbers.sum()]] += 1
    cards = [card for card, number in zip(shares, numbers, strict=True) for _ in range(number)]
    return [cards[position] for position in rng.permutation(count)]


def plan_library(*, seed: int, songs: int) -> list[SongPlan]:
    """Plan a library of `songs` songs, artist by artist.

    Returns
    -------
    plans : of the songs in catalog order; the artists of different splits are different.
    """
    rng = np.random.default_rng((seed, 0))
    sizes: list[int] = []
    while sum(sizes) < songs:
        sizes.append(min(SONGS_PER_ARTIST[len(sizes) % len(SONGS_PER_ARTIST)], songs - sum(sizes)))
    splits = _in_turn(SPLIT_SHARES, len(sizes))
    artists: list[Artist | None] = [None] * len(sizes)
    for split in SPLIT_SHARES:
        members = [number for number, chosen in enumerate(splits) if chosen == split]
        for number, language in zip(members, deal(LANGUAGE_SHARES, len(members), rng), strict=True):
            artists[number] = draw_artist(number, language, rng)
    hands = {
        split: iter(_hands(sum(size for size, chosen in zip(sizes, splits, strict=True) if chosen == split), rng))
        for split in SPLIT_SHARES
    }
    plans: list[SongPlan] = []
    for artist, size, split in zip(artists, sizes, splits, strict=True):
        assert artist is not None
        for number in range(size):
            style, valence, arousal, instruments, themes, heard, words = next(hands[split])
            plans.append(
                SongPlan(
                    id=f"song-{len(plans):04d}",
                    artist=artist,
                    album=artist.albums[number * 2 // size],
                    split=split,
                    style=style,
                    valence=valence,
                    arousal=arousal,
                    instruments=instruments,
                    themes=themes,
                    heard=heard,
                    words=words,
                    seed=(seed, len(plans) + 1),
                )
            )
    return plans


_Hand = tuple[str, str | None, str | None, frozenset[str], tuple[str, ...], tuple[str, ...], str]


def _hands(count: int, rng: np.random.Generator) -> list[_Hand]:
    """The tags of the `count` songs of a split, ordered so that neighbours share a style: an artist has few."""
    styles = _in_runs(deal(STYLE_SHARES, count, rng), rng)
    extras = {style: iter(deal(shares, styles.count(style), rng)) for style, shares in EXTRA_SHARES.items()}
    flutes = {
        style: iter(deal({True: FLUTE_SHARE, False: 1 - FLUTE_SHARE}, styles.count(style), rng))
        for style in STYLE_SHARES
    }
    valences = deal(VALENCE_SHARES, count, rng)
    arousals = deal(AROUSAL_SHARES, count, rng)
    themes = deal(THEME_SHARES, count, rng)
    words = deal(WORDS_SHARES, count, rng)
    hands = []
    for style, valence, arousal, theme, known in zip(styles, valences, arousals, themes, words, strict=True):
        instruments = frozenset(next(extras[style])) | (frozenset({"flute"}) if next(flutes[style]) else frozenset())
        # Without lyrics, a theme is there when it is heard or not at all.
        heard = tuple(name for name in theme if known != "known" or rng.random() < 0.4)
        hands.append((style, valence, arousal, instruments, theme, heard, known))
    return hands


def _in_runs(styles: list[str], rng: np.random.Generator) -> list[str]:
    """Order cards in rounds of up to two of each kind: a kind lies over many artists, and an artist has few kinds."""
    kinds = sorted(set(styles))
    ordered: list[str] = []
    for start in range(0, max(map(styles.count, kinds), default=0), 2):
        for position in rng.permutation(len(kinds)):
            kind = kinds[position]
            ordered += [kind] * max(0, min(2, styles.count(kind) - start))
    return ordered


def _in_turn(shares: Mapping[str, float], count: int) -> list[str]:
    """One split for each of `count` artists: always the split that is furthest below its share."""
    taken = dict.fromkeys(shares, 0)
    turns = []
    for number in range(1, count + 1):
        choice = max(shares, key=lambda split: shares[split] * number - taken[split])
        taken[choice] += 1
        turns.append(choice)
    return turns
