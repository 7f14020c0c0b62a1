"""An exported model as a scan sees it: what it takes and answers, read from its signature and ``dacapo.json`` alone.

Nothing here knows the tasks by name. A model whose signature ``waveform`` answers nothing but float arrays of the
waveform's shape answers *audio*. Any other answers a *report*: ``probabilities`` with their names beside them in the
one output of strings, and events where there is an ``event_count``.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from audio.errors import DaCapoError
from serving.facts import ModelError, read_facts

SIGNATURE = "waveform"
PROBABILITIES = "probabilities"
EVENT_COUNT = "event_count"
KNOWN_INPUTS = frozenset({"waveform", "lyrics", "has_lyrics"})


class CannotAnswer(DaCapoError):
    """A recording that the model fails on; the message says why."""


@cache
def load_model(folder: Path) -> "Model":
    """The model in `folder`, loaded once a process.

    Raises
    ------
    ModelError
        If it cannot be loaded or used.
    """
    return Model(folder)


class Model:
    """A loaded SavedModel.

    Parameters
    ----------
    folder : of the SavedModel; its name is the version

    Attributes
    ----------
    facts : what it says of itself.
    audio : names of the outputs that are audio, in order of name; empty for a model that answers a report.
    """

    def __init__(self, folder: Path) -> None:
        self.version, self.facts = folder.name, read_facts(folder)
        try:
            self._model = tf.saved_model.load(str(folder))  # kept: the signature alone would not keep its variables
        except (OSError, ValueError, tf.errors.OpError) as error:
            first = next(iter(str(error).splitlines()), type(error).__name__)
            raise ModelError(f"{folder}: cannot be loaded: {first}") from error
        if SIGNATURE not in self._model.signatures:
            has = ", ".join(sorted(self._model.signatures)) or "none"
            raise ModelError(f"{folder}: has no signature {SIGNATURE!r}, which a scan calls (it has {has})")
        self._signature = self._model.signatures[SIGNATURE]
        self._inputs: Mapping[str, Any] = self._signature.structured_input_signature[1]
        if SIGNATURE not in self._inputs or not set(self._inputs) <= KNOWN_INPUTS:
            raise ModelError(f"{folder}: takes {', '.join(sorted(self._inputs))}; a scan has a waveform and lyrics")
        self.audio = self._audio_outputs()
        if not self.audio:
            self._names = self._names_output(folder)

    def _audio_outputs(self) -> tuple[str, ...]:
        waveform, outputs = self._inputs[SIGNATURE], self._signature.structured_outputs
        shape = waveform.shape.as_list()
        alike = [spec.dtype == tf.float32 and spec.shape.rank == len(shape) for spec in outputs.values()]
        if not all(alike) or any(spec.shape.as_list() != shape for spec in outputs.values()):
            return ()
        return tuple(sorted(outputs))

    def _names_output(self, folder: Path) -> str:
        outputs = self._signature.structured_outputs
        strings = [name for name, spec in outputs.items() if spec.dtype == tf.string]
        if PROBABILITIES not in outputs or len(strings) != 1:
            answers = ", ".join(sorted(outputs))
            raise ModelError(
                f"{folder}: answers {answers}; want audio, or probabilities with one output of their names"
            )
        return strings[0]

    @property
    def names(self) -> str:
        """The output that names the probabilities, such as ``tags``; of a model that answers a report."""
        return self._names

    @property
    def has_events(self) -> bool:
        """Whether it answers events with a place in time."""
        return EVENT_COUNT in self._signature.structured_outputs

    def __call__(self, y: np.ndarray, lyrics: str | None) -> dict[str, np.ndarray]:
        """Everything that the model answers of one recording, or a part of it.

        Parameters
        ----------
        y : float32 [channels, samples], as ``facts.spec`` says
        lyrics : None where they are unknown; read by models that take them

        Returns
        -------
        output -> np.ndarray without the batch's dimension; audio is [channels, samples]

        Raises
        ------
        CannotAnswer
            If the model fails on it.
        """
        waveform = y[np.newaxis] if self._inputs[SIGNATURE].shape.rank == 3 else y
        given = {
            "waveform": tf.constant(waveform, tf.float32),
            "lyrics": tf.constant([lyrics or ""]),
            "has_lyrics": tf.constant([lyrics is not None]),
        }
        try:
            answer = self._signature(**{name: given[name] for name in self._inputs})
        except tf.errors.InvalidArgumentError as error:
            reason = " ".join(str(error.message).split())
            raise CannotAnswer(f"the model fails on it: {reason[:200]}") from error
        arrays = {name: value.numpy()[0] for name, value in answer.items()}
        return {name: value.reshape(y.shape) if name in self.audio else value for name, value in arrays.items()}
