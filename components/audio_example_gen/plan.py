"""The first pass: every row of the catalog checked and given its split, written in chunks for the workers."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice

import tensorflow as tf

from catalog.format import Catalog, open_catalog
from catalog.problem import Problem, printable
from catalog.recording import Recording, Split
from catalog.splits import SplitAssigner, with_splits
from components.audio_example_gen.settings import RECORDING_COLUMN, Settings

CHUNK_RECORDINGS = 32
"""Recordings in a chunk: the unit of parallel work and of a shard. Part of the result: shards follow it."""

PLAN_FILE = "plan.json"


@dataclass(frozen=True)
class PlannedRecording:
    """A row that is ready to be read.

    Attributes
    ----------
    row : of the catalog, from 1.
    """

    row: int
    split: Split
    recording: Recording

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps({"row": self.row, "split": self.split, "recording": self.recording.model_dump(mode="json")})

    @classmethod
    def from_line(cls, line: str) -> "PlannedRecording":
        """The inverse of `to_line`."""
        fields = json.loads(line)
        return cls(fields["row"], fields["split"], Recording.model_validate(fields["recording"]))


@dataclass(frozen=True)
class Plan:
    """What the first pass found.

    Attributes
    ----------
    library : name of the library.
    catalog : name of the catalog's file.
    rows : rows of the catalog, right and wrong.
    recordings : rows that are ready to be read.
    chunks : files ``chunk-<index>.jsonl`` of `PlannedRecording` lines, in the catalog's order.
    split_units : how many recordings were assigned by artist, package, id, or by the catalog's own split.
    torn : how many of them the catalog puts into another split than an earlier one of their artist, else package.
    problems : of the rows that are set aside, in order.
    """

    library: str
    catalog: str
    rows: int
    recordings: int
    chunks: int
    split_units: dict[str, int]
    torn: int
    problems: tuple[Problem, ...]


def checked_rows(
    catalog: Catalog, settings: Settings, assigner: SplitAssigner
) -> Iterator[tuple[int, PlannedRecording | Problem]]:
    """Every row with its number; a wrong row comes as one or more problems. No audio is read."""
    row = 0
    vocabulary = settings.vocabulary if settings.vocabulary.tags else None
    for item in with_splits(catalog, assigner, vocabulary=vocabulary):
        if isinstance(item, Problem):
            row = item.row
            yield row, item
            continue
        row += 1
        recording, split = item
        yield row, _unusable(row, recording, catalog, settings) or PlannedRecording(row, split, recording)


def _unusable(row: int, recording: Recording, catalog: Catalog, settings: Settings) -> Problem | None:
    """The problem of a recording that lacks an audio column of the task, or has an event that no output stands for."""
    for column in settings.audio.columns:
        if column != RECORDING_COLUMN and column not in recording.stems:
            has = printable(", ".join(sorted(recording.stems)) or "none")
            reason = f"is the stem that the task reads, and the recording does not have it (it has {has})"
            return Problem(row, "stems", column, reason, printable(recording.id), catalog.path.name)
    if settings.timed_labels and settings.vocabulary.tags:
        for event in settings.vocabulary.unknown(label.event for label in recording.labels):
            reason = "is an event that is neither a tag of the vocabulary nor ignored by it"
            return Problem(row, "labels", printable(event), reason, printable(recording.id), catalog.path.name)
    return None


def make_plan(settings: Settings, folder: str) -> Plan:
    """Reads the catalog as a stream and writes ``chunk-<index>.jsonl`` and ``plan.json`` into `folder`.

    Splits are assigned before anything is decoded, and to recordings whose file is missing or of which a tag is unknown
    as well, so a file that comes back or is repaired later moves no other recording.

    Raises
    ------
    CatalogError
        If the catalog cannot be opened.
    """
    catalog = open_catalog(settings.catalog_path)
    assigner = SplitAssigner(settings.split_seed, settings.shares)
    problems: list[Problem] = []
    last_row = 0

    def planned() -> Iterator[PlannedRecording]:
        nonlocal last_row
        for number, item in checked_rows(catalog, settings, assigner):
            last_row = number
            if isinstance(item, Problem):
                problems.append(item)
            else:
                yield item

    recordings, chunks = _write_chunks(planned(), folder)
    units = dict(sorted(assigner.units.items()))
    plan = Plan(catalog.library, catalog.path.name, last_row, recordings, chunks, units, assigner.torn, tuple(problems))
    with tf.io.gfile.GFile(os.path.join(folder, PLAN_FILE), "w") as file:
        file.write(json.dumps(asdict(plan)))
    return plan


def read_chunk(folder: str, index: int) -> Iterator[PlannedRecording]:
    """The recordings of a chunk, in order."""
    with tf.io.gfile.GFile(_chunk_file(folder, index)) as lines:
        yield from map(PlannedRecording.from_line, lines)


def _chunk_file(folder: str, index: int) -> str:
    return os.path.join(folder, f"chunk-{index:05d}.jsonl")


def _write_chunks(recordings: Iterator[PlannedRecording], folder: str) -> tuple[int, int]:
    count = chunks = 0
    while chunk := [recording.to_line() for recording in islice(recordings, CHUNK_RECORDINGS)]:
        with tf.io.gfile.GFile(_chunk_file(folder, chunks), "w") as file:
            file.write("".join(f"{line}\n" for line in chunk))
        count += len(chunk)
        chunks += 1
    return count, chunks
