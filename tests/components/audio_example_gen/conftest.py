"""Small libraries of synthetic sounds, and AudioExampleGen's executor run on them without a pipeline."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import tensorflow as tf
from tfx.types import standard_artifacts

from catalog.format import Catalog
from catalog.recording import SPLITS, Recording
from components.artifact_types import CatalogReport
from components.audio_example_gen.executor import Executor
from components.audio_example_gen.report import CatalogSummary, read_report
from components.audio_example_gen.settings import Settings

ONE_COLUMN = {"columns": ["audio"], "sample_rate": 8000, "channels": 1, "segment_s": 1.0, "eval_max_s": 4.0}
VOCABULARY = {"tags": ["pop", "pop/piano", "rock"], "parents": {"pop/piano": "pop"}, "ignored": ["live"]}


@dataclass
class Library:
    """Recordings in a folder, and the catalog over them."""

    root: Path
    recordings: list[Recording] = field(default_factory=list)

    def sound(
        self, name: str, duration_s: float, *, sample_rate: int = 8000, channels: int = 1, **options: str
    ) -> Path:
        """A file of seeded noise under a tone."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(len(name) + round(duration_s * 1000))
        t = np.arange(round(duration_s * sample_rate)) / sample_rate
        y = 0.4 * np.sin(2 * np.pi * 440 * t)[:, None] + 0.05 * rng.standard_normal((t.size, channels))
        sf.write(path, y, sample_rate, **options)
        return path

    def add(self, recording_id: str, duration_s: float = 1.5, *, suffix: str = ".wav", **columns: object) -> Path:
        """A recording of one file; `columns` are those of the catalog."""
        path = self.sound(f"{recording_id}{suffix}", duration_s)
        self.recordings.append(Recording(id=recording_id, path=path.name, **columns))
        return path

    def write(self) -> Path:
        """The catalog as CSV."""
        return Catalog.write(self.root / "catalog.csv", "tiny", self.recordings).path


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library")


@dataclass(frozen=True)
class Output:
    """What the executor left."""

    uri: Path
    examples: dict[str, list[dict[str, list]]]
    report: CatalogSummary

    def all(self) -> Iterator[dict[str, list]]:
        for split in SPLITS:
            yield from self.examples[split]

    def of(self, recording_id: str) -> list[dict[str, list]]:
        """Examples of a recording, in order."""
        return [example for example in self.all() if example["id"] == [recording_id.encode()]]

    @staticmethod
    def samples(example: Mapping[str, list], column: str = "audio", channels: int = 1) -> np.ndarray:
        """A column of an Example, [channels, samples] int16."""
        return np.frombuffer(example[column][0], "<i2").reshape(-1, channels).T

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.uri)): path.read_bytes() for path in sorted(self.uri.rglob("*")) if path.is_file()
        }


@pytest.fixture
def properties() -> Callable[..., dict[str, object]]:
    """Execution properties with small defaults: ``properties(catalog, **changes)``."""

    def make(catalog: Path, **changes: object) -> dict[str, object]:
        plain = {
            "catalog_path": catalog,
            "vocabulary": json.dumps(VOCABULARY),
            "audio": json.dumps(ONE_COLUMN),
            "descriptors": "none",
            "timed_labels": False,
            "split_seed": 0,
            "shares": json.dumps({"train": 0.6, "validation": 0.15, "eval": 0.2, "test": 0.05}),
            "max_set_aside_share": 0.05,
            "index_path": catalog.parent.parent / "index.sqlite",
            "code": "0",
        }
        return Settings.read(plain | changes).exec_properties()

    return make


def plain_features(record: bytes) -> dict[str, list]:
    """An Example as name to list of values."""
    features = tf.train.Example.FromString(record).features.feature
    return {name: list(getattr(feature, feature.WhichOneof("kind")).value) for name, feature in features.items()}


def read_examples(uri: Path) -> dict[str, list[dict[str, list]]]:
    """Examples by split, in the order of the shards."""
    found = {}
    for split in SPLITS:
        files = sorted(str(path) for path in uri.glob(f"Split-{split}/*"))
        found[split] = [plain_features(record.numpy()) for record in tf.data.TFRecordDataset(files)]
    return found


@pytest.fixture
def ingest(tmp_path: Path, properties: Callable[..., dict[str, object]]) -> Callable[..., Output]:
    """Runs the executor on a catalog: ``ingest(catalog, beam=[...], **settings)``."""
    runs = iter(range(100))

    def run(catalog: Path, beam: list[str] | None = None, folder: Path | None = None, **changes: object) -> Output:
        folder = folder or tmp_path / f"run-{next(runs)}"
        examples, report = standard_artifacts.Examples(), CatalogReport()
        examples.uri, report.uri = str(folder / "examples"), str(folder / "report")
        context = Executor.Context(beam_pipeline_args=beam, tmp_dir=str(folder / "tmp"), unique_id="1")
        Executor(context).Do({}, {"examples": [examples], "report": [report]}, properties(catalog, **changes))
        assert json.loads(examples.split_names) == list(SPLITS)
        return Output(Path(examples.uri), read_examples(Path(examples.uri)), read_report(report.uri))

    return run
