"""A library of takes on disk: its folder, held by one build at a time, the takes in it, and at last their catalog."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from catalog.derived.folder import check_takes, claim, sweep
from catalog.derived.making import Maker, Result, T, make_all
from catalog.errors import CatalogError
from catalog.folder import alone
from catalog.format import Catalog, open_catalog
from catalog.recording import Recording


def build_library(
    maker: Maker[T],
    takes: Sequence[T],
    *,
    workers: int,
    progress: Callable[[int, int], None] | None,
    say: Callable[[str], None] | None,
    use: str,
) -> Path:
    """Write ``<folder>.csv`` beside the catalog of the sources, and the takes in ``<folder>``, those first.

    A complete library is left as it is. Of one that changes the catalog goes before the first of its takes, so that a
    build which is broken off leaves no catalog of files that are gone.

    Parameters
    ----------
    maker : of the takes, which says where they lie
    takes : in the order of the rows
    workers : processes, started by spawn
    progress : called with (takes done, takes in all)
    say : told of each recording that was left out
    use : what recordings are wanted for, as in "holds no recording that <use>"

    Returns
    -------
    Path
        Of the catalog.

    Raises
    ------
    CatalogError
        No recording can be used, the folder or the catalog holds what others wrote, or another build is at work there.
    AudioError
        A take cannot be written.
    OSError
        The disk is full.
    WorkerKilledError
        A worker was killed; what was made until then is kept.
    """
    sources = maker.catalog
    target, folder = sources.root / f"{maker.folder}.csv", sources.root / maker.folder
    check_takes(target)
    nothing = CatalogError(f"{sources.path}: holds no recording that {use}")
    if not any(maker.paths(take) for take in takes):
        raise nothing  # before earlier takes go: most often the music is where nobody has mounted it
    claim(folder, target)
    with alone(folder):
        known = [maker.known(take) for take in takes]
        if target.is_file() and not _is_complete(target, maker, takes, known):
            target.unlink()
        sweep(folder, _files(maker, takes))
        results = make_all(maker, takes, known, workers, progress or (lambda done, total: None))
        if say is not None:
            for line in _left_out(maker, takes, results):
                say(line)
        rows = _rows(maker, takes, results)
        if not any(maker.paths(take) for take, result in zip(takes, results, strict=True) if "left_out" not in result):
            raise nothing
        return target if target.is_file() else Catalog.write(target, sources.library, rows).path


def _is_complete(target: Path, maker: Maker[T], takes: Sequence[T], known: Sequence[Result | None]) -> bool:
    """Whether all takes are there and the catalog, under the library's name, holds them and no others."""
    results = [result for result in known if result is not None]
    if len(results) < len(takes):
        return False
    made = open_catalog(target)
    return made.library == maker.catalog.library and list(made.rows(check_files=False)) == _rows(maker, takes, results)


def _left_out(maker: Maker[T], takes: Sequence[T], results: Sequence[Result]) -> list[str]:
    """A line for each reason; where other takes of the recording were made it tells how many were not."""
    of = Counter(take.source.path for take in takes if maker.paths(take))
    reasons = Counter(
        (of[take.source.path] if maker.paths(take) else 1, result["left_out"])
        for take, result in zip(takes, results, strict=True)
        if "left_out" in result
    )
    return [
        f"left out: {reason}" if count == takes_of else f"left out, {count} of {takes_of} takes: {reason}"
        for (takes_of, reason), count in reasons.items()
    ]


def _rows(maker: Maker[T], takes: Sequence[T], results: Sequence[Result]) -> list[Recording]:
    made = (pair for pair in zip(takes, results, strict=True) if "left_out" not in pair[1])
    return [maker.row(take, result) for take, result in made]


def _files(maker: Maker[T], takes: Sequence[T]) -> set[str]:
    """Names of the files that takes may have."""
    return {PurePosixPath(path).name for take in takes for path in (*maker.paths(take).values(), maker.mark(take).name)}
