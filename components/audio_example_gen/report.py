"""What AudioExampleGen did with a catalog, as ``report.json`` in the CatalogReport artifact."""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import tensorflow as tf
from pydantic import BaseModel, ConfigDict

from audio.errors import DaCapoError
from catalog.problem import Problem
from catalog.recording import SPLITS, Split
from components.audio_example_gen.ingest import ChunkResult, Ingested
from components.audio_example_gen.plan import Plan

REPORT_FILE = "report.json"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SetAsideCell(_Entry):
    """Why a row is not among the Examples; a row with several wrong cells has several of these.

    Attributes
    ----------
    line : what to show a user.
    """

    row: int
    recording_id: str | None
    column: str
    line: str


class TagCount(_Entry):
    """Recordings and distinct artists."""

    recordings: int
    artists: int


class SplitCount(_Entry):
    """What a split holds; `duration_s` is the audio of its recordings, before excerpts and padding."""

    recordings: int
    artists: int
    examples: int
    duration_s: float


class CatalogSummary(_Entry):
    """The report.

    Attributes
    ----------
    rows : rows of the catalog; `set_aside_rows` of them are not among the Examples, for the reasons in `set_aside`.
    split_units : how many recordings were given their split by artist, package, id, or by the catalog's split column.
    torn : how many of them the catalog puts into another split than an earlier one of their artist, else package.
    splits : by name. An artist is what recordings are grouped by: artist, else package, else id.
    tags : tag to split to counts; of the vocabulary, parents included, or all tags where there is no vocabulary.
    duration_s : audio in all splits.
    decode_x_real_time : seconds of audio by second of one worker's time, from file to shard, descriptors included.
    """

    library: str
    catalog: str
    rows: int
    set_aside_rows: int
    set_aside: tuple[SetAsideCell, ...]
    split_units: dict[str, int]
    torn: int = 0
    splits: dict[Split, SplitCount]
    tags: dict[str, dict[Split, TagCount]]
    duration_s: float
    decode_x_real_time: float


class TooManySetAside(DaCapoError):
    """More rows are set aside than allowed, or all of them.

    TFX deletes the artifacts of a failed component, so the lines travel with the error.

    Attributes
    ----------
    problems : one a wrong cell, in the catalog's order; ``str(problem)`` is the line to show.
    """

    def __init__(self, message: str, problems: Sequence[Problem]) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


def check_share(problems: Sequence[Problem], rows: int, max_share: float) -> None:
    """Does nothing as long as enough rows are left.

    Raises
    ------
    TooManySetAside
        If the share of rows with a problem is above `max_share`, or no row is left.
    """
    aside = len({problem.row for problem in problems})
    if rows == 0:
        raise TooManySetAside("the catalog has no rows: there is nothing to learn from", problems)
    if aside > max_share * rows or aside == rows:
        share = f"{aside} of {rows} recordings ({100 * aside / rows:.1f} %) were set aside"
        allowed = "none is left" if aside == rows else f"more than max_set_aside_share={100 * max_share:.4g} %"
        raise TooManySetAside(f"{share}, {allowed}; first: {problems[0]}", problems)


def summarise(plan: Plan, results: Iterable[ChunkResult], problems: Sequence[Problem]) -> CatalogSummary:
    """The report of a run.

    Parameters
    ----------
    results : of every chunk, in order.
    problems : of the first pass and of the chunks, in order of rows.
    """
    splits: dict[Split, _Tally] = {split: _Tally() for split in SPLITS}
    tags: dict[str, dict[Split, _Tally]] = defaultdict(lambda: {split: _Tally() for split in SPLITS})
    busy_s = 0.0
    for result in results:
        busy_s += result.busy_s
        for recording in result.recordings:
            splits[recording.split].add(recording)
            for tag in recording.tags:
                tags[tag][recording.split].add(recording)
    duration_s = sum(tally.duration_s for tally in splits.values())
    return CatalogSummary(
        library=plan.library,
        catalog=plan.catalog,
        rows=plan.rows,
        set_aside_rows=len({problem.row for problem in problems}),
        set_aside=tuple(
            SetAsideCell(row=p.row, recording_id=p.recording_id, column=p.column, line=str(p)) for p in problems
        ),
        split_units=plan.split_units,
        torn=plan.torn,
        splits={split: tally.split_count() for split, tally in splits.items()},
        tags={tag: {split: tally.tag_count() for split, tally in tags[tag].items()} for tag in sorted(tags)},
        duration_s=duration_s,
        decode_x_real_time=duration_s / busy_s if busy_s else 0.0,
    )


@dataclass
class _Tally:
    recordings: int = 0
    examples: int = 0
    duration_s: float = 0.0
    artists: set[str] = field(default_factory=set)

    def add(self, recording: Ingested) -> None:
        self.recordings += 1
        self.examples += recording.examples
        self.duration_s += recording.duration_s
        self.artists.add(recording.artist)

    def split_count(self) -> SplitCount:
        return SplitCount(
            recordings=self.recordings, artists=len(self.artists), examples=self.examples, duration_s=self.duration_s
        )

    def tag_count(self) -> TagCount:
        return TagCount(recordings=self.recordings, artists=len(self.artists))


def write_report(uri: str, summary: CatalogSummary) -> None:
    """Writes ``report.json`` into the folder `uri`."""
    with tf.io.gfile.GFile(os.path.join(uri, REPORT_FILE), "w") as file:
        file.write(summary.model_dump_json(indent=1))


def read_report(uri: str) -> CatalogSummary:
    """The report in a CatalogReport artifact.

    Raises
    ------
    FileNotFoundError
        If the artifact holds none.
    """
    path = os.path.join(uri, REPORT_FILE)
    if not tf.io.gfile.exists(path):
        raise FileNotFoundError(path)
    with tf.io.gfile.GFile(path) as file:
        return CatalogSummary.model_validate_json(file.read())
