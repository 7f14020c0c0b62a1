"""Hand-made SavedModels with the signatures of the real ones, and catalogs of a few sounds."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import tensorflow as tf

from catalog.format import Catalog, Recording

RATE = 8000
EVAL_MAX_S = 12.0
LOUD = 0.25
FRAME = 80
WAVEFORM = tf.TensorSpec([None, None], tf.float32, "waveform")
STEREO = tf.TensorSpec([None, 2, None], tf.float32, "waveform")
TEXTS = (tf.TensorSpec([None], tf.string, "lyrics"), tf.TensorSpec([None], tf.bool, "has_lyrics"))


def tagger(waveform: tf.Tensor, lyrics: tf.Tensor, has_lyrics: tf.Tensor) -> dict[str, tf.Tensor]:
    """How loud it is (mean magnitude), whether it has lyrics, and whether these are "la"."""
    known = tf.cast(has_lyrics, tf.float32)
    columns = [tf.reduce_mean(tf.abs(waveform), axis=-1), known, known * tf.cast(lyrics == "la", tf.float32)]
    names = tf.constant([["level", "words", "la"]])
    return {"probabilities": tf.stack(columns, axis=1), "tags": tf.tile(names, [tf.shape(waveform)[0], 1])}


def detector(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
    """``hum`` is never there; ``click`` is one event from the first to the last loud frame."""
    samples = tf.shape(waveform)[1]
    padded = tf.pad(tf.abs(waveform), [[0, 0], [0, -samples % FRAME]])
    loud = tf.where(tf.reduce_max(tf.reshape(padded, [-1, FRAME]), axis=1) > LOUD)[:, 0]
    found = tf.minimum(tf.size(loud), 1)
    times = tf.cast(tf.stack([tf.reduce_min(loud) * FRAME, (tf.reduce_max(loud) + 1) * FRAME]), tf.float32) / RATE
    event = [tf.fill([1, found], value) for value in (times[0], times[1], 0.75)]
    return {
        "probabilities": tf.stack([0.125, 0.75 * tf.cast(found, tf.float32)])[tf.newaxis],
        "defects": tf.constant([["hum", "click"]]),
        "frame_probabilities": tf.zeros([1, samples, 2]),
        "frame_count": samples[tf.newaxis],
        "event_count": found[tf.newaxis],
        "event_defect": tf.fill([1, found], 1),
        **dict(zip(("event_onset_s", "event_offset_s", "event_probability"), event, strict=True)),
    }


def separator(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
    """A quarter is the voice, the rest the accompaniment."""
    return {"vocals": 0.25 * waveform, "accompaniment": 0.75 * waveform}


def broken(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
    """Not a number wherever it is loud."""
    return {"restored": waveform / tf.cast(tf.abs(waveform) < LOUD, tf.float32)}


MODELS: dict[str, tuple[Callable[..., Any], Sequence[tf.TensorSpec], int]] = {
    "tagging": (tagger, (WAVEFORM, *TEXTS), 1),
    "defects": (detector, (WAVEFORM,), 1),
    "separation": (separator, (STEREO,), 2),
    "restoration": (broken, (WAVEFORM,), 1),
}


def save_model(folder: Path, task: str) -> Path:
    """The tiny model that is called after a real task, with its description."""
    function, signature, channels = MODELS[task]
    module = tf.Module()
    module.answer = tf.function(function, input_signature=signature)
    tf.saved_model.save(module, str(folder), signatures={"waveform": module.answer})
    spec = {"columns": ["audio"], "sample_rate": RATE, "channels": channels, "segment_s": 1.0, "eval_max_s": EVAL_MAX_S}
    facts = {"task": task, "library": "tiny", "profile": "quick", "spec": spec, "vocabulary": []}
    (folder / "assets.extra").mkdir(exist_ok=True)
    (folder / "assets.extra" / "dacapo.json").write_text(json.dumps(facts))
    return folder


def tone(duration_s: float, *, rate: int = RATE, channels: int = 1, level: float = 0.1) -> np.ndarray:
    """A tone of 100 Hz, float32 [channels, samples]; the channels differ."""
    time = np.arange(round(duration_s * rate)) / rate
    y = level * np.sin(2 * np.pi * 100 * time)
    return np.stack([y / (channel + 1) for channel in range(channels)]).astype(np.float32)


class Shelf:
    """A folder of recordings and the catalog over them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.recordings: list[Recording] = []
        root.mkdir()

    def add(self, recording_id: str, y: np.ndarray, *, rate: int = RATE, **columns: Any) -> Path:
        """A recording of 16 bits; answers its file."""
        path = self.root / f"{len(self.recordings)}.wav"
        sf.write(path, y.T, rate, "PCM_16")
        self.recordings.append(Recording(id=recording_id, path=path.name, **columns))
        return path

    def write(self) -> Path:
        """The catalog as CSV."""
        return Catalog.write(self.root / "catalog.csv", "tiny", self.recordings).path
