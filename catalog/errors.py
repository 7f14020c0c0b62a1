"""What the catalog raises when it cannot go on; a wrong row is a `catalog.format.Problem` instead."""

from audio.errors import DaCapoError


class CatalogError(DaCapoError):
    """A catalog, vocabulary or source that cannot be used at all, in one line."""


class WorkerKilledError(RuntimeError):
    """A process that makes recordings was ended from outside: a failure, and nothing that a user gave."""

    def __init__(self) -> None:
        super().__init__(
            "a process of this build ended before its work did (killed, most often for memory); the same command goes "
            "on where it was"
        )
