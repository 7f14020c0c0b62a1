"""Cells of text to a `Recording` and back: the encoding that CSV and Parquet share."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from catalog.problem import Fault
from catalog.recording import SPLITS, Recording

COLUMNS = (
    "id",
    "path",
    "artist",
    "album",
    "title",
    "package",
    "licence",
    "tags",
    "lyrics",
    "has_lyrics",
    "language",
    "words",
    "stems",
    "labels",
    "split",
)
REQUIRED = ("id", "path")

_TRIMMED = ("artist", "album", "title", "package", "licence", "language", "split")
_JSON = ("words", "stems", "labels")
_HAS_LYRICS = {"": None, "0": False, "1": True}


def decode(cells: Mapping[str, str]) -> Recording | list[Fault]:
    """The recording that a row describes, or every cell that is wrong in it.

    Parameters
    ----------
    cells : text by column; an absent column equals a blank cell.

    Returns
    -------
    Recording or list of Fault
        The list is never empty.
    """
    faults: list[Fault] = []
    values: dict[str, Any] = {"id": cells.get("id", ""), "path": cells.get("path", "")}
    for column in _TRIMMED:
        values[column] = cells.get(column, "").strip() or None
    if tags := cells.get("tags", "").strip():
        values["tags"] = tuple(tags.split("|"))
    for column in _JSON:
        text = cells.get(column, "").strip()
        try:
            if text:
                values[column] = _json(text)
        except (ValueError, RecursionError):
            faults.append(Fault(column, text, "is not JSON"))
    try:
        values["lyrics"] = _lyrics(cells.get("lyrics", ""), cells.get("has_lyrics", "").strip())
    except ValueError as error:
        faults.append(Fault("has_lyrics", cells.get("has_lyrics", ""), str(error)))
    try:
        recording = Recording(**values)
    except ValidationError as error:
        return faults + _faults(error, cells)
    return faults or recording


def encode(recording: Recording) -> dict[str, str | None]:
    """Text by column for `recording`; None where the value is missing (a blank cell of CSV, a null of Parquet)."""

    def compact(value: object) -> str | None:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if value else None

    return {
        "id": recording.id,
        "path": recording.path,
        "artist": recording.artist,
        "album": recording.album,
        "title": recording.title,
        "package": recording.package,
        "licence": recording.licence,
        "tags": "|".join(recording.tags) or None,
        "lyrics": recording.lyrics,
        "has_lyrics": "0" if recording.lyrics is None else "1",
        "language": recording.language,
        "words": compact(recording.words),
        "stems": compact(recording.stems),
        "labels": compact(recording.labels),
        "split": recording.split,
    }


def reason_of(detail: ErrorDetails, column: str) -> str:
    """What pydantic found wrong with the value of a column, so that ``value reason`` is a sentence."""
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    if column == "split":
        return f"is not one of {', '.join(SPLITS)}, or blank"
    if detail["type"] == "string_too_short":
        return "is empty"
    if detail["type"] == "string_too_long":
        return f"has more than {detail['ctx']['max_length']} characters"
    if detail["type"] == "string_unicode":
        return "is not UTF-8"
    if column in _JSON:
        place = ".".join(map(str, detail["loc"][1:])) or "the top"
        return f"has a wrong value at {place}: {detail['msg'].lower()}"
    return f"is wrong: {detail['msg'].lower()}"


def _lyrics(text: str, has_lyrics: str) -> str | None:
    if not text.strip():
        text = ""  # a cell of blanks is blank, as in every column
    if has_lyrics not in _HAS_LYRICS:
        raise ValueError("is not 0, 1 or blank")
    known = _HAS_LYRICS[has_lyrics]
    if known is None:
        return text or None
    if text and not known:
        raise ValueError("says that the lyrics are missing, but the lyrics cell holds text")
    return text if known else None


def _json(text: str) -> Any:
    def no_constant(name: str) -> NoReturn:
        raise ValueError(name)

    return json.loads(text, parse_constant=no_constant)


def _faults(error: ValidationError, cells: Mapping[str, str]) -> list[Fault]:
    """One fault a column: further errors in the same cell follow from the first."""
    by_column: dict[str, Fault] = {}
    for detail in error.errors(include_url=False):
        column = str(detail["loc"][0])
        by_column.setdefault(column, Fault(column, cells.get(column, ""), reason_of(detail, column)))
    return list(by_column.values())
