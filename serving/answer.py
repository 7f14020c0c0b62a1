"""One recording through one model: the line of a scan, or the reason why there is none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from audio.errors import AudioError, DaCapoError
from audio.files import blocks, probe
from audio.resampling import resampled_length
from audio.spec import AudioSpec
from catalog.recording import Recording
from serving.audio_answer import write_answer
from serving.model import Model
from serving.names import folder_name
from serving.parts import Cut, cut, parts
from serving.report import Report


class Unreadable(DaCapoError):
    """A recording's file that cannot be decoded to its end; the message is the reason, without the path."""


class _Listener:
    """Reads a file as a model wants it, and counts its samples."""

    def __init__(self, path: Path, spec: AudioSpec) -> None:
        self._path, self._spec = path, spec
        self.samples = 0

    def cut(self) -> Cut:
        """How it is cut, by what its header promises."""
        try:
            info = probe(self._path)
        except AudioError as error:
            raise Unreadable(error.reason) from error
        return cut(resampled_length(info.frames, info.sample_rate, self._spec.sample_rate), self._spec)

    def blocks(self) -> Iterator[np.ndarray]:
        """float32 [channels, samples] at a time."""
        source = blocks(self._path, sample_rate=self._spec.sample_rate, channels=self._spec.channels)
        while True:
            try:
                y = next(source, None)
            except AudioError as error:
                raise Unreadable(error.reason) from error
            if y is None:
                break
            self.samples += y.shape[1]
            yield y
        if not self.samples:
            raise Unreadable("holds no samples")


def answer(model: Model, recording: Recording, root: Path, output: Path) -> dict[str, Any]:
    """What a model answers of a recording.

    No more than a part of the recording (`serving.parts`) lies in memory, however long it is.

    Parameters
    ----------
    model : loaded
    recording : a row of the catalog; its lyrics go to a model that takes them
    root : the catalog's folder
    output : where a model that answers audio writes ``<id>/<name>.flac``; an id that is no plain word is replaced
        (`serving.names`)

    Returns
    -------
    ``id``, ``path``, ``model`` (the version), ``task``, ``duration_s``; then ``audio`` (output -> ``file`` relative to
    `output`, ``level_dbfs``, ``peak_dbfs``), or the report (`serving.report.Report.result`)

    Raises
    ------
    Unreadable
        If the recording cannot be decoded to its end.
    CannotAnswer
        If the model fails on it.
    AudioError
        If an answer cannot be written.
    OSError
        If the disk is full.
    """
    heard = _Listener(root / recording.path, model.facts.spec)
    how = heard.cut()
    if model.audio:
        folder = folder_name(recording.id)
        files = write_answer(model, heard.blocks(), how, recording.lyrics, output / folder)
        for facts in files.values():
            facts["file"] = f"{folder}/{facts['file']}"
        found: dict[str, Any] = {"audio": files}
    else:
        report = Report(model)
        for part in parts(heard.blocks(), how):
            report.add(part, model(part.y, recording.lyrics))
        found = report.result()
    return {
        "id": recording.id,
        "path": recording.path,
        "model": model.version,
        "task": model.facts.task,
        "duration_s": round(heard.samples / model.facts.spec.sample_rate, 3),
        **found,
    }
