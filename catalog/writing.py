"""Files that are either whole or not there; those of audio are written by `audio.writing`."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from audio.errors import naming

PART = ".part"
_LETTERS = 50  # of the name; four bytes each at most, and a file system takes 255 in all


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """A path to write to, whose file becomes `path` when the block ends without an error: synced to the disk, then
    renamed.

    Until then it is ``<start of the name>-<random>.part`` beside it, which a kill leaves there.
    """
    part = path.with_name(f"{path.name[:_LETTERS]}-{secrets.token_hex(4)}{PART}")
    try:
        yield part
        with naming(path, part):
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def whole(path: Path) -> Iterator[TextIO]:
    """A text file to write, in UTF-8, which becomes `path` as in `staged`."""
    with staged(path) as part, naming(path, part), part.open("x", encoding="utf-8") as file:
        yield file
