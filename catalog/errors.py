"""What the catalog raises when it cannot go on; a wrong row is a `catalog.format.Problem` instead."""

from audio.errors import DaCapoError


class CatalogError(DaCapoError):
    """A catalog, vocabulary or source that cannot be used at all, in one line."""
