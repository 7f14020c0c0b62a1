"""However long a recording is, no more of it lies in memory than the spool allows."""

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import soundfile as sf

from catalog.recording import Recording, Split
from components.audio_example_gen.decode import decoded
from components.audio_example_gen.examples import examples
from components.audio_example_gen.settings import Settings
from components.audio_example_gen.spool import SPOOL_BYTES

RATE = 8000
HOURS = 2
SPEC = {"columns": ["audio"], "sample_rate": RATE, "channels": 1, "segment_s": 60.0, "eval_max_s": 600.0}


def two_hours(path: Path) -> None:
    """A wav of silence, 110 MiB of samples, which take no room on the disk where that can leave holes."""
    sf.write(path, [0.0], RATE, "PCM_16")
    samples = 2 * HOURS * 3600 * RATE
    with open(path, "r+b") as file:
        head = bytearray(file.read(44))
        head[4:8] = (36 + samples).to_bytes(4, "little")
        head[40:44] = samples.to_bytes(4, "little")
        file.seek(0)
        file.write(head)
        file.truncate(44 + samples)


def test_a_two_hour_recording_becomes_examples_in_flat_memory(
    tmp_path: Path, properties: Callable[..., dict[str, object]]
) -> None:
    two_hours(tmp_path / "long.wav")
    recording = Recording(id="long", path="long.wav")
    settings = Settings.read(properties(tmp_path / "catalog.csv", audio=json.dumps(SPEC)))
    written: dict[Split, int] = {}
    tracemalloc.start()
    try:
        with decoded(recording, tmp_path, settings) as sound:
            for split in ("train", "eval"):
                written[split] = sum(1 for _ in examples(recording, split, sound, settings))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sound.num_samples == HOURS * 3600 * RATE
    assert written == {"train": HOURS * 60, "eval": 1}
    assert 2 * sound.num_samples > 3 * SPOOL_BYTES  # without the spool's file this test could not fail
    assert peak_bytes < 1.6 * SPOOL_BYTES
