"""The order in which a training comes by rows."""

import errno
import os
import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.trainers.toy_learner import write_shards
from trainers.batches import Walk
from trainers.learner import Tensors
from trainers.rows import Rows, open_rows


def rows_of(walk: Walk, examples: int, batch_size: int) -> np.ndarray:
    return np.concatenate([walk.step(step, batch_size) for step in range(-(-examples // batch_size))])[:examples]


@pytest.mark.parametrize("batch_size", [3, 8, 25])
def test_an_epoch_sees_every_row_once(batch_size: int) -> None:
    seen = rows_of(Walk(np.ones(10, np.int64), seed=1), 20, batch_size)
    for epoch in (seen[:10], seen[10:]):
        np.testing.assert_array_equal(np.sort(epoch), np.arange(10))
    assert seen[:10].tolist() != seen[10:].tolist()


@pytest.mark.parametrize("batch_size", [3, 8, 25])
def test_an_epoch_sees_one_row_of_each_recording_and_epochs_see_all_of_them_in_turn(batch_size: int) -> None:
    counts = np.array([1, 4, 2, 3])
    recording = np.repeat(np.arange(4), counts)
    seen = rows_of(Walk(counts, seed=1), 4 * 12, batch_size)
    for epoch in seen.reshape(12, 4):
        np.testing.assert_array_equal(np.sort(recording[epoch]), np.arange(4))
    np.testing.assert_array_equal(np.bincount(seen), 12 / counts[recording])


def test_recordings_do_not_all_begin_at_their_first_row() -> None:
    first = Walk(np.full(50, 10), seed=0).step(0, 50) % 10
    assert len(set(first)) > 5


def segment(recording: str, number: int) -> bytes:
    feature = {
        "id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[recording.encode()])),
        "segment": tf.train.Feature(int64_list=tf.train.Int64List(value=[number])),
    }
    return bytes(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def read(serialized: tf.Tensor) -> Tensors:
    columns: Tensors = tf.io.parse_example(
        serialized, {"id": tf.io.FixedLenFeature([], tf.string), "segment": tf.io.FixedLenFeature([], tf.int64)}
    )
    return columns | {"number": columns["segment"]}


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    """Ten segments of four recordings, written in no order."""
    lengths = {"waltz": 4, "aria": 1, "song-10": 3, "song-2": 2}
    segments = [segment(name, number) for name, count in lengths.items() for number in range(count)]
    shuffled = [segments[place] for place in np.random.default_rng(0).permutation(len(segments))]
    write_shards(tmp_path / "shards", shuffled, 2)
    return open_rows(str(tmp_path / "rows"), [str(tmp_path / "shards" / "*")], read)


@pytest.mark.parametrize("name", ["number.bin", "rows.json"])
@pytest.mark.parametrize("size", [0, 7])
def test_rows_that_a_failing_machine_left_without_bytes_are_decoded_again(
    rows: Rows, tmp_path: Path, name: str, size: int
) -> None:
    os.truncate(tmp_path / "rows" / name, size)
    again = open_rows(str(tmp_path / "rows"), [str(tmp_path / "shards" / "*")], read)
    everything = np.arange(len(rows))
    np.testing.assert_array_equal(again.take(everything)["number"], again.segments)
    np.testing.assert_array_equal(again.ids, rows.ids)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("rows")] == ["rows"]


def test_rows_are_not_given_up_where_the_machine_fails(rows: Rows, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(OSError) as caught:
            open_rows(str(tmp_path / "rows"), [], read)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert caught.value.errno == errno.EMFILE
    np.testing.assert_array_equal(Rows(str(tmp_path / "rows")).ids, rows.ids)


def test_workers_that_find_the_same_damage_all_get_the_rows(rows: Rows, tmp_path: Path) -> None:
    patterns = [str(tmp_path / "shards" / "*")]
    for _ in range(5):
        os.truncate(tmp_path / "rows" / "number.bin", 7)
        with ThreadPoolExecutor(4) as pool:
            opened = list(pool.map(lambda _: open_rows(str(tmp_path / "rows"), patterns, read), range(4)))
        for each in opened:
            np.testing.assert_array_equal(each.take(np.arange(len(rows)))["number"], rows.segments)
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith("rows")] == ["rows"]


def test_a_training_by_recording_sees_one_segment_of_each_an_epoch_and_all_in_turn(rows: Rows) -> None:
    seen = rows_of(Walk.of(rows, by_recording=True, seed=1), 4 * 12, 4)
    for epoch in seen.reshape(12, 4):
        assert sorted(rows.ids[epoch]) == ["aria", "song-10", "song-2", "waltz"]
    lengths = np.array([np.sum(rows.ids == name) for name in rows.ids])
    np.testing.assert_array_equal(np.bincount(seen), 12 / lengths)


def test_a_training_by_row_sees_every_segment_once_an_epoch(rows: Rows) -> None:
    seen = rows_of(Walk.of(rows, by_recording=False, seed=1), 20, 4)
    for epoch in seen.reshape(2, 10):
        np.testing.assert_array_equal(np.sort(epoch), np.arange(10))
