"""The pieces that `benchmarks.ingest` times: a library of some recordings, AudioExampleGen, Transform, and the bare
loops beside them.
"""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import soundfile
import soxr
import tensorflow as tf
from tfx import v1 as tfx
from tfx.types import standard_artifacts

from audio.mel import HOP_LENGTH, LOG_GAIN, N_FFT, N_MELS
from benchmarks.recordings import read_split
from benchmarks.report import BenchmarkError
from catalog.format import Catalog, open_catalog
from catalog.recording import Recording
from catalog.vocabulary import load_vocabulary
from components.artifact_types import CatalogReport
from components.audio_example_gen import AudioExampleGen
from components.audio_example_gen.executor import Executor
from components.audio_example_gen.settings import Detail, Settings
from pipeline.graph import TRAINING_SPLITS, create_transform
from pipeline.launch import compile_pipeline, launch_node
from pipeline.schema import load_schema, write_schema
from pipeline.settings import PROJECT, Beam, Shares
from trainers.task import load_task

SPEC = load_task("tagging").audio["full"]
BEAM = Beam(workers=1).arguments()
_TRANSFORM = ("AudioExampleGen", "ImportSchemaGen", "Transform")


@dataclass(frozen=True)
class Library:
    """Some recordings of a library, in a folder of their own.

    Attributes
    ----------
    catalog : catalog file.
    schemas : folder of the library's ``tags.yaml`` and ``schema.pbtxt``.
    files : audio files, one a row.
    audio_s : seconds of audio in them.
    """

    catalog: Path
    schemas: Path
    files: tuple[Path, ...]
    audio_s: float


def some_recordings(catalog: Path, schemas: Path, folder: Path, count: int, times: int = 1) -> Library:
    """`count` recordings spread evenly over a catalog, each in `times` rows; files are linked, not copied, where that
    works.

    Raises
    ------
    BenchmarkError
        The catalog holds fewer recordings.
    """
    source = open_catalog(catalog)
    rows = [row for row in source.rows() if isinstance(row, Recording)]
    if len(rows) < count:
        raise BenchmarkError(f"{catalog}: holds {len(rows)} recordings, --recordings {count} are asked for")
    chosen = [rows[number] for number in np.linspace(0, len(rows) - 1, count).round().astype(int)]
    for row in chosen:
        place = folder / row.path
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_file():
            try:
                os.link(source.root / row.path, place)
            except OSError:
                shutil.copy(source.root / row.path, place)
    repeated = [row.model_copy(update={"id": f"{row.id}~{n}", "stems": {}}) for n in range(times) for row in chosen]
    Catalog.write(folder / "catalog.csv", source.library, repeated)
    files = [folder / row.path for row in repeated]
    return Library(folder / "catalog.csv", schemas, tuple(files), sum(soundfile.info(file).duration for file in files))


def bare_loop(files: tuple[Path, ...]) -> None:
    """What reading audio costs at least: soundfile, mean of the channels, soxr to 16 kHz; nothing is kept."""
    for file in files:
        y, rate = soundfile.read(file, dtype="float32", always_2d=True)
        mono = (
            y[:, 0] if y.shape[1] == 1 else (y[:, 0] + y[:, 1]) * np.float32(0.5) if y.shape[1] == 2 else y.mean(axis=1)
        )
        if rate != SPEC.sample_rate:
            soxr.resample(mono, rate, SPEC.sample_rate, quality="HQ")


def _properties(library: Library, descriptors: Detail, index: Path) -> dict[str, Any]:
    return {
        "catalog_path": str(library.catalog),
        "vocabulary": load_vocabulary(library.schemas / "tags.yaml"),
        "audio": SPEC,
        "descriptors": descriptors,
        "timed_labels": False,
        "split_seed": 0,
        "shares": Shares().by_split(),
        "max_set_aside_share": 0.5,
        "index_path": str(index),
        "code": "benchmark",
    }


def ingest(library: Library, descriptors: Detail, folder: Path) -> Path:
    """AudioExampleGen's executor; answers the folder of Examples."""
    shutil.rmtree(folder, ignore_errors=True)
    examples, report = standard_artifacts.Examples(), CatalogReport()
    examples.uri, report.uri = str(folder / "examples"), str(folder / "report")
    context = Executor.Context(beam_pipeline_args=BEAM, tmp_dir=str(folder / "tmp"), unique_id="1")
    properties = Settings.read(_properties(library, descriptors, folder / "index.sqlite")).exec_properties()
    Executor(context).Do({}, {"examples": [examples], "report": [report]}, properties)
    return Path(examples.uri)


def transform(library: Library, folder: Path, repeat: int) -> tuple[float, Path]:
    """TFX's Transform as the graph has it, launched as a run launches it; AudioExampleGen before it is cached after the
    first repeat.

    Returns
    -------
    seconds of the Transform node, and the folder of the Examples that it read
    """
    vocabulary = load_vocabulary(library.schemas / "tags.yaml")
    schema = load_schema(library.schemas / "schema.pbtxt", SPEC.columns, vocabulary)
    example_gen = AudioExampleGen(**_properties(library, "cheap", folder / "index.sqlite"))
    schema_gen = tfx.components.ImportSchemaGen(schema_file=str(write_schema(schema, folder / "schemas")))
    custom_config = {
        "task": "tagging",
        "spec": SPEC.model_dump(mode="json"),
        "vocabulary": {"tags": list(vocabulary.tags), "parents": dict(vocabulary.parents)},
        "code": f"{time.time_ns()}",  # never cached
    }
    node = create_transform(
        load_task("tagging"), example_gen.outputs["examples"], schema_gen.outputs["schema"], custom_config
    )
    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(folder / "metadata.sqlite"))
    graph = tfx.dsl.Pipeline(
        pipeline_name="ingest",
        pipeline_root=str(folder / "root"),
        components=[example_gen, schema_gen, node],
        enable_cache=True,
        metadata_connection_config=connection,
        beam_pipeline_args=BEAM,
    )
    ir = compile_pipeline(graph, f"{repeat}-{time.time_ns()}")
    results = [launch_node(ir, name, connection) for name in _TRANSFORM]
    newest = max((folder / "root" / "AudioExampleGen" / "examples").iterdir(), key=lambda path: int(path.name))
    return results[-1].duration_s, newest


def waveforms(examples: Path) -> list[np.ndarray]:
    """The segments that Transform reads, decoded: each float32 [samples]."""
    found = []
    for split in TRAINING_SPLITS:
        for recording in read_split(str(examples), split, SPEC):
            y, length = recording.waveform, SPEC.segment_samples
            found += [np.pad(part, (0, length - len(part))) for part in np.split(y, range(length, len(y), length))]
    return found


def librosa_loop(segments: list[np.ndarray]) -> None:
    """The same log-mel by librosa, segment by segment; nothing is kept."""
    for y in segments:
        mel = librosa.feature.melspectrogram(
            y=y, sr=SPEC.sample_rate, n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS
        )
        np.log10(1.0 + LOG_GAIN * mel)


def schemas_of(library: str) -> Path:
    """``schemas/tagging/<library>``."""
    return PROJECT / "schemas" / "tagging" / library


def quiet_libraries() -> None:
    """Only errors of TensorFlow, TFX and absl."""
    import logging

    tf.get_logger().setLevel("ERROR")
    logging.getLogger().setLevel(logging.ERROR)
    logging.getLogger("absl").setLevel(logging.ERROR)
