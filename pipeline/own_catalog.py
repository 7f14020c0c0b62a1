"""The catalog that a run learns from is of the library that the run is for."""

from catalog.errors import CatalogError
from catalog.format import Catalog, open_catalog
from pipeline.settings import Settings


def open_own_catalog(settings: Settings) -> Catalog:
    """The catalog that `settings` name, whose header names their library.

    Schemas, gate, baseline and served models go by the library's name: with another one, songs of one library would
    be learnt and judged by the rules of another, and the model be served in the place of its.

    Raises
    ------
    CatalogError
        If the catalog cannot be opened, or is of another library.
    """
    catalog = open_catalog(settings.catalog_path)
    if catalog.library != settings.library:
        raise CatalogError(
            f"{catalog.path}: is a catalog of the library {catalog.library}, and the run is for {settings.library}: "
            f"say --library {catalog.library}, or name a catalog of {settings.library}"
        )
    return catalog
