"""What a scan has to do: the rows of the catalog in chunks, and which of them an earlier scan has done.

Conventions
-----------
A chunk is `CHUNK_ROWS` rows of the catalog, so that appended rows move no other. Its key is a hash of everything that
its answers depend on: the model's files, the code, ffmpeg, and of each recording id, path, lyrics, and the file's size,
time of change and whether it may be read. ``<index>-<key>.rows`` holds its recordings, ``<index>-<key>.jsonl`` what
became of them; that is written beside and renamed, so a chunk is done or not there. A changed row or file costs its
chunk and no more.
"""

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from catalog.errors import CatalogError
from catalog.format import Catalog, Problem
from catalog.problem import printable
from catalog.recording import Recording

CHUNK_ROWS = 8
ROWS, RESULT = ".rows", ".jsonl"
ANSWER, PROBLEM = "answer", "problem"


@dataclass(frozen=True)
class PlannedRecording:
    """A recording and its row in the catalog, from 1."""

    row: int
    recording: Recording

    def to_line(self) -> str:
        """One line of JSON."""
        return json_line({"row": self.row, "recording": self.recording.model_dump(mode="json")})

    @classmethod
    def from_line(cls, line: str) -> "PlannedRecording":
        """The inverse of `to_line`."""
        fields = json.loads(line)
        return cls(fields["row"], Recording.model_validate(fields["recording"]))


@dataclass(frozen=True)
class Plan:
    """What a scan has to do.

    Attributes
    ----------
    chunks : name to number of recordings, in the catalog's order.
    missing : the chunks that are not done.
    problems : of the rows that name no recording that could be read.
    """

    chunks: dict[str, int]
    missing: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def recordings(self) -> int:
        """Recordings to be answered, done or not."""
        return sum(self.chunks.values())

    @property
    def known(self) -> int:
        """Recordings in chunks that an earlier scan has done, whatever became of them."""
        return self.recordings - sum(self.chunks[chunk] for chunk in self.missing)


def make_plan(catalog: Catalog, work: Path, *, fingerprint: str, output: Path, limit: int | None = None) -> Plan:
    """Reads the catalog as a stream and writes the rows of every chunk that is not done.

    Parameters
    ----------
    catalog : opened
    work : folder of the chunks; what it holds of chunks that have changed since is deleted
    fingerprint : of model and code
    output : folder of the audio that earlier answers name; where a file is gone the chunk is not done
    limit : rows to read at most, from the first

    Raises
    ------
    CatalogError
        If a Parquet file breaks off.
    """
    problems: list[Problem] = []
    chunks: dict[str, int] = {}
    missing: list[str] = []
    before = defaultdict(list)
    for path in work.iterdir():
        before[path.name.partition("-")[0]].append(path)
    for index, rows in groupby(_rows(catalog, limit, problems), key=lambda planned: (planned.row - 1) // CHUNK_ROWS):
        chunk = list(rows)
        number = f"{index:08d}"
        name = f"{number}-{_key(chunk, catalog.root, fingerprint)}"
        chunks[name] = len(chunk)
        if _is_done(work / f"{name}{RESULT}", output):
            continue
        for stale in before[number]:
            stale.unlink()
        (work / f"{name}{ROWS}").write_text("".join(f"{planned.to_line()}\n" for planned in chunk), encoding="utf-8")
        missing.append(name)
    return Plan(chunks, tuple(missing), tuple(problems))


def read_rows(work: Path, chunk: str) -> Iterator[PlannedRecording]:
    """The recordings of a chunk, in order."""
    with (work / f"{chunk}{ROWS}").open(encoding="utf-8") as lines:
        yield from map(PlannedRecording.from_line, lines)


def read_result(work: Path, chunk: str) -> Iterator[dict[str, Any] | Problem]:
    """What became of the recordings of a chunk that is done: answers and problems, in order."""
    with (work / f"{chunk}{RESULT}").open(encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            yield line[ANSWER] if ANSWER in line else Problem(**line[PROBLEM])


def result_line(result: dict[str, Any] | Problem) -> str:
    """One line of `read_result`."""
    return json_line({PROBLEM: asdict(result)} if isinstance(result, Problem) else {ANSWER: result})


def json_line(value: object) -> str:
    """`value` as JSON on one line: text as it is, numbers that are none refused."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _rows(catalog: Catalog, limit: int | None, problems: list[Problem]) -> Iterator[PlannedRecording]:
    """Recordings whose file is there; of the other rows the problems, into the list."""
    row = 0
    for item in catalog.rows(check_files=False):  # a stem that is missing is none of a scan's concern
        row = item.row if isinstance(item, Problem) else row + 1
        if limit is not None and row > limit:
            return
        if isinstance(item, Problem):
            problems.append(item)
            continue
        try:
            catalog.locate(item.path)
        except CatalogError as error:
            reason = str(error).partition(f'path "{printable(item.path)}" ')[2] or str(error)
            problems.append(problem_of(row, item, reason, catalog.path.name))
        else:
            yield PlannedRecording(row, item)


def problem_of(row: int, recording: Recording, reason: str, catalog: str) -> Problem:
    """The problem of a recording whose file cannot be answered."""
    return Problem(row, "path", printable(recording.path), reason, printable(recording.id), catalog)


def _key(chunk: Iterable[PlannedRecording], root: Path, fingerprint: str) -> str:
    digest = hashlib.sha256(f"{fingerprint}\n".encode())
    for planned in chunk:
        recording, path = planned.recording, root / planned.recording.path
        facts = (planned.row, recording.id, recording.path, recording.lyrics, os.access(path, os.R_OK))
        digest.update(json.dumps((*facts, path.stat().st_size, path.stat().st_mtime_ns)).encode())
    return digest.hexdigest()[:16]


def _is_done(result: Path, output: Path) -> bool:
    if not result.is_file():
        return False
    with result.open(encoding="utf-8") as lines:
        answers = (json.loads(line).get(ANSWER, {}) for line in lines)
        files = (file["file"] for answer in answers for file in answer.get("audio", {}).values())
        return all((output / file).is_file() for file in files)
