"""The page of defects counts what a detector says of whole recordings."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from audio.files import write
from benchmarks.defects import _sources, _whole, excerpts
from catalog.format import Catalog, open_catalog
from catalog.recording import Recording

RATE = 32_000
DEFECTS = (b"click", b"hum")


def listen(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
    """A detector that hears two clicks where the first sample is not 0, and is sure of hum everywhere."""
    clicks = 2 if float(waveform[0, 0]) else 0
    return {
        "defects": tf.constant([DEFECTS]),
        "probabilities": tf.constant([[1.0 if clicks else 0.1, 0.5]]),
        "event_defect": tf.zeros([1, clicks], tf.int32),
        "event_onset_s": tf.zeros([1, clicks]),
        "event_offset_s": tf.ones([1, clicks]),
        "frame_probabilities": tf.zeros([1, 1, 2]),
    }


def test_events_and_decisions_of_whole_recordings_are_counted_by_the_minute_and_by_the_recording(
    tmp_path: Path,
) -> None:
    rows = [Recording(id=name, path=f"{name}.wav") for name in ("loud", "quiet", "clipped", "unjudged")]
    for row in rows:
        y = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 15 * RATE)).astype(np.float32)
        y[0, 0] *= row.id != "quiet"
        write(tmp_path / row.path, y.clip(-0.3, 0.3) if row.id == "clipped" else y, sample_rate=RATE)
    catalog = Catalog.write(tmp_path / "catalog.csv", "tones", rows).path
    names = ("loud", "quiet", "clipped")
    judged = [Recording(id=f"{name}~000001-{take}", path="x.flac") for name in names for take in (0, 1)]
    sources = _sources(judged, catalog)
    assert list(sources) == ["loud", "quiet", "clipped"]
    (table,) = _whole(listen, tmp_path, list(sources.values()))
    assert table.columns == ("", "click", "hum", "all")
    assert table.caption.startswith("2 of the 3 recordings")
    assert [line[1:] for line in table.rows] == [["40.00", "0.00", "40.00"], ["1", "0", "1"], ["1", "2", "2"]]


def test_without_the_catalog_of_the_recordings_there_is_no_such_table(tmp_path: Path) -> None:
    sources = _sources([Recording(id="loud~000001-0", path="x.flac")], tmp_path / "catalog.csv")
    assert sources == {}
    assert list(_whole(listen, tmp_path, [])) == []


def test_recordings_that_stand_whole_in_a_damaged_library_are_no_excerpts(tmp_path: Path) -> None:
    rows = [
        Recording(id=f"song~000001-{name}", path=f"{name}.wav", split=split)
        for name, split in (("0", "eval"), ("1", "train"), ("whole", "eval"))
    ]
    catalog = Catalog.write(tmp_path / "damaged.csv", "tones", rows)
    for row in rows:
        (tmp_path / row.path).touch()
    assert [row.path for row in excerpts(open_catalog(catalog.path), "eval")] == ["0.wav"]
