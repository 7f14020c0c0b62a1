"""Which split a recording belongs to: grouped by artist, stratified by tag, decided once and for ever.

Conventions
-----------
Recordings come in the catalog's order. A choice looks only at what came before, so rows appended later never move an
earlier one.
"""

import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from catalog.errors import CatalogError
from catalog.format import Catalog
from catalog.problem import Problem
from catalog.recording import SPLITS, Recording, Split
from catalog.vocabulary import Vocabulary

Unit = Literal["artist", "package", "id"]

DEFAULT_SHARES: Mapping[Split, float] = {"train": 0.6, "validation": 0.15, "eval": 0.2, "test": 0.05}


def group_of(recording: Recording) -> tuple[Unit, str]:
    """What must not be torn apart: the artist, else the package, else the recording alone."""
    if recording.artist:
        return "artist", " ".join(unicodedata.normalize("NFKC", recording.artist).casefold().split())
    if recording.package:
        return "package", recording.package.casefold()
    return "id", recording.id


def group_text(named: Mapping[str, Any]) -> str:
    """`group_of` as one text, by the fields of a recording that it looks at: ``id``, ``artist``, ``package``."""
    return ":".join(group_of(Recording.model_construct(**named)))


class SplitAssigner:
    """Assigns splits one recording after the other.

    A `split` in the catalog wins. Else a recording follows its group (`group_of`); the first of a group goes where the
    rarest of its tags so far is most under its share, then the next rarest, then where recordings are: iterative
    stratification (Sechidis, Tsoumakas, Vlahavas 2011, algorithm 1), done online. Splits that want less than half a
    recording more or less are tied, and a draw from the seed and the group decides: another seed, another division.

    Memory grows with the number of artists (about 150 bytes each), not of recordings.

    Parameters
    ----------
    seed : of the draws.
    shares : of recordings by split; they sum to 1.

    Attributes
    ----------
    units : how many recordings were grouped by ``artist``, ``package`` or ``id``, or came with a ``split``.
    torn : recordings whose own `split` differs from their group's.
    """

    def __init__(self, seed: int = 0, shares: Mapping[Split, float] = DEFAULT_SHARES) -> None:
        if set(shares) - set(SPLITS) or min(shares.values(), default=-1) < 0 or abs(sum(shares.values()) - 1) > 1e-6:
            raise CatalogError(
                f"shares={dict(shares)!r} must give splits out of {', '.join(SPLITS)} non-negative shares that sum to 1"
            )
        self._seed = seed
        self._shares: dict[Split, float] = {split: shares[split] for split in SPLITS if shares.get(split, 0) > 0}
        self._groups: dict[tuple[Unit, str], Split] = {}
        self._by_tag: defaultdict[str, Counter[Split]] = defaultdict(Counter)
        self._recordings: Counter[Split] = Counter()
        self.units: Counter[str] = Counter()
        self.torn = 0

    def assign(self, recording: Recording) -> Split:
        """The split of `recording`, which is then counted in."""
        group = group_of(recording)
        known = self._groups.get(group)
        if recording.split:
            split = recording.split
            self.units["split"] += 1
            self.torn += known is not None and known != split
        else:
            split = known or self._most_wanting(recording, group)
            self.units[group[0]] += 1
        if group[0] != "id":
            self._groups.setdefault(group, split)
        self._recordings[split] += 1
        for tag in recording.tags:
            self._by_tag[tag][split] += 1
        return split

    def _most_wanting(self, recording: Recording, group: tuple[Unit, str]) -> Split:
        draws = {split: _uniform(f"{self._seed}\0{group[0]}\0{group[1]}\0{split}") for split in self._shares}
        candidates = list(self._shares)
        rarest_first = sorted(recording.tags, key=lambda tag: (self._by_tag[tag].total(), tag))
        for counts in [*(self._by_tag[tag] for tag in rarest_first), self._recordings]:
            total = counts.total() + 1
            wanting = {split: self._shares[split] * total - counts[split] for split in candidates}
            most = max(wanting.values())
            candidates = [split for split in candidates if wanting[split] > most - 0.5]
            if len(candidates) == 1:
                break
        return max(candidates, key=lambda split: (self._shares[split] * draws[split], split))


def with_splits(
    catalog: Catalog, assigner: SplitAssigner, *, vocabulary: Vocabulary | None = None
) -> Iterator[tuple[Recording, Split] | Problem]:
    """The rows of a catalog with their splits. A row whose file is missing, or a tag of which is unknown, has its split
    as well: once that is mended, no other has moved.
    """
    for row, placed in placed_rows(catalog, assigner, vocabulary=vocabulary):
        if isinstance(row, Problem):
            yield row
        elif placed is not None:
            yield placed


def placed_rows(
    catalog: Catalog, assigner: SplitAssigner, *, vocabulary: Vocabulary | None = None
) -> Iterator[tuple[Recording | Problem, tuple[Recording, Split] | None]]:
    """The rows of a catalog, and beside each, or the first of a row's problems, the recording that it is of with its
    split; None where its cells cannot be read.
    """
    placed: list[tuple[Recording, Split]] = []

    def place(recording: Recording) -> None:
        placed.append((recording, assigner.assign(recording)))

    for row in catalog.rows(vocabulary=vocabulary, reads=place):
        yield row, placed.pop() if placed else None


def _uniform(key: str) -> float:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) / 2**64
