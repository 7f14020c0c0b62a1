"""Which excerpt of which recording gets which defects: dealt like cards, so that every split holds all of them; and
which recordings stay as they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from audio.damage import bursts, clicks, clipping, dropouts, hum, transmission
from audio.errors import AudioError
from audio.files import probe
from catalog.derived.dealing import Dealer, Source, choose
from catalog.recording import Recording, Split

DEFECTS = (
    clicks.NAME, dropouts.NAME, transmission.CODEC, transmission.SKIP, clipping.NAME, hum.NAME, bursts.NAME,
)  # fmt: skip
ALONE = 2
HARD = (clicks.NAME, transmission.SKIP)
CLEAN = 6
WHOLE = "whole"


@dataclass(frozen=True)
class Take:
    """One excerpt.

    Attributes
    ----------
    source : the recording.
    split : of the source, and so of its takes.
    row : of the source in its catalog, from 0.
    number, takes : which of how many takes of the source this is; each comes from a part of its own.
    defects : what is done to it; what is heard in the end decides its labels.
    seed : of everything random about it.
    """

    source: Recording
    split: Split
    row: int
    number: int
    takes: int
    defects: tuple[str, ...]
    seed: tuple[int, ...]

    @property
    def name(self) -> str:
        """Name of its file, without suffix."""
        return f"{self.row:06d}-{self.number}"


@dataclass(frozen=True)
class Whole:
    """A recording from beginning to end, as it is.

    Attributes
    ----------
    source, split, row : as of a `Take`.
    """

    source: Recording
    split: Split
    row: int

    @property
    def name(self) -> str:
        """Of its mark, without suffix."""
        return f"{self.row:06d}-{WHOLE}"


def is_whole(recording: Recording) -> bool:
    """Whether a row of a damaged library names a recording that nothing was done to."""
    return recording.id.endswith(f"-{WHOLE}")


def deck() -> list[tuple[str, ...]]:
    """A round of cards: each defect alone `ALONE` times (once more if it is `HARD` to hear) and in two pairs, and
    `CLEAN` clean ones.

    Returns
    -------
    list of tuple of str
        Each defect on four of 29 cards, those that are hard to hear on five.
    """
    return [(name,) for name in DEFECTS] * ALONE + [(name,) for name in HARD] + _PAIRS + [()] * CLEAN


_PAIRS = [pair for pair in combinations(DEFECTS, 2) if (DEFECTS.index(pair[1]) - DEFECTS.index(pair[0])) in (2, 5)]


def plan_takes(
    sources: Iterable[Source | None],
    *,
    seed: int,
    takes: Mapping[Split, int],
    limit: int | None,
) -> list[Take]:
    """The takes of a library.

    Parameters
    ----------
    sources : every row of the catalog
    seed : of deals and draws
    takes, limit : as in `catalog.derived.dealing.choose`

    Returns
    -------
    list of Take
        In the order of the catalog.
    """
    dealer = Dealer(lambda _: deck(), seed)
    planned = []
    for source, split, row, number, of in choose(sources, seed=seed, takes=takes, limit=limit):
        defects = dealer.deal(split)
        if source is not None:
            planned.append(Take(source, split, row, number, of, defects, (seed, row, number)))
    return planned


def plan_whole(
    sources: Sequence[Source | None], root: Path, *, seed: int, minutes: float, least_s: float
) -> list[Whole]:
    """Validation recordings that a detector hears whole, to learn how sure it has to be of a defect.

    Parameters
    ----------
    sources : every row of the catalog
    root : folder that their paths start from
    seed : of the draw
    minutes : about so much in all at most; the last recording may end behind it
    least_s : seconds that a recording has to last

    Returns
    -------
    list of Whole
        In the order of the catalog. Recordings that cannot be opened are not among them: their takes tell why.
    """
    chosen: list[Whole] = []
    left_s = 60.0 * minutes
    for row in np.random.default_rng([seed, 3]).permutation(len(sources)).tolist():
        source, split = sources[row] or (None, None)
        if left_s <= 0.0 or source is None or split != "validation":
            continue
        try:
            duration_s = probe(root / source.path).duration_s
        except AudioError:
            continue
        if duration_s >= least_s:
            chosen.append(Whole(source, split, row))
            left_s -= duration_s
    return sorted(chosen, key=lambda whole: whole.row)
