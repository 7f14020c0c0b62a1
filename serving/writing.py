"""Text files that are either whole or not there."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

PART = ".part"


@contextmanager
def whole(path: Path) -> Iterator[TextIO]:
    """A file to write, which becomes `path` when the block ends without an error: synced to the disk, then renamed.

    Until then it is ``<name>-<random>.part`` beside it, which a kill leaves there.
    """
    part = path.with_name(f"{path.name}-{secrets.token_hex(4)}{PART}")
    try:
        with part.open("x", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
