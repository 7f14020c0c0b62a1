"""The SavedModel and what stands beside it: what it is, and its weights by name for a later warm start."""

import json
import os
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import tensorflow as tf

from trainers.checkpoints import write_arrays
from trainers.learner import Arrays

FACTS = ("assets.extra", "dacapo.json")
WEIGHTS = ("assets.extra", "weights.npz")


@runtime_checkable
class WithFiles(Protocol):
    """A module that brings files of its own, such as a streaming model for phones."""

    def extra_files(self) -> Mapping[str, bytes]:
        """Contents by name, for ``assets.extra``."""


def export(
    folder: str, module: tf.Module, signatures: Mapping[str, Any], *, facts: Mapping[str, Any], weights: Arrays
) -> None:
    """Write a SavedModel; called again after a kill, it writes over what the first call left.

    Parameters
    ----------
    folder : where TFX wants the serving model
    module : holds the model; its attributes must be trackable; it may be `WithFiles`
    signatures : name -> tf.function with an input signature
    facts : JSON, for ``assets.extra/dacapo.json``: task, library, profile, vocabulary, spec...
    weights : for ``assets.extra/weights.npz``
    """
    tf.saved_model.save(module, folder, signatures=dict(signatures))
    tf.io.gfile.makedirs(os.path.join(folder, FACTS[0]))
    write_arrays(os.path.join(folder, *WEIGHTS), weights, {})
    if isinstance(module, WithFiles):
        for name, content in module.extra_files().items():
            with tf.io.gfile.GFile(os.path.join(folder, FACTS[0], name), "wb") as extra:
                extra.write(content)
    with tf.io.gfile.GFile(os.path.join(folder, *FACTS), "w") as file:
        file.write(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
