"""Which excerpt of which recording gets which noise, and how much: dealt like cards, so that every split holds all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from audio.noises import MAKERS, background, chain
from catalog.derived.dealing import Dealer, Source, choose
from catalog.noise.pool import NoisePool, NoiseRecording
from catalog.recording import Recording, Split

KINDS = (*MAKERS, chain.NAME)
CLEAN = "clean"
BANDS_DB = (0, 5, 10, 15)
"""Signal-to-noise ratios; a take lies within half the distance of two of them, `SPREAD_DB`, and carries its tag."""
SPREAD_DB = 2.5
CLEAN_CARDS = 4
BACKGROUND_ROUNDS = 6
"""So often a training round holds the cards of background noise where there are recordings of it: one rain is less like
another than one hiss is, and what is learnt of few of them is to leave all as it is. A round is 48 takes then."""
REAL_SHARE = 0.75
"""Of the takes of a kind of which there are recordings, so many get a recording; the others are made by formula."""


def band_tag(snr_db: float) -> str:
    """The tag of the band that a signal-to-noise ratio lies in or next to: ``snr 10`` for 8.1 dB."""
    return f"snr {min(BANDS_DB, key=lambda band: abs(band - snr_db))}"


@dataclass(frozen=True)
class Take:
    """One excerpt.

    Attributes
    ----------
    source : the recording.
    split : of the source, and so of its takes.
    row : of the source in its catalog, from 0.
    number, takes : which of how many takes of the source this is; each comes from a part of its own.
    kind : of the noise; `CLEAN` has none.
    snr_db : of the whole excerpt; None for a clean one.
    recording : a real noise; None where it is made by formula.
    seed : of everything random about it.
    """

    source: Recording
    split: Split
    row: int
    number: int
    takes: int
    kind: str
    snr_db: float | None
    recording: NoiseRecording | None
    seed: tuple[int, ...]

    @property
    def name(self) -> str:
        """Name of its files, without suffix."""
        return f"{self.row:06d}-{self.number}"

    @property
    def tags(self) -> tuple[str, ...]:
        """Kind of noise and band of its level, or that there is none."""
        return (CLEAN,) if self.snr_db is None else (self.kind, band_tag(self.snr_db))


def deck(background_rounds: int = 1) -> list[tuple[str, int | None]]:
    """A round of cards: every kind at every level once, background so often, and `CLEAN_CARDS` without noise."""
    kinds = [*KINDS, *[background.NAME] * (background_rounds - 1)]
    return [(kind, band) for kind in kinds for band in BANDS_DB] + [(CLEAN, None)] * CLEAN_CARDS


def plan_takes(
    sources: Iterable[Source | None],
    pool: NoisePool,
    *,
    seed: int,
    takes: Mapping[Split, int],
    limit: int | None,
) -> list[Take]:
    """The takes of a library.

    Parameters
    ----------
    sources : every row of the catalog
    pool : recordings of noise, of which a take gets one of its own split
    seed : of deals and draws
    takes, limit : as in `catalog.derived.dealing.choose`

    Returns
    -------
    list of Take
        In the order of the catalog.
    """
    varied = BACKGROUND_ROUNDS if pool.names("train", background.NAME) else 1
    dealer = Dealer(lambda split: deck(varied if split == "train" else 1), seed)
    planned = []
    for source, split, row, number, of in choose(sources, seed=seed, takes=takes, limit=limit):
        kind, band = dealer.deal(split)
        if source is None:
            continue
        rng = np.random.default_rng([seed, 3, row, number])
        snr_db = None if band is None else band + round(float(rng.uniform(-SPREAD_DB, SPREAD_DB)), 2)
        recording = pool.draw(split, kind, rng) if rng.random() < REAL_SHARE else None
        planned.append(Take(source, split, row, number, of, kind, snr_db, recording, (seed, row, number)))
    return planned
