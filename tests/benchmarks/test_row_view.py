from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks.row_view import RowView
from trainers.learner import Tensors
from trainers.rows import open_rows


def _read(serialized: tf.Tensor) -> Tensors:
    numbers = tf.strings.to_number(serialized, tf.int64)
    return {
        "id": tf.strings.as_string(numbers // 2),
        "segment": numbers % 2,
        "labels": tf.stack([numbers, 10 * numbers, 100 * numbers], axis=1),
    }


def test_a_view_holds_the_rows_of_its_recordings_and_the_labels_of_its_tag(tmp_path: Path) -> None:
    with tf.io.TFRecordWriter(str(tmp_path / "records")) as writer:
        for number in (5, 0, 3, 1, 4, 2):  # recording 0: 0, 1; recording 1: 2, 3; recording 2: 4, 5
            writer.write(str(number))
    folder = str(tmp_path / "rows")
    open_rows(folder, [str(tmp_path / "records")], _read)
    view = RowView(folder, recordings=["2", "0"], tag=1)
    assert len(view) == 4
    assert view.ids.tolist() == ["0", "0", "2", "2"]
    assert view.segments.tolist() == [0, 1, 0, 1]
    assert view.signature["labels"][1] == (1,)
    np.testing.assert_array_equal(view.labels(["labels"])["labels"][:, 0], [0, 10, 40, 50])
    np.testing.assert_array_equal(view.take(np.array([3, 0]))["labels"], [[50], [0]])
    everything = RowView(folder)
    assert everything.signature["labels"][1] == (3,)
    np.testing.assert_array_equal(everything.take(np.arange(6))["labels"][:, 2], 100 * np.arange(6))
