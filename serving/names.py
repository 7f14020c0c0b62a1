"""Names in the file system for what others named: an id of a catalog is any line of text."""

import hashlib
import re

MAX_KEPT = 60
_SAFE = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_MARKED = re.compile(r".*-[0-9a-f]{16}")
_UNSAFE = re.compile(r"[^a-z0-9_]+")


def folder_name(name: str) -> str:
    """A name for a file or folder, one a `name`: lower-case ASCII letters, digits, ``_`` and ``-``, at most 77 of them.

    A name that is such a word already stays as it is. Of any other, what can be kept is followed by 16 digits of its
    SHA-256, so that ``A`` and ``a`` differ where a file system does not tell them apart, and ``..``, ``/`` and NUL lead
    nowhere.
    """
    if _SAFE.fullmatch(name) and not _MARKED.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    kept = _UNSAFE.sub("-", name.lower())[:MAX_KEPT].strip("-_")
    return f"{kept}-{digest}" if kept else f"id-{digest}"
