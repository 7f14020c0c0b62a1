"""What goes wrong with a user's input, in one line each."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath

# Control characters, lone surrogates (bytes that were not UTF-8), line separators and text-direction overrides.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069]")


FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""errno where a disk, or this user's share of it, takes no more. That is nothing that a user gave, and no reason to
leave a file out: it stays an OSError, and ends the work.
"""
PASSING = FULL | {
    errno.EIO, errno.EAGAIN, errno.EINTR, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ETIMEDOUT,
    errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH, errno.ENOTCONN, errno.ECONNRESET,
    errno.EREMOTEIO,
}  # fmt: skip
"""errno of a disk, a network drive or a machine that fails, which another day does not. A recording is not left out for
that either: what is found about a file is kept with the catalog's fingerprint, and nobody would look again.
"""


class DaCapoError(ValueError):
    """A mistake in what a user gave (a file, a catalog, a setting), told in one line that says what would be right."""


class AudioError(DaCapoError):
    """An audio file that cannot be used; the message is ``path: reason``.

    Attributes
    ----------
    path : the file, as the caller named it.
    reason : one line, without the path.
    """

    def __init__(self, path: str | PathLike[str], reason: str) -> None:
        self.path = fspath(path)
        self.reason = " ".join(reason.split())
        super().__init__(f"{escaped(self.path)}: {self.reason}")

    def __reduce__(self) -> tuple[type["AudioError"], tuple[str, str]]:
        return AudioError, (self.path, self.reason)


@contextmanager
def naming(path: str | PathLike[str], part: str | PathLike[str] | None = None) -> Iterator[None]:
    """Gives `path` to an OSError that names no file, or `part`, which was to become it.

    What fails to write says what is wrong, but not where.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None or (part is not None and fspath(part) == error.filename):
            error.filename = fspath(path)
            del error.filename2  # where it is None the message says "-> None"
        raise


def escaped(text: str) -> str:
    r"""`text` on one line, with escapes for what a terminal should not get: ``\xf6`` for a byte that was not UTF-8."""
    return _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
