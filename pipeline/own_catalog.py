"""The catalog that a run learns from is of the library that the run is for."""

from catalog.errors import CatalogError
from catalog.format import Catalog, open_catalog
from pipeline.settings import Settings
from pipeline.terminal import typed

BUILT = ("builtin", "debian")
DERIVED = {"damaged": "damage", "noisy": "noise"}
"""Catalogs that are made of another one, and the command of ``dacapo catalog`` that does."""


def open_own_catalog(settings: Settings) -> Catalog:
    """The catalog that `settings` name, whose header names their library.

    Schemas, gate, baseline and served models go by the library's name: with another one, songs of one library would
    be learnt and judged by the rules of another, and the model be served in the place of its.

    Raises
    ------
    CatalogError
        If the catalog cannot be opened, or is of another library. Of one in the home folder that is not there it says
        the command that makes it.
    """
    path = settings.catalog_path
    if settings.catalog is None and not path.exists() and (made := _made_by(settings)) is not None:
        raise CatalogError(f"{path}: there is no such catalog file; make it with: {made}")
    catalog = open_catalog(path)
    if catalog.library != settings.library:
        raise CatalogError(
            f"{catalog.path}: is a catalog of the library {catalog.library}, and the run is for {settings.library}: "
            f"say --library {catalog.library}, or name a catalog of {settings.library}"
        )
    return catalog


def _made_by(settings: Settings) -> str | None:
    """The command that makes the catalog of a task in the home folder; None where that is for the user to know."""
    source = settings.catalog_path.with_name("catalog.csv")
    if not source.is_file():
        known = settings.library in BUILT
        return typed("catalog", "build", settings.library, home=settings.home) if known else None
    command = DERIVED.get(settings.catalog_path.stem)
    return None if command is None else typed("catalog", command, settings.library, home=settings.home)
