"""What a model makes of a recording's sound, as FLAC files of any length in bounded memory.

The recording goes through the model part by part, and what comes back is cross-faded (`audio.overlap_add.stream`): two
parts lie in memory. Outputs come together and files are written one after another, so what is done waits on the disk,
in a file without a name, until the last part is through: a recording that breaks off leaves no file.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np

from audio.errors import FULL, AudioError
from audio.overlap_add import stream
from audio.pcm import pcm16_array, pcm16_bytes
from audio.writing import write_blocks
from serving.model import CannotAnswer, Model
from serving.names import folder_name
from serving.parts import Cut

SUFFIX = ".flac"
SILENCE_DBFS = -120.0
READ_FRAMES = 1 << 16


class _Sound:
    """One output: its samples as PCM16 in `file`, and its level."""

    def __init__(self, file: IO[bytes], channels: int) -> None:
        self._file, self._channels = file, channels
        self._energy, self._peak, self._samples = 0.0, 0.0, 0

    def append(self, y: np.ndarray) -> None:
        """Takes the next samples, float32 [channels, samples]."""
        self._file.write(pcm16_bytes(y))
        self._energy += float(np.sum(np.square(y, dtype=np.float64)))
        self._peak = max(self._peak, float(np.abs(y).max(initial=0.0)))
        self._samples += y.size

    def blocks(self) -> Iterator[np.ndarray]:
        """All samples from the first, float32 [channels, samples] at a time."""
        self._file.seek(0)
        while data := self._file.read(2 * self._channels * READ_FRAMES):
            yield pcm16_array(data, channels=self._channels)

    def level(self) -> dict[str, float]:
        """Mean power and peak in dB of full scale (a square wave at full scale has 0 dBFS); silence is -120."""
        power = self._energy / max(self._samples, 1)
        return {"level_dbfs": _decibels(power), "peak_dbfs": _decibels(self._peak**2)}


def write_answer(
    model: Model, blocks: Iterable[np.ndarray], how: Cut, lyrics: str | None, folder: Path
) -> dict[str, dict[str, Any]]:
    """Write ``<folder>/<output>.flac`` for every output of a model that answers audio.

    Parameters
    ----------
    blocks : of the recording, float32 [channels, any number of samples] at the model's rate
    how : how the recording is cut
    folder : made with its first file; 16-bit FLAC clips what lies beyond full scale, which ``peak_dbfs`` > 0 tells

    Returns
    -------
    output -> ``file`` (its name in `folder`), ``level_dbfs``, ``peak_dbfs``

    Raises
    ------
    CannotAnswer
        The model fails, or answers what is not a number.
    AudioError
        A file cannot be written.
    OSError
        The disk is full.
    """
    spec, names = model.facts.spec, model.audio

    def process(piece: np.ndarray) -> np.ndarray:
        answer = model(piece, lyrics)
        stacked = np.stack([answer[name] for name in names])
        if not np.isfinite(stacked).all():
            raise CannotAnswer("the model's answer is not a number")
        return stacked

    with ExitStack() as stack:
        sounds = [_Sound(stack.enter_context(tempfile.TemporaryFile()), spec.channels) for _ in names]
        for block in stream(blocks, process, length=how.length, overlap=how.overlap):
            for sound, y in zip(sounds, block, strict=True):
                sound.append(y)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for stale in folder.glob(".*.part"):  # `audio.writing` was killed here
                stale.unlink()
        except OSError as error:
            if error.errno in FULL:
                raise
            raise AudioError(folder, f"cannot be made: {error.strerror}") from error
        files = {}
        for name, sound in zip(names, sounds, strict=True):
            file = folder_name(name) + SUFFIX
            write_blocks(folder / file, sound.blocks(), sample_rate=spec.sample_rate, channels=spec.channels)
            files[name] = {"file": file, **sound.level()}
        return files


def _decibels(power: float) -> float:
    return round(max(10 * float(np.log10(max(power, 1e-30))), SILENCE_DBFS), 2)
