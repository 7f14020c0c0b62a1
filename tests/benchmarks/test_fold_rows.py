import numpy as np
import tensorflow as tf

from audio.spec import AudioSpec
from benchmarks.fold_rows import cut_example

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
