"""The vocabularies that lyrics are made of, one file a language in ``lexicons/``."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).parent / "lexicons"
THEMES = ("night", "rain", "sea")


class Phrases(BaseModel):
    """What a line can speak of: `objects` of its verb and `places` to open with, on one theme or on none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    objects: tuple[str, ...]
    places: tuple[str, ...]


class Lexicon(BaseModel):
    """One language.

    Attributes
    ----------
    language : ISO 639-1 code.
    joiner : what stands between two written words; empty in a script without blanks.
    sounds : spelling to phonemes, names of `catalog.builtin.formants` set apart by blanks.
    forbidden : the catalog's tags in this language and their stems, which no lyric may hold.
    templates : lines, with the slots ``{opener} {verb} {object} {tail} {place}``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str
    joiner: str
    sounds: Mapping[str, str]
    forbidden: tuple[str, ...]
    templates: tuple[str, ...]
    openers: tuple[str, ...]
    verbs: tuple[str, ...]
    tails: tuple[str, ...]
    neutral: Phrases
    night: Phrases
    rain: Phrases
    sea: Phrases

    def phrases(self, theme: str | None) -> Phrases:
        """The phrases of `theme`, one of `THEMES`; the neutral ones for None."""
        chosen: Phrases = self.neutral if theme is None else getattr(self, theme)
        return chosen


@cache
def lexicons() -> Mapping[str, Lexicon]:
    """Every language the library sings in, by its code."""
    read = [Lexicon.model_validate(yaml.safe_load(path.read_text("utf-8"))) for path in sorted(FOLDER.glob("*.yaml"))]
    return {lexicon.language: lexicon for lexicon in read}
