"""Recordings as AudioExampleGen wrote them."""

import unicodedata
from pathlib import Path

import tensorflow as tf

from audio.spec import AudioSpec
from benchmarks.recordings import read_split

SPEC = AudioSpec(columns=("audio",), sample_rate=8_000, channels=1, segment_s=1.0, eval_max_s=4.0)


def example(recording_id: str, **names: str) -> bytes:
    texts = {"id": recording_id, **names}
    feature = {name: _bytes(text.encode()) for name, text in texts.items()} | {"audio": _bytes(bytes(16_000))}
    for name, value in {"segment": 0, "num_samples": 8_000, "labels": 1}.items():
        feature[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
    serialized: bytes = tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
    return serialized


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def test_an_artist_is_one_however_the_name_is_written(tmp_path: Path) -> None:
    written = [
        example("1", artist=unicodedata.normalize("NFC", "Caf\u00e9  Noir")),
        example("2", artist=unicodedata.normalize("NFD", "CAF\u00c9 Noir")),
        example("3", package="Caf\u00e9 Noir"),
        example("4"),
    ]
    (tmp_path / "Split-eval").mkdir()
    with tf.io.TFRecordWriter(str(tmp_path / "Split-eval" / "part")) as writer:
        for record in written:
            writer.write(record)
    artists = {each.id: each.artist for each in read_split(str(tmp_path), "eval", SPEC)}
    assert artists["1"] == artists["2"]
    assert len(set(artists.values())) == 3
