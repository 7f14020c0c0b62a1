"""Lyrics from templates: lines about nothing in particular, and lines on a theme."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from catalog.builtin.lexicon import THEMES, Lexicon

THEMED_LINE = 0.9
STRAY_LINE = 0.15


@dataclass(frozen=True)
class LyricWord:
    """A word as it is `written` and as it is sung (`reading`, the same in most scripts)."""

    written: str
    reading: str


def compose_lines(
    lexicon: Lexicon, themes: Sequence[str], count: int, rng: np.random.Generator
) -> list[list[LyricWord]]:
    """Compose `count` lines of lyrics.

    Each theme has one of the first lines, three of four later lines are on one too. Now and then one of the first lines
    strays to a theme that is not the song's: a single word proves nothing.

    Parameters
    ----------
    themes : of `THEMES`, any number.
    """
    stray = len(themes) + int(rng.integers(2)) if rng.random() < STRAY_LINE else None
    lines = []
    for number in range(count):
        theme = None
        if number == stray:
            theme = str(rng.choice(THEMES))
        elif themes and (number < len(themes) or rng.random() < THEMED_LINE):
            theme = themes[number % len(themes)]
        lines.append(_line(lexicon, theme, rng))
    return lines


def written(lexicon: Lexicon, lines: Sequence[Sequence[LyricWord]]) -> str:
    """The lyrics as text, one line of song a line."""
    return "\n".join(lexicon.joiner.join(word.written for word in line) for line in lines)


def _line(lexicon: Lexicon, theme: str | None, rng: np.random.Generator) -> list[LyricWord]:
    about = lexicon.phrases(theme)
    text = str(rng.choice(lexicon.templates)).format(
        opener=rng.choice(lexicon.openers),
        verb=rng.choice(lexicon.verbs),
        tail=rng.choice(lexicon.tails),
        object=rng.choice(about.objects),
        place=rng.choice(about.places),
    )
    return [_word(token) for token in text.split()]


def _word(token: str) -> LyricWord:
    written_form, _, reading = token.partition("|")
    return LyricWord(written_form, reading or written_form)
