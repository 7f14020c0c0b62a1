"""The library that another one is made of, and what its recordings hand down to their takes."""

import math
import os
from collections.abc import Callable, Iterator
from typing import Any

from catalog.derived.dealing import Source
from catalog.derived.making import Take
from catalog.errors import CatalogError
from catalog.format import Catalog, open_catalog
from catalog.problem import Problem
from catalog.recording import MAX_ID, Recording, Split
from catalog.splits import SplitAssigner, group_of, placed_rows

MAX_TOLD = 100
_INHERITED = frozenset({"artist", "album", "title", "package", "licence"})
_UNUSED = {
    name: field.get_default(call_default_factory=True)
    for name, field in Recording.model_fields.items()
    if name not in _INHERITED | {"id", "path"}
}
"""What no take has of its source, blank: lyrics and times of words are most of a large catalog."""


def open_source(
    path: str | os.PathLike[str],
    *,
    kind: str,
    workers: int,
    excerpt_s: float,
    minutes: float | None,
    say: Callable[[str], None] | None,
) -> tuple[Catalog, list[Source | None], int | None]:
    """The catalog, a source for each of its rows, and how many takes `minutes` are.

    A source holds what `row_of` hands down, its id and its path; all else is blank.

    Parameters
    ----------
    path : of the catalog
    kind : of library that is made of it, the name of its catalog without suffix
    workers, excerpt_s, minutes : of the build, which are checked first
    say : told of each row that is left out

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
    sources: list[Source | None] = []
    for placed, usable in read_rows(catalog, say):
        if placed is None:
            sources.append(None)
        else:
            recording, split = placed
            sources.append((recording.model_copy(update=_UNUSED) if usable else None, split))
    return catalog, sources, None if minutes is None else max(1, round(60 * minutes / excerpt_s))


def read_rows(
    catalog: Catalog, say: Callable[[str], None] | None
) -> Iterator[tuple[tuple[Recording, Split] | None, bool]]:
    """Every row of a catalog, one that is wrong as well, so that the next one has its number whether that is mended or
    not.

    Parameters
    ----------
    catalog : that is read
    say : told of rows that are wrong, one line each of the first `MAX_TOLD`, and how many more there are

    Yields
    ------
    placed : tuple of Recording and Split, or None
        None of a row whose cells cannot be read.
    usable : bool
        Whether nothing is wrong with the row, its file is there.
    """
    say = say or (lambda line: None)
    last, wrong = 0, 0
    for row, placed in placed_rows(catalog, SplitAssigner()):
        if isinstance(row, Problem):
            if row.row == last:
                continue  # one line is enough, and one place
            last, wrong = row.row, wrong + 1
            if wrong <= MAX_TOLD:
                say(f"left out: {row}")
        yield placed, not isinstance(row, Problem)
    if wrong > MAX_TOLD:
        say(f"left out: {wrong - MAX_TOLD} more rows of {catalog.path.name}; 'dacapo catalog check' tells them all")


def row_of(take: Take, split: Split, **values: Any) -> Recording:
    """The row of a take: artist, album, title, package and licence of its source, the rest from `values`.

    Takes of a source that has neither artist nor package have its id for a package: they are no recordings of their own
    where artists are counted.
    """
    suffix = f"~{take.name}"
    inherited = take.source.model_dump(include=set(_INHERITED))
    if group_of(take.source)[0] == "id":
        inherited["package"] = take.source.id
    return Recording(id=take.source.id[: MAX_ID - len(suffix)] + suffix, split=split, **inherited, **values)
