"""Bulk inference: every recording of a catalog through one exported model, on Beam.

What lies in the output folder when a scan is over:

``answers.jsonl``
    one JSON line a recording, in the catalog's order (`serving.answer.answer`);
``set-aside.jsonl``
    one line for each wrong cell or file: ``row``, ``id``, ``column``, ``value``, ``reason``;
``<id>/<name>.flac``
    of models that answer audio;
``.scan/``
    chunks that are done (`serving.plan`): a scan that was killed, or one of the same catalog with more rows, goes on
    from them. It may be deleted; then nothing tells of which model and catalog the answers are.

The first two are replaced by a rename each, when all is done; a killed scan leaves those of the scan before. The folder
is written by the workers, so they must see it, the catalog and the model under the same paths.
"""

import fcntl
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from audio.errors import DaCapoError
from audio.ffmpeg import ffmpeg_release
from catalog.folder import make_folder
from catalog.format import Catalog, Problem, open_catalog
from catalog.writing import PART, whole
from serving.answer import Unreadable, answer
from serving.facts import digest
from serving.model import CannotAnswer, load_model
from serving.plan import RESULT, ROWS, Plan, json_line, make_plan, problem_of, read_result, read_rows, result_line

ANSWERS, SET_ASIDE, WORK = "answers.jsonl", "set-aside.jsonl", ".scan"
IDENTITY, LOCK = "scan.json", "lock"


class ScanError(DaCapoError):
    """An output folder that a scan cannot use."""


@dataclass(frozen=True)
class Scanned:
    """What a scan did.

    Attributes
    ----------
    answered : lines of ``answers.jsonl``.
    known : how many recordings were in chunks that an earlier scan had done, whatever became of them.
    problems : of the recordings that are set aside, in the catalog's order.
    """

    answered: int
    known: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Job:
    """What every chunk shares; travels to the workers."""

    model: Path
    root: Path
    catalog: str
    output: Path


class AnswerChunk(beam.DoFn):
    """Name of a chunk to its result, a file; a chunk that is tried again writes the same file again."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def process(self, chunk: str) -> Iterator[str]:
        """Answers the recordings of `chunk`."""
        answer_chunk(self._job, chunk)
        yield chunk


def answer_chunk(job: Job, chunk: str) -> None:
    """Answers every recording of a chunk, or sets it aside, and last renames the result into its place."""
    model = load_model(job.model)
    work = job.output / WORK
    with whole(work / f"{chunk}{RESULT}") as lines:
        for planned in read_rows(work, chunk):
            result: dict[str, Any] | Problem
            try:
                result = answer(model, planned.recording, job.root, job.output)
            except (Unreadable, CannotAnswer) as error:
                result = problem_of(planned.row, planned.recording, str(error), job.catalog)
            lines.write(f"{result_line(result)}\n")
            lines.flush()  # `serving.progress` counts lines


def scan(
    catalog: Path,
    model: Path,
    output: Path,
    *,
    beam_arguments: Sequence[str] = (),
    code: str = "",
    limit: int | None = None,
    planned: Callable[[Plan], None] = lambda plan: None,
) -> Scanned:
    """Answers every recording of a catalog, except those that an earlier scan into the same folder has answered.

    Parameters
    ----------
    catalog : CSV or Parquet
    model : folder of a SavedModel; its name is the version
    output : made if it is not there
    beam_arguments : runner and options
    code : hash of the code; answers of another one are not kept
    limit : rows of the catalog to read at most
    planned : called when it is known what there is to do

    Raises
    ------
    CatalogError, ModelError
        If the catalog or the model cannot be used.
    ScanError
        If `output` holds answers of another model or catalog, or what no scan wrote, or another scan is writing there.
    DaCapoError
        If `output` cannot be made or written to.
    """
    opened = open_catalog(catalog)
    load_model(model)  # what is wrong with it is said before anything is read
    work = output / WORK
    _check_ours(make_folder(output))
    make_folder(work)
    with _only_scan(work):
        fingerprint = digest(model)
        _claim(work, opened, model, fingerprint)
        parts = (path for name in (ANSWERS, SET_ASIDE) for path in output.glob(f"{name}-*{PART}"))
        for stale in (*parts, *work.glob(f"*{PART}"), *work.glob(f"*{ROWS}")):
            stale.unlink()  # a killed scan left it; the lock says that nobody is writing it now
        plan = make_plan(
            opened, work, fingerprint=f"{fingerprint} {code} {ffmpeg_release()}", output=output, limit=limit
        )
        planned(plan)
        job = Job(model, opened.root, opened.path.name, output)
        if plan.missing:
            with beam.Pipeline(options=PipelineOptions(list(beam_arguments))) as pipeline:
                _ = (
                    pipeline
                    | "Chunks" >> beam.Create(plan.missing, reshuffle=False)
                    | "Spread" >> beam.Reshuffle()
                    | "Answer" >> beam.ParDo(AnswerChunk(job))
                )
        return _publish(output, plan, model.name)


def _publish(output: Path, plan: Plan, version: str) -> Scanned:
    """Writes ``answers.jsonl`` and ``set-aside.jsonl`` from the chunks; those that are known may be of an equal model
    that was served as another version.
    """
    work, problems, answered = output / WORK, list(plan.problems), 0
    with whole(output / ANSWERS) as lines:
        for chunk in plan.chunks:
            for result in read_result(work, chunk):
                if isinstance(result, Problem):
                    problems.append(result)
                else:
                    lines.write(f"{json_line(result | {'model': version})}\n")
                    answered += 1
    problems.sort(key=lambda problem: problem.row)
    with whole(output / SET_ASIDE) as lines:
        lines.writelines(f"{json_line(_set_aside(problem))}\n" for problem in problems)
    for chunk in plan.missing:
        (work / f"{chunk}{ROWS}").unlink()
    return Scanned(answered, plan.known, tuple(problems))


def _set_aside(problem: Problem) -> dict[str, Any]:
    fields = asdict(problem)
    return {"row": problem.row, "id": fields["recording_id"]} | {
        key: fields[key] for key in ("column", "value", "reason")
    }


def _check_ours(output: Path) -> None:
    """Makes sure that audio of ours goes over nobody else's: a first scan wants an empty folder."""
    if (output / WORK / IDENTITY).is_file() or (output / ANSWERS).is_file():
        return
    try:
        names = sorted(path.name for path in output.iterdir())
    except OSError as error:
        raise ScanError(f"{output}: cannot be read: {error.strerror}") from error
    foreign = next((name for name in names if not name.startswith(".") and name != "lost+found"), None)
    if foreign is not None:
        raise ScanError(f"{output}: holds {foreign} and no answers.jsonl of a scan; give another --output")


def _claim(work: Path, catalog: Catalog, model: Path, fingerprint: str) -> None:
    """Marks the folder with model and catalog, whose answers alone it may hold: audio goes by the id."""
    path = work / IDENTITY
    mine = {"model": fingerprint, "version": model.name, "catalog": str(catalog.path.absolute())}
    theirs = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else mine
    if theirs["model"] != mine["model"]:
        raise ScanError(f"{work.parent}: holds a scan by another model ({theirs['version']}); give another --output")
    if theirs["catalog"] != mine["catalog"]:
        raise ScanError(f"{work.parent}: holds a scan of {theirs['catalog']}; give another --output")
    with whole(path) as file:
        file.write(json_line(mine))


@contextmanager
def _only_scan(work: Path) -> Iterator[None]:
    with (work / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ScanError(f"{work.parent}: another scan is writing there") from error
        yield
