"""From written words to sung syllables.

Rough letter-to-sound rules, ``sounds`` of each `Lexicon`: enough to give each syllable the right vowel and consonants
of the right kind, no more. Spelling decides; English is sung as by someone who reads letter by letter.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from catalog.builtin.formants import CONSONANTS, VOWELS
from catalog.builtin.lexicon import lexicons


@dataclass(frozen=True)
class Syllable:
    """Consonants, one vowel, consonants, each a name of `CONSONANTS` or `VOWELS`."""

    onset: tuple[str, ...]
    vowel: str
    coda: tuple[str, ...] = ()


@cache
def syllables(reading: str, language: str) -> tuple[Syllable, ...]:
    """Split a word into syllables; at least one, as a word without a vowel is sung on a schwa.

    Parameters
    ----------
    language : a code of `lexicons`.
    """
    word = reading.casefold()
    if language == "en" and re.search(r"[aeiouy].*[^aeiouy]e$", word):
        word = word[:-1]
    sounds: list[str] = []
    rules = _longest_first(language)
    while word:
        spelling = next((rule for rule in rules if word.startswith(rule)), word[0])
        sounds += rules.get(spelling, spelling if spelling in CONSONANTS + VOWELS else "").split()
        word = word[len(spelling) :]
    return _grouped(sounds)


@cache
def _longest_first(language: str) -> dict[str, str]:
    return dict(sorted(lexicons()[language].sounds.items(), key=lambda rule: -len(rule[0])))


def _grouped(sounds: Sequence[str]) -> tuple[Syllable, ...]:
    """Give each vowel the consonant before it; further ones between two vowels end the syllable before."""
    found: list[Syllable] = []
    waiting: list[str] = []
    for sound in sounds:
        if sound not in VOWELS:
            waiting.append(sound)
            continue
        if found and len(waiting) > 1:
            found[-1] = Syllable(found[-1].onset, found[-1].vowel, tuple(waiting[:-1]))
            waiting = waiting[-1:]
        found.append(Syllable(tuple(waiting), sound))
        waiting = []
    if not found:
        return (Syllable(tuple(waiting), "ə"),)
    found[-1] = Syllable(found[-1].onset, found[-1].vowel, tuple(waiting))
    return tuple(found)
