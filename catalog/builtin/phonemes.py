"""From written words to sung syllables.

Rough letter-to-sound rules for four languages: enough to give each syllable the right vowel and consonants of the right kind,
no more. Spelling decides; English vowels are those of a singer who reads letter by letter.
"""

import re
from dataclasses import dataclass
from functools import cache

VOWELS = ("a", "e", "i", "o", "u", "y", "ə", "æ")
CONSONANTS = ("p", "t", "k", "b", "d", "g", "s", "sh", "f", "h", "z", "zh", "v", "m", "n", "l", "r", "w", "j", "ch", "ts")

_ENGLISH = {
    "tch": "ch", "igh": "ae i", "sh": "sh", "ch": "ch", "th": "f", "ph": "f", "wh": "w", "ck": "k", "ng": "n g", "qu": "k w", "gh": "",
    "ee": "i", "ea": "i", "oo": "u", "ou": "a u", "ow": "o u", "oa": "o", "ai": "e i", "ay": "e i", "ey": "e i", "ie": "i", "ew": "u", "au": "o",
    "aw": "o", "oi": "o i", "oy": "o i", "er": "ə", "ir": "ə", "ur": "ə", "ar": "a", "or": "o",
    "a": "æ", "e": "e", "i": "i", "o": "o", "u": "ə", "y": "i", "c": "k", "x": "k s", "j": "ch", "q": "k",
}  # fmt: skip
_SPANISH = {
    "ch": "ch", "ll": "j", "rr": "r", "qu": "k", "gue": "g e", "gui": "g i", "ce": "s e", "ci": "s i", "ge": "h e", "gi": "h i", "ñ": "n j", "h": "",
    "c": "k", "j": "h", "v": "b", "z": "s", "y": "i", "x": "k s", "á": "a", "é": "e", "í": "i", "ó": "o", "ú": "u", "ü": "u",
}  # fmt: skip
_RUSSIAN = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "j e", "ё": "j o", "ж": "zh", "з": "z", "и": "i", "й": "j", "к": "k", "л": "l", "м": "m",
    "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "h", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sh", "ъ": "",
    "ы": "y", "ь": "", "э": "e", "ю": "j u", "я": "j a",
}  # fmt: skip
_KANA_ROWS = {
    "": "あいうえお", "k": "かきくけこ", "s": "さしすせそ", "t": "たちつてと", "n": "なにぬねの", "h": "はひふへほ", "m": "まみむめも",
    "r": "らりるれろ", "g": "がぎぐげご", "z": "ざじずぜぞ", "d": "だぢづでど", "b": "ばびぶべぼ", "p": "ぱぴぷぺぽ",
}  # fmt: skip
_KANA_SPECIAL = {
    "し": "sh i", "ち": "ch i", "つ": "ts u", "ふ": "f u", "じ": "zh i", "や": "j a", "ゆ": "j u", "よ": "j o", "わ": "w a", "を": "o", "ん": "n",
    "っ": "",
}  # fmt: skip


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
    language : ``en``, ``es``, ``ru`` or ``ja``.
    """
    word = reading.casefold()
    if language == "en" and re.search(r"[aeiouy].*[^aeiouy]e$", word):
        word = word[:-1]
    sounds: list[str] = []
    rules = _rules(language)
    while word:
        spelling = next((s for s in rules if word.startswith(s)), word[0])
        sounds += rules.get(spelling, spelling if spelling in CONSONANTS + VOWELS else "").split()
        word = word[len(spelling) :]
    sounds = [{"ae": "a"}.get(sound, sound) for sound in sounds]
    return _group(sounds)


@cache
def _rules(language: str) -> dict[str, str]:
    kana = {kana: f"{row} {vowel}" for row, column in _KANA_ROWS.items() for kana, vowel in zip(column, "aiueo", strict=True)}
    rules = {"en": _ENGLISH, "es": _SPANISH, "ru": _RUSSIAN, "ja": kana | _KANA_SPECIAL}[language]
    return dict(sorted(rules.items(), key=lambda rule: -len(rule[0])))


def _group(sounds: list[str]) -> tuple[Syllable, ...]:
    """Give each vowel the consonants before it; of several between two vowels, the last two at most."""
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
