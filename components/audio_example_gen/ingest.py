"""One chunk of recordings to its shards: the work of a Beam worker."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

import apache_beam as beam
import tensorflow as tf

from catalog.problem import Problem, printable
from catalog.recording import Split
from catalog.splits import group_of
from components.audio_example_gen.decode import SetAside, decoded
from components.audio_example_gen.examples import examples
from components.audio_example_gen.plan import PlannedRecording, read_chunk
from components.audio_example_gen.settings import Settings

SHARD = "data_tfrecord-{index:05d}-of-{count:05d}"
"""A shard's name. TFX's readers go by the suffix, and without ``.gz`` read it as it is. Not compressed: gzip at level 1
takes off a tenth of the size for a third (ogg) to a half (mp3) of what decoding and resampling cost."""

DONE, RESULT = "done", "result"
"""States of a chunk: how many of its recordings are done, rewritten every `PROGRESS_S` seconds; what became of them."""

PROGRESS_S = 0.5


@dataclass(frozen=True)
class Job:
    """What every chunk of a run shares; travels to the workers.

    Attributes
    ----------
    settings : as execution properties.
    root : the catalog's folder.
    catalog : name of the catalog's file, for problems.
    work : folder of the chunks, of their results and of unfinished shards; in the file system of `examples`.
    examples : folder of the Examples artifact.
    chunks : how many there are.
    """

    settings: dict[str, str | int | float]
    root: str
    catalog: str
    work: str
    examples: str
    chunks: int


@dataclass(frozen=True)
class Ingested:
    """A recording that became Examples.

    Attributes
    ----------
    artist : what it is grouped by: artist, else package, else id.
    tags : those of the vocabulary, parents included.
    duration_s : length of the audio at the task's sample rate.
    """

    split: Split
    artist: str
    tags: tuple[str, ...]
    duration_s: float
    examples: int


@dataclass
class ChunkResult:
    """What became of a chunk; `busy_s` is the time that it took."""

    recordings: list[Ingested] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    busy_s: float = 0.0

    @classmethod
    def read(cls, work: str, index: int) -> Self:
        """The result of a finished chunk."""
        with tf.io.gfile.GFile(_state_file(work, RESULT, index)) as file:
            fields = json.load(file)
        recordings = [Ingested(**{**entry, "tags": tuple(entry["tags"])}) for entry in fields["recordings"]]
        return cls(recordings, [Problem(**problem) for problem in fields["problems"]], fields["busy_s"])


class IngestChunk(beam.DoFn):
    """Index of a chunk to its shards and its `ChunkResult`, both files; a retried chunk writes the same files again.

    Shards are not made by Beam's sinks: those would carry all audio through a shuffle, and name files by bundle.
    """

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def process(self, index: int) -> Iterator[int]:
        """Ingests chunk `index`."""
        ingest_chunk(self._job, index)
        yield index


def ingest_chunk(job: Job, index: int) -> None:
    """Decodes every recording of a chunk, writes a shard for each split that has some and, last, the result."""
    settings = Settings.read(job.settings)
    result = ChunkResult()
    started = reported = time.monotonic()
    with _Shards(job, index) as shards:
        for done, planned in enumerate(read_chunk(job.work, index)):
            if time.monotonic() - reported > PROGRESS_S:
                _replace(_state_file(job.work, DONE, index), str(done))
                reported = time.monotonic()
            try:
                result.recordings.append(_ingest(planned, settings, Path(job.root), shards))
            except SetAside as error:
                row, recording_id = planned.row, planned.recording.id
                problem = Problem(row, error.column, printable(error.value), error.reason, recording_id, job.catalog)
                result.problems.append(problem)
    result.busy_s = time.monotonic() - started
    _replace(_state_file(job.work, RESULT, index), json.dumps(asdict(result)))


def _ingest(planned: PlannedRecording, settings: Settings, root: Path, shards: "_Shards") -> Ingested:
    recording, count = planned.recording, 0
    with decoded(recording, root, settings) as sound:
        for example in examples(recording, planned.split, sound, settings):
            shards.write(planned.split, example)
            count += 1
        duration_s = sound.num_samples / settings.audio.sample_rate
    tags = settings.vocabulary.expand(recording.tags) if settings.vocabulary.tags else recording.tags
    return Ingested(planned.split, ":".join(group_of(recording)), tags, duration_s, count)


def write_empty_shard(folder: str, split: Split) -> None:
    """The one shard, without records, of a split that has none: TFX's readers fail on a split without files."""
    directory = split_folder(folder, split)
    tf.io.gfile.makedirs(directory)
    tf.io.TFRecordWriter(os.path.join(directory, SHARD.format(index=0, count=1))).close()


def split_folder(examples_uri: str, split: Split) -> str:
    """Where TFX looks for a split of an Examples artifact."""
    return os.path.join(examples_uri, f"Split-{split}")


class _Shards:
    """A chunk's shards, one a split, opened when it gets its first record and moved to its place when all are
    complete.
    """

    def __init__(self, job: Job, index: int) -> None:
        self._job, self._index = job, index
        self._writers: dict[Split, tf.io.TFRecordWriter] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *rest: object) -> None:
        for writer in self._writers.values():
            writer.close()
        if error is None:
            name = SHARD.format(index=self._index, count=self._job.chunks)
            for split in self._writers:
                place = os.path.join(split_folder(self._job.examples, split), name)
                tf.io.gfile.rename(self._unfinished(split), place, overwrite=True)

    def write(self, split: Split, record: bytes) -> None:
        """Adds a serialised Example to the split's shard."""
        if split not in self._writers:
            self._writers[split] = tf.io.TFRecordWriter(self._unfinished(split))
        self._writers[split].write(record)

    def _unfinished(self, split: Split) -> str:
        return os.path.join(self._job.work, f"shard-{self._index:05d}-{split}")


def _state_file(work: str, state: str, index: int) -> str:
    return os.path.join(work, f"{state}-{index:05d}.json")


def _replace(path: str, text: str) -> None:
    with tf.io.gfile.GFile(f"{path}.new", "w") as file:
        file.write(text)
    tf.io.gfile.rename(f"{path}.new", path, overwrite=True)
