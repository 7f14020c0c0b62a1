"""What goes wrong with a user's input, in one line each."""

from os import PathLike, fspath


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
        super().__init__(f"{self.path if self.path.isprintable() else ascii(self.path)}: {self.reason}")

    def __reduce__(self) -> tuple[type["AudioError"], tuple[str, str]]:
        return AudioError, (self.path, self.reason)
