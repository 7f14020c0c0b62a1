"""First weights from a model that was trained before."""

import json
import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from audio.errors import DaCapoError
from trainers.checkpoints import read_arrays
from trainers.export import FACTS, WEIGHTS
from trainers.learner import Arrays
from trainers.trainee import RANDOM_STATE

FRESH = "none"


def exported_facts(folder: str) -> dict[str, Any]:
    """What ``dacapo.json`` says of a model that `trainers.export` wrote.

    Raises
    ------
    DaCapoError
        No such model there.
    """
    for parts in (WEIGHTS, FACTS):
        if not tf.io.gfile.exists(os.path.join(folder, *parts)):
            raise DaCapoError(f"warm_start={folder}: holds no model of Da Capo ({'/'.join(parts)} is missing)")
    with tf.io.gfile.GFile(os.path.join(folder, *FACTS)) as file:
        facts: dict[str, Any] = json.loads(file.read())
    return facts


def exported_weights(folder: str) -> tuple[Arrays, tuple[str, ...]]:
    """Weights by path, and the names of the outputs, of a model that `trainers.export` wrote.

    Raises
    ------
    DaCapoError
        No such model there.
    """
    vocabulary = exported_facts(folder)["vocabulary"]
    return read_arrays(os.path.join(folder, *WEIGHTS))[0], tuple(vocabulary)


def start_from(
    model: keras.Model, folder: str, *, outputs: Sequence[str], output_variables: Sequence[str]
) -> tuple[str, ...]:
    """Give `model` the weights of an exported model of the same architecture.

    Variables with one column an output (the heads) are mapped by the outputs' names; new outputs keep their fresh
    columns, outputs that are gone are dropped.

    Parameters
    ----------
    model : changed in place
    folder : of the exported model
    outputs : names of the model's outputs, in order
    output_variables : paths of variables whose last axis is the outputs

    Returns
    -------
    names of the outputs that were not in the exported model

    Raises
    ------
    DaCapoError
        No model there, or one of another architecture; the message names the first variable that does not fit.
    """
    weights, known = exported_weights(folder)
    for variable in model.variables:
        if variable.path.endswith(RANDOM_STATE):
            continue
        old = weights.get(variable.path)
        if old is not None and variable.path in output_variables:
            new = np.array(keras.ops.convert_to_numpy(variable))
            if old.shape[:-1] == new.shape[:-1]:
                for column, name in enumerate(outputs):
                    if name in known:
                        new[..., column] = old[..., known.index(name)]
                old = new
        if old is None or old.shape != tuple(variable.shape):
            there = "is missing" if old is None else f"has shape {old.shape}"
            raise DaCapoError(
                f"warm_start={folder}: {variable.path} {there} there and shape {tuple(variable.shape)} here; "
                "only a model with the same hyperparameters can be started from, and one of an earlier version of "
                f"Da Capo may differ: start once with --warm-start {FRESH}"
            )
        variable.assign(old)
    return tuple(name for name in outputs if name not in known)
