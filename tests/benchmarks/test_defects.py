"""The page of defects counts what a detector says of whole recordings."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from audio.files import write
from benchmarks.defects import _sources, _whole
from catalog.format import Catalog
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
    rows = [Recording(id=name, path=f"{name}.wav") for name in ("loud", "quiet", "unjudged")]
    for row in rows:
        write(tmp_path / row.path, np.full((1, 15 * RATE), 0.5 * (row.id == "loud"), np.float32), sample_rate=RATE)
    catalog = Catalog.write(tmp_path / "catalog.csv", "tones", rows).path
    judged = [Recording(id=f"{name}~000001-{take}", path="x.flac") for name in ("loud", "quiet") for take in (0, 1)]
    sources = _sources(judged, catalog)
    assert list(sources) == ["loud", "quiet"]
    (table,) = _whole(listen, tmp_path, list(sources.values()))
    assert table.columns == ("", "click", "hum", "all")
    assert [line[1:] for line in table.rows] == [["40.00", "0.00", "40.00"], ["1", "0", "1"], ["1", "2", "2"]]


def test_without_the_catalog_of_the_recordings_there_is_no_such_table(tmp_path: Path) -> None:
    sources = _sources([Recording(id="loud~000001-0", path="x.flac")], tmp_path / "catalog.csv")
    assert sources == {}
    assert list(_whole(listen, tmp_path, [])) == []
