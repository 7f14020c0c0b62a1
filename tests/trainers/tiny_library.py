"""A tiny library, through the real Transform: tones and pulses of one second, with lyrics, as fixtures need it."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

TAGS = ("low", "low/pulsed", "high", "sea")
PARENTS = {"low/pulsed": "low"}
RATE = 16_000
SPEC = {"columns": ["audio"], "sample_rate": RATE, "channels": 1, "segment_s": 1.0, "eval_max_s": 10.0}
TINY = {
    "steps": 6,
    "batch_size": 8,
    "learning_rate": 0.01,
    "warmup_steps": 2,
    "validate_every": 3,
    "checkpoint_every": 2,
    "filters": [4, 8],
    "lyrics_units": 4,
}


@dataclass(frozen=True)
class Made:
    """One synthetic recording: waveform [samples], labels [tags], lyrics or None where they are missing."""

    id: str
    waveform: np.ndarray
    labels: np.ndarray
    lyrics: str | None


def make_recording(number: int, rng: np.random.Generator, duration_s: float = 1.0) -> Made:
    """Sine tones below 400 Hz or above 2 kHz, pulsed or not, and lyrics about the sea or not."""
    time_s = np.arange(round(duration_s * RATE)) / RATE
    low, pulsed, high, sea = rng.random(4) < (0.6, 0.5, 0.5, 0.4)
    y = 0.01 * rng.standard_normal(len(time_s))
    if low:
        envelope = (np.sin(2 * np.pi * 8 * time_s) > 0) if pulsed else 1.0
        y += 0.3 * envelope * np.sin(2 * np.pi * rng.uniform(150, 400) * time_s)
    if high:
        y += 0.2 * np.sin(2 * np.pi * rng.uniform(2000, 5000) * time_s)
    labels = np.array([low, low and pulsed, high, sea], dtype=np.int64)
    words = rng.choice(["love", "road", "night", "home", "again"], 6).tolist() + ["waves", "море"] * bool(sea)
    lyrics = None if rng.random() < 0.2 and not sea else "" if not sea and rng.random() < 0.2 else " ".join(words)
    return Made(f"song-{number:03d}", y.astype(np.float32), labels, lyrics)


def raw_example(recording: Made, segment: int = 0, samples: int | None = None) -> bytes:
    """The Example that AudioExampleGen would write, padded with silence to `samples`."""
    import tensorflow as tf

    valid = len(recording.waveform)
    padded = np.pad(recording.waveform, (0, max(0, (samples or valid) - valid)))
    pcm = np.clip(np.rint(padded * 32768), -32768, 32767).astype("<i2").tobytes()
    feature: dict[str, Any] = {
        "id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[recording.id.encode()])),
        "segment": tf.train.Feature(int64_list=tf.train.Int64List(value=[segment])),
        "audio": tf.train.Feature(bytes_list=tf.train.BytesList(value=[pcm])),
        "num_samples": tf.train.Feature(int64_list=tf.train.Int64List(value=[valid])),
        "labels": tf.train.Feature(int64_list=tf.train.Int64List(value=recording.labels)),
        "lyrics": tf.train.Feature(
            bytes_list=tf.train.BytesList(value=[] if recording.lyrics is None else [recording.lyrics.encode()])
        ),
    }
    return bytes(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def raw_schema() -> Any:
    """The schema of `raw_example`, as ``schemas/tagging`` declares it."""
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    fixed = {"id": "BYTES", "audio": "BYTES", "segment": "INT", "num_samples": "INT", "labels": "INT"}
    sizes = {"labels": len(TAGS)}
    text = "".join(
        f'feature {{ name: "{name}" type: {kind} presence {{ min_fraction: 1.0 min_count: 1 }} '
        f"shape {{ dim {{ size: {sizes.get(name, 1)} }} }} }}\n"
        for name, kind in fixed.items()
    )
    text += 'feature { name: "lyrics" type: BYTES presence { min_count: 0 } value_count { max: 1 } }'
    return text_format.Parse(text, schema_pb2.Schema())


def write_records(path: Path, records: list[bytes]) -> None:
    """Writes a gzip TFRecord file."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for record in records:
            writer.write(record)


def transform(folder: Path, splits: dict[str, list[bytes]], custom_config: dict[str, Any]) -> Path:
    """Runs the tagger's `preprocessing_fn` on raw Examples as TFX's Transform does; ``folder/<split>/*.gz`` and
    ``folder/graph``.
    """
    import apache_beam as beam
    import tensorflow_transform as tft
    import tensorflow_transform.beam as tft_beam
    from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io
    from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder
    from tfx_bsl.public.tfxio import TFExampleRecord

    from trainers.tagging.features import preprocessing_fn

    sources = {}
    for split, rows in splits.items():
        write_records(folder / f"raw-{split}.gz", rows)
        sources[split] = TFExampleRecord(
            str(folder / f"raw-{split}.gz"), schema=raw_schema(), telemetry_descriptors=["test"]
        )
    with beam.Pipeline() as pipeline, tft_beam.Context(temp_dir=str(folder / "temp")):
        raw = {
            split: pipeline | f"read {split}" >> source.BeamSource(batch_size=7) for split, source in sources.items()
        }
        config = sources["train"].TensorAdapterConfig()
        transform_fn = (raw["train"], config) | tft_beam.AnalyzeDataset(
            lambda inputs: preprocessing_fn(inputs, custom_config)
        )
        transform_fn | tft_beam.WriteTransformFn(str(folder / "graph"))
        for split, rows in raw.items():
            data, metadata = ((rows, config), transform_fn) | f"transform {split}" >> tft_beam.TransformDataset(
                output_record_batches=True
            )
            encoder = beam.pvalue.AsSingleton(metadata.deferred_metadata)
            (
                data
                | f"encode {split}"
                >> beam.FlatMap(lambda pair, meta: RecordBatchToExamplesEncoder(meta.schema).encode(pair[0]), encoder)
                | f"write {split}"
                >> beam.io.WriteToTFRecord(str(folder / split / "examples"), file_name_suffix=".gz", num_shards=2)
            )
    raw_metadata = str(folder / "graph" / tft.TFTransformOutput.RAW_METADATA_DIR)
    metadata_io.write_metadata(dataset_metadata.DatasetMetadata(raw_schema()), raw_metadata)
    return folder


@dataclass(frozen=True)
class Library:
    """A transformed library.

    Attributes
    ----------
    folder : ``train``, ``validation`` and ``graph``.
    recordings : by split.
    """

    folder: Path
    recordings: dict[str, list[Made]]

    def finished(self, work: Path) -> Any:
        """The result of the one training whose checkpoints lie under `work` (`trainers.checkpoints.Finished`)."""
        from trainers.checkpoints import Checkpoints

        (result,) = (work / "checkpoints").glob("*/finished.npz")
        return Checkpoints(str(result.parent), writer=False).finished()

    def custom_config(self, **changes: Any) -> dict[str, Any]:
        """The Trainer's ``custom_config``; `changes` to the hyperparameters too."""
        config = {
            "task": "tagging",
            "profile": "quick",
            "library": "tones",
            "spec": SPEC,
            "vocabulary": {"tags": list(TAGS), "parents": PARENTS},
            "seed": 0,
            "strategy": "one_device",
            "code": "0",
        }
        fields = {
            key: changes.pop(key) for key in list(changes) if key in config or key in ("checkpoint_root", "warm_start")
        }
        return config | fields | {"hyperparameters": _hyperparameters(changes)}

    def fn_args(self, work: Path, **changes: Any) -> SimpleNamespace:
        """What TFX hands to `run_fn`, with outputs and checkpoints under `work`."""
        config = self.custom_config(**({"checkpoint_root": str(work / "checkpoints")} | changes))
        return SimpleNamespace(
            train_files=[str(self.folder / "train" / "*")],
            eval_files=[str(self.folder / "validation" / "*")],
            transform_output=str(self.folder / "graph"),
            serving_model_dir=str(work / "model"),
            model_run_dir=str(work / "run"),
            custom_config=config,
        )


def _hyperparameters(changes: dict[str, Any]) -> dict[str, Any]:
    from trainers.tagging.task import TASK

    return type(TASK.hyperparameters["quick"]).model_validate(TINY | changes).model_dump(mode="json")


def make_library(folder: Path) -> Library:
    """40 training and 16 validation recordings, some shorter than a segment."""
    rng = np.random.default_rng(0)
    recordings = {
        split: [make_recording(first + number, rng, 0.6 if number % 5 == 0 else 1.0) for number in range(count)]
        for split, first, count in (("train", 0, 40), ("validation", 40, 16))
    }
    splits = {split: [raw_example(made, samples=RATE) for made in rows] for split, rows in recordings.items()}
    config = {"spec": SPEC, "vocabulary": {"tags": list(TAGS), "parents": PARENTS}}
    return Library(transform(folder, splits, config), recordings)
