from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import tensorflow as tf

from audio.spec import AudioSpec
from benchmarks.fold_rows import cut_example, rows_key
from benchmarks.past_runs import PastRun
from trainers.tagging.task import TASK

SPEC = AudioSpec(columns=("audio",), sample_rate=1000, channels=1, segment_s=2.0, eval_max_s=60.0)


def _recording(samples: np.ndarray) -> bytes:
    example = tf.train.Example()
    feature = example.features.feature
    feature["id"].bytes_list.value.append(b"one")
    feature["segment"].int64_list.value.append(0)
    feature["num_samples"].int64_list.value.append(len(samples))
    feature["labels"].int64_list.value.extend([0, 1])
    feature["audio"].bytes_list.value.append(samples.astype("<i2").tobytes())
    return bytes(example.SerializeToString())


def test_a_recording_of_eval_is_cut_as_one_of_train() -> None:
    samples = np.arange(1, 5701)
    parts = [tf.train.Example.FromString(part).features.feature for part in cut_example(_recording(samples), SPEC)]
    assert [part["segment"].int64_list.value[0] for part in parts] == [0, 1, 2]
    assert [part["num_samples"].int64_list.value[0] for part in parts] == [2000, 2000, 1700]
    assert all(list(part["labels"].int64_list.value) == [0, 1] for part in parts)
    pcm = np.concatenate([np.frombuffer(part["audio"].bytes_list.value[0], "<i2") for part in parts])
    np.testing.assert_array_equal(pcm, np.append(samples, np.zeros(300)))


def test_a_last_segment_with_hardly_any_audio_is_left_out() -> None:
    assert len(list(cut_example(_recording(np.arange(2100)), SPEC))) == 1


def test_rows_are_kept_under_another_key_for_other_judged_examples_and_other_hearing(tmp_path: Path) -> None:
    for split in ("train", "validation"):
        (tmp_path / f"Split-{split}").mkdir()
        (tmp_path / f"Split-{split}" / "examples").write_bytes(b"examples")
    run: Any = SimpleNamespace(run_id="tiny", pipeline="tagging-tiny-quick")
    artifacts = {"AudioExampleGen.examples": str(tmp_path), "Transform.transform_graph": str(tmp_path / "graph")}
    past = PastRun(run, artifacts, {}, {})
    one, other = _recording(np.arange(100)), _recording(np.arange(1, 101))
    hearing = TASK.hyperparameters["quick"]
    more = hearing.model_copy(update={"musicnn_patches": hearing.musicnn_patches + 1})
    judged_and_hearing = [([one], hearing), ([other], hearing), ([one, other], hearing), ([one], more)]
    keys = [rows_key(past, judged, heard) for judged, heard in judged_and_hearing]
    assert len(set(keys)) == len(keys)
    assert rows_key(past, [one], hearing) == keys[0]
