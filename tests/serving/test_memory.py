"""However long a recording is, no more than some parts of it lie in memory."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from catalog.recording import Recording
from serving.answer import answer
from serving.facts import Facts

RATE = 8000
SPEC = {"columns": ["audio"], "sample_rate": RATE, "channels": 1, "segment_s": 1.0, "eval_max_s": 10.0}


class Halves:
    """A model in numpy, whose memory tracemalloc sees: two outputs of audio, or a report."""

    def __init__(self, *, audio: bool) -> None:
        self.version, self.audio = "1", ("a", "b") if audio else ()
        self.facts = Facts.model_validate({"task": "any", "library": "l", "profile": "p", "spec": SPEC})
        self.names, self.has_events = "tags", False
        self.calls = 0

    def __call__(self, y: np.ndarray, lyrics: str | None) -> dict[str, np.ndarray]:
        self.calls += 1
        report = {"probabilities": np.array([0.5]), "tags": np.array([b"tag"])}
        return {"a": y * 0.5, "b": y * 0.5} if self.audio else report


def blocks(minutes: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(minutes * 6):
        yield rng.uniform(-0.1, 0.1, 10 * RATE)


def peak_bytes(folder: Path, minutes: int, *, audio: bool) -> int:
    """The most that answering a recording of so many minutes takes."""
    path = folder / f"{minutes}.wav"
    with sf.SoundFile(path, "w", RATE, 1, "PCM_16") as file:
        for block in blocks(minutes):
            file.write(block)
    model = Halves(audio=audio)
    tracemalloc.start()
    try:
        line = answer(model, Recording(id="long", path=path.name), folder, folder / "out")  # type: ignore[arg-type]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert line["duration_s"] == minutes * 60
    assert model.calls >= minutes * 2
    return peak


@pytest.mark.parametrize("audio", [True, False], ids=["audio", "report"])
def test_four_times_the_recording_takes_no_more_memory(tmp_path: Path, audio: bool) -> None:
    peak_bytes(tmp_path, 1, audio=audio)  # what is made once is made
    short, long = (peak_bytes(tmp_path, minutes, audio=audio) for minutes in (2, 8))
    assert long < 1.15 * short  # parts are equally long, so not quite as long in both
    assert long < 8 * 60 * RATE * 4 / 3  # a third of the recording as float32
