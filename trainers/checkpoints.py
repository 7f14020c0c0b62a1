"""Training state on disk, outside TFX's output directories: those are new for every run and deleted on an exception.

One ``.npz`` file a checkpoint, written under another name and renamed, so that a kill leaves the old one or the new
one.
"""

import hashlib
import io
import json
import os
import shutil
import uuid
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from trainers.learner import Arrays

DAMAGED = (zipfile.BadZipFile, EOFError, KeyError, ValueError, RuntimeError, zlib.error)
"""What reading a file raises that is not whole."""
_KEEP = 2


@dataclass(frozen=True)
class Point:
    """One validation: `loss` is the mean training loss since the one before, `score` the learner's."""

    step: int
    loss: float
    score: float
    learning_rate: float


@dataclass
class State:
    """Everything a training run is: two runs with equal states go on alike.

    Attributes
    ----------
    step : optimizer steps done.
    variables : model and optimizer variables by path, random-number states among them.
    best : model variables at `best_step`, where validation scored `best_score`; empty before the first validation.
    history : validations so far.
    loss_sum, loss_steps : training loss since the last validation.
    """

    step: int = 0
    variables: Arrays = field(default_factory=dict)
    best: Arrays = field(default_factory=dict)
    best_step: int = 0
    best_score: float = float("-inf")
    history: list[Point] = field(default_factory=list)
    loss_sum: float = 0.0
    loss_steps: int = 0


@dataclass(frozen=True)
class Finished:
    """The result of a training: best weights, what `finish` learnt on validation, and the validations on the way."""

    weights: Arrays
    extras: Arrays
    history: list[Point]
    best_step: int


def checkpoint_key(facts: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits for what determines a training: data, hyperparameters, code, seed."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def write_arrays(path: str, arrays: Arrays, facts: Mapping[str, Any]) -> None:
    """Write arrays and JSON facts to one file, whole or not at all."""
    buffer = io.BytesIO()
    np.savez(buffer, __facts__=np.frombuffer(json.dumps(facts).encode(), np.uint8), **arrays)  # type: ignore[arg-type]
    staging = f"{path}.{uuid.uuid4().hex}.tmp"
    with tf.io.gfile.GFile(staging, "wb") as file:
        file.write(buffer.getvalue())
    tf.io.gfile.rename(staging, path, overwrite=True)


def read_arrays(path: str) -> tuple[Arrays, dict[str, Any]]:
    """What `write_arrays` wrote.

    Raises
    ------
    zipfile.BadZipFile, EOFError, KeyError, ValueError, RuntimeError, zlib.error
        The file is damaged (`DAMAGED`).
    """
    with tf.io.gfile.GFile(path, "rb") as file, np.load(io.BytesIO(file.read())) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return arrays, json.loads(arrays.pop("__facts__").tobytes())


class Checkpoints:
    """The states of one training in one folder.

    Parameters
    ----------
    folder : any path TensorFlow opens
    writer : whether this process writes; the others only read
    """

    def __init__(self, folder: str, *, writer: bool = True) -> None:
        self.folder, self._writer = folder, writer
        self._finished = os.path.join(folder, "finished.npz")
        if writer:
            tf.io.gfile.makedirs(folder)
            for leftover in tf.io.gfile.glob(os.path.join(folder, "*.tmp")):
                tf.io.gfile.remove(leftover)
            if (
                self._paths() or self._rows()
            ) and self.finished() is not None:  # it was stopped before it had removed them
                self._remove_what_led_here()

    def _paths(self) -> list[str]:
        return sorted(tf.io.gfile.glob(os.path.join(self.folder, "step-*.npz")), reverse=True)

    def _rows(self) -> list[str]:
        return list(tf.io.gfile.glob(os.path.join(self.folder, "rows-*")))

    def save(self, state: State) -> None:
        """Keep `state`, and the one before it."""
        if not self._writer:
            return
        arrays = {f"variables/{name}": value for name, value in state.variables.items()}
        arrays |= {f"best/{name}": value for name, value in state.best.items()}
        facts = {name: value for name, value in vars(state).items() if name not in ("variables", "best", "history")}
        facts["history"] = [asdict(point) for point in state.history]
        write_arrays(os.path.join(self.folder, f"step-{state.step:09d}.npz"), arrays, facts)
        for path in self._paths()[_KEEP:]:
            tf.io.gfile.remove(path)

    def latest(self) -> State | None:
        """The newest state that can be read, or None."""
        for path in self._paths():
            try:
                arrays, facts = read_arrays(path)
            except DAMAGED:
                continue
            history = [Point(**point) for point in facts.pop("history")]
            return State(variables=_under("variables/", arrays), best=_under("best/", arrays), history=history, **facts)
        return None

    def finish(self, result: Finished) -> None:
        """Keep the result and drop the states and rows that led to it."""
        if not self._writer:
            return
        arrays = {f"weights/{name}": value for name, value in result.weights.items()}
        arrays |= {f"extras/{name}": value for name, value in result.extras.items()}
        facts = {"history": [asdict(point) for point in result.history], "best_step": result.best_step}
        write_arrays(self._finished, arrays, facts)
        self._remove_what_led_here()

    def _remove_what_led_here(self) -> None:
        for path in self._paths():
            tf.io.gfile.remove(path)
        for folder in self._rows():
            # Trainings map rows into memory: on NFS a file that is open leaves its folder until this process ends.
            shutil.rmtree(folder, ignore_errors=True)

    def finished(self) -> Finished | None:
        """The result, if training has ended and it can be read: a machine that fails may leave a name without bytes."""
        if not tf.io.gfile.exists(self._finished):
            return None
        try:
            arrays, facts = read_arrays(self._finished)
        except DAMAGED:
            return None
        history = [Point(**point) for point in facts["history"]]
        return Finished(_under("weights/", arrays), _under("extras/", arrays), history, facts["best_step"])


def _under(prefix: str, arrays: Arrays) -> Arrays:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
