"""One row of a catalog as typed values: what is known about a recording besides its sound."""

import math
import re
import unicodedata
from pathlib import PurePosixPath
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, Strict, field_validator

Split = Literal["train", "validation", "eval", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

MAX_ID = 200
MAX_NAME = 1000
MAX_PATH = 4096
MAX_TEXT = 1 << 20
MAX_TAGS = 200
MAX_TAG = 100

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def normalise_tag(tag: str) -> str:
    """A tag as it is stored: NFC, lower case, one blank between words, ``/`` between levels without blanks around it.

    Parameters
    ----------
    tag : as written by a person, ``" Pop / Piano"``.

    Returns
    -------
    str
        ``"pop/piano"``.

    Raises
    ------
    ValueError
        If a level is empty, or the tag holds ``|`` or a control character, or is longer than 100 characters.
    """
    levels = [" ".join(level.split()) for level in unicodedata.normalize("NFC", tag).lower().split("/")]
    if not all(levels):
        raise ValueError("has an empty level: write tags like pop or pop/piano")
    normal = "/".join(levels)
    if "|" in normal or _CONTROL.search(normal):
        raise ValueError("holds '|' or a control character")
    if len(normal) > MAX_TAG:
        raise ValueError(f"has more than {MAX_TAG} characters")
    return normal


def check_path(path: str) -> str:
    """`path`, if it is relative, normal and stays below the folder that it starts from.

    This looks at the text alone; `catalog.format.Catalog.locate` also follows symbolic links.

    Raises
    ------
    ValueError
        If the path is empty, absolute, holds a control character or climbs with ``..``.
    """
    if not path or path == ".":
        raise ValueError("is empty: give the path of the audio file, relative to the catalog's folder")
    if _CONTROL.search(path):
        raise ValueError("holds a control character")
    pure = PurePosixPath(path)
    if pure.is_absolute():
        raise ValueError("is absolute: paths are relative to the catalog's folder")
    if ".." in pure.parts:
        raise ValueError("climbs out of the catalog's folder with '..'")
    return path


def _utf8(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds a NUL character")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError("is not UTF-8") from None
    return text


def _line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("holds a control character")
    return text


Id = Annotated[str, Field(min_length=1, max_length=MAX_ID), AfterValidator(_utf8), AfterValidator(_line)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_utf8), AfterValidator(_line)]
Text = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_utf8)]
RelativePath = Annotated[str, Field(max_length=MAX_PATH), AfterValidator(_utf8), AfterValidator(check_path)]


Seconds = Annotated[float, Strict()]
"""A number, not a text that holds one."""


class Word(NamedTuple):
    """A sung word and when it sounds, in seconds from the start of the recording."""

    word: str
    start_s: Seconds
    end_s: Seconds


class Event(NamedTuple):
    """A tag with a place in time, in seconds from the start of the recording."""

    event: Annotated[str, AfterValidator(normalise_tag)]
    onset_s: Seconds
    offset_s: Seconds


class Recording(BaseModel):
    """A recording of the library.

    Attributes
    ----------
    id : unique in its catalog, at most 200 characters.
    path : audio file relative to the catalog's folder.
    tags : normalised (see `normalise_tag`), no tag twice, in the order written.
    lyrics : None when nobody knows them, ``""`` when the recording is known to have none.
    language : of the lyrics, a BCP 47 code such as ``en`` or ``pt-BR``.
    words : sung words with times in seconds.
    stems : name of a stem to its path, relative to the catalog's folder.
    labels : events, named as tags are, with onset and offset in seconds.
    split : None leaves the choice to `catalog.splits.SplitAssigner`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    path: RelativePath
    artist: Name | None = None
    album: Name | None = None
    title: Name | None = None
    package: Name | None = None
    licence: Name | None = None
    tags: Annotated[tuple[Text, ...], FailFast()] = ()
    lyrics: Text | None = None
    language: str | None = None
    words: Annotated[tuple[Word, ...], FailFast()] = ()
    stems: dict[Name, RelativePath] = Field(default_factory=dict)
    labels: Annotated[tuple[Event, ...], FailFast()] = ()
    split: Split | None = None

    @field_validator("tags")
    @classmethod
    def _normal_tags(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        if len(tags) > MAX_TAGS:
            raise ValueError(f"holds {len(tags)} tags, at most {MAX_TAGS} are allowed")
        if not all(map(str.strip, tags)):
            raise ValueError("holds an empty tag: write one '|' between two tags, as in pop|rock")
        return tuple(dict.fromkeys(normalise_tag(tag) for tag in tags))

    @field_validator("lyrics")
    @classmethod
    def _no_blanks(cls, lyrics: str | None) -> str | None:
        return lyrics if lyrics is None or lyrics.strip() else ""

    @field_validator("language")
    @classmethod
    def _language_code(cls, language: str | None) -> str | None:
        if language is not None and not _LANGUAGE.fullmatch(language):
            raise ValueError("is not a language code such as en or pt-BR")
        return language

    @field_validator("words", "labels")
    @classmethod
    def _times_in_order(cls, timed: tuple[Word | Event, ...]) -> tuple[Word | Event, ...]:
        for name, start_s, end_s in timed:
            _utf8(name)
            if not (math.isfinite(end_s) and 0 <= start_s <= end_s):
                raise ValueError(f"times of {name!r} are {start_s} to {end_s} s: want 0 <= start <= end")
        return timed
