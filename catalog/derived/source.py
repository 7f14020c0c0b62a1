"""The library that another one is made of, and what its recordings hand down to their takes."""

import math
import os
from typing import Any

from catalog.derived.making import Take
from catalog.errors import CatalogError
from catalog.format import Catalog, open_catalog
from catalog.problem import Problem
from catalog.recording import MAX_ID, Recording, Split
from catalog.splits import SplitAssigner, group_of, with_splits

Source = tuple[Recording, Split]


def open_source(
    path: str | os.PathLike[str],
    *,
    kind: str,
    workers: int,
    excerpt_s: float,
    minutes: float | None,
) -> tuple[Catalog, list[Source], int | None]:
    """The catalog, its recordings with their splits, and how many takes `minutes` are.

    Parameters
    ----------
    path : of the catalog
    kind : of library that is made of it, the name of its catalog without suffix
    workers, excerpt_s, minutes : of the build, which are checked first

    Raises
    ------
    CatalogError
        A parameter is out of range, or the catalog cannot be opened, or is the one that is to be made.
    """
    if workers < 1:
        raise CatalogError(f"workers={workers} must be at least 1")
    for name, value in (("excerpt_s", excerpt_s), ("minutes", minutes)):
        if value is not None and not (value > 0 and math.isfinite(value)):
            raise CatalogError(f"{name}={value} must be a number above 0")
    catalog = open_catalog(path)
    if catalog.path.resolve() == (catalog.root / f"{kind}.csv").resolve():
        raise CatalogError(f"{catalog.path}: is a {kind} library itself; name the catalog that it was made of")
    sources = [placed for placed in with_splits(catalog, SplitAssigner()) if not isinstance(placed, Problem)]
    return catalog, sources, None if minutes is None else max(1, round(60 * minutes / excerpt_s))


def row_of(take: Take, split: Split, **values: Any) -> Recording:
    """The row of a take: artist, album, title, package and licence of its source, the rest from `values`.

    Takes of a source that has neither artist nor package have its id for a package: they are no recordings of their own
    where artists are counted.
    """
    suffix = f"~{take.name}"
    inherited = take.source.model_dump(include={"artist", "album", "title", "package", "licence"})
    if group_of(take.source)[0] == "id":
        inherited["package"] = take.source.id
    return Recording(id=take.source.id[: MAX_ID - len(suffix)] + suffix, split=split, **inherited, **values)
