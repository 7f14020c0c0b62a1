"""Marks: beside a file that an importer made of others, which ones it was, so that it is made again when they change.

Conventions
-----------
The mark of ``mixture.wav`` is ``mixture.wav.json``. Files are told apart by their content: what an archive or another
machine brings may have any date. A file without a mark was made by nobody here: it is the user's, and stays as it is.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from audio.errors import PASSING, AudioError
from catalog.writing import whole


def mark_of(target: Path) -> Path:
    """Where the mark of a file lies."""
    return target.with_name(f"{target.name}.json")


def read_mark(target: Path) -> dict[str, Any]:
    """What is written down about a file; empty where nothing is that can be read."""
    try:
        known = json.loads(mark_of(target).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}


def write_mark(target: Path, **facts: object) -> None:
    """Write down facts about a file, in the place of what was known of it."""
    with whole(mark_of(target)) as file:
        file.write(json.dumps(facts))


def digest(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal.

    Raises
    ------
    AudioError
        It cannot be read.
    OSError
        Its disk or the machine fails, which tells nothing about the file.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        if error.errno in PASSING:
            raise
        raise AudioError(path, f"cannot be read: {error.strerror}") from None


def renew(target: Path, sources: Sequence[Path], write: Callable[[], None]) -> None:
    """Have a file written if it is not there, or was written here of other content than `sources` hold now.

    One that somebody has put into the place of what was written here is kept, and so is one of which a source is gone:
    many delete what they no longer need.

    Parameters
    ----------
    target : the file.
    sources : files that it is made of.
    write : makes it, whole or not at all.

    Raises
    ------
    AudioError
        A file cannot be read, or what `write` raises.
    """
    known = read_mark(target)
    there = target.is_file()
    if there and not (known and all(source.is_file() for source in sources)):
        return
    made_of = [digest(source) for source in sources]
    if there and (known.get("made_of") == made_of or known.get("sha256") != digest(target)):
        return
    write()
    # A kill right here leaves a file that is kept as if it were the user's; it is right until its sources change.
    write_mark(target, made_of=made_of, sha256=digest(target))
