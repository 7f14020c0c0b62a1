"""The recordings of a split as AudioExampleGen wrote them, one at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import tensorflow as tf

from audio.spec import AudioSpec
from catalog.splits import group_text

_FULL_SCALE = 32768.0


@dataclass(frozen=True)
class Recording:
    """A recording of a split.

    Attributes
    ----------
    id, package : as in the catalog.
    artist : what its split went by: artist, else package, else id, as `catalog.splits.group_text` writes it.
    labels : np.ndarray [tags], bool.
    waveform : np.ndarray [samples], float32 mono, full scale +-1.0, without padding; excerpts of a long eval recording
        are joined.
    duration_s : of the whole recording; of the waveform where descriptors are off.
    serialized : its Examples: segments of train and validation, one in eval.
    """

    id: str
    artist: str
    package: str
    labels: np.ndarray
    waveform: np.ndarray
    duration_s: float
    serialized: tuple[bytes, ...]


def read_split(examples: str, split: str, spec: AudioSpec) -> Iterator[Recording]:
    """The recordings of a split, in the order of the shards; memory holds one.

    Parameters
    ----------
    examples : folder of AudioExampleGen's Examples
    spec : of a task with one audio column
    """
    files = sorted(tf.io.gfile.glob(f"{examples}/Split-{split}/*"))
    parsed = (
        (record.numpy(), tf.train.Example.FromString(record.numpy()).features.feature)
        for name in files
        for record in tf.data.TFRecordDataset(name, compression_type="GZIP" if name.endswith(".gz") else "")
    )
    for recording_id, group in groupby(parsed, key=lambda pair: pair[1]["id"].bytes_list.value[0]):
        segments = sorted(group, key=lambda pair: int(pair[1]["segment"].int64_list.value[0]))
        first = segments[0][1]
        waveform = np.concatenate([_samples(feature, spec.columns[0], spec.channels) for _, feature in segments])
        described = first["duration_s"].float_list.value if "duration_s" in first else ()
        package = _text(first, "package")
        yield Recording(
            id=recording_id.decode(),
            artist=group_text({"id": recording_id.decode(), "artist": _text(first, "artist"), "package": package}),
            package=package,
            labels=np.array(first["labels"].int64_list.value, dtype=np.int64) > 0,
            waveform=waveform,
            duration_s=float(described[0]) if described else len(waveform) / spec.sample_rate,
            serialized=tuple(record for record, _ in segments),
        )


def _samples(feature: "tf.train.Features", column: str, channels: int) -> np.ndarray:
    pcm = np.frombuffer(feature[column].bytes_list.value[0], "<i2").reshape(-1, channels)
    valid = pcm[: feature["num_samples"].int64_list.value[0]]
    return np.asarray(valid.astype(np.float32).mean(axis=1) / _FULL_SCALE, dtype=np.float32)


def _text(feature: "tf.train.Features", name: str) -> str:
    values = feature[name].bytes_list.value if name in feature else ()
    return values[0].decode() if values else ""
