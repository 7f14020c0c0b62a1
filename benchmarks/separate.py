"""The other peer: one binary model a tag, of our own architecture and recipe, trained on the rows of the same run.

Each is the Trainer's own training with a vocabulary of one tag: learner, loop, early stopping, calibration and
signature are those of the run that it is compared with. A child is judged plainly, tag or not, on all recordings: a
separate model knows no parent.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.past_runs import PastRun
from benchmarks.report import say
from benchmarks.scores import System
from trainers.checkpoints import Checkpoints, read_arrays, write_arrays
from trainers.learner import Arrays
from trainers.loop import train
from trainers.request import Recipe, parse_request
from trainers.rows import Rows, open_rows
from trainers.strategy import make_strategy
from trainers.tagging.model import make_learner
from trainers.tagging.signatures import make_signatures
from trainers.transform_constants import transform_constants

DECISION = 0.5


class OneTagRows(Rows):
    """Rows whose labels are those of one tag.

    Parameters
    ----------
    folder : of rows with all tags
    tag : number of the tag
    """

    def __init__(self, folder: str, tag: int) -> None:
        super().__init__(folder)
        self._tag = tag

    @property
    def signature(self) -> dict[str, tuple[np.dtype, tuple[int, ...]]]:
        """As of `Rows`, with one label."""
        every = super().signature
        return every | {"labels": (every["labels"][0], (1,))}

    def take(self, numbers: np.ndarray, columns: Any = None) -> Arrays:
        """As of `Rows`, with one label."""
        taken = super().take(numbers, columns)
        if "labels" in taken:
            taken["labels"] = taken["labels"][:, self._tag : self._tag + 1]
        return taken


def separate_models(past: PastRun, serialized: Sequence[bytes], home: Path, hyperparameters: dict[str, Any]) -> System:
    """Answers of one model a tag for eval recordings.

    What is trained is kept under `home`; a killed benchmark goes on at the last checkpoint.

    Parameters
    ----------
    past : the run whose rows and settings are used
    serialized : raw Examples of the eval recordings
    home : folder of the benchmark
    hyperparameters : overrides of the run's
    """
    settings = past.retraining(
        hyperparameters,
        checkpoint_root=str(home / "separate"),
        data_key=past.transform_graph,
        strategy="one_device",
        warm_start="musicnn" if past.training["warm_start"] == "musicnn" else "none",
    )
    folder = home / "separate" / f"rows-{Path(past.transform_graph).name}"
    every = make_learner(_recipe(past, settings))
    open_rows(str(folder / "train"), past.transformed("train"), every.read)
    open_rows(str(folder / "validation"), past.transformed("validation"), every.read)
    columns = []
    for number, tag in enumerate(past.tags):
        say(f"  separate model {number + 1} of {len(past.tags)}: {tag}")
        alone = settings | {"vocabulary": {"tags": [tag], "parents": {}}}
        columns.append(_one(past, alone, number, folder, serialized))
    probabilities = np.concatenate(columns, axis=1)
    return System("one binary model a tag", probabilities, probabilities >= DECISION)


def _recipe(past: PastRun, settings: dict[str, Any], tag: int | None = None) -> Recipe:
    config = parse_request(settings)
    constants = transform_constants(past.transform_graph)
    if tag is not None:
        constants["tag_shares"] = constants["tag_shares"][tag : tag + 1]
    return Recipe(config, config.typed_hyperparameters(), constants)


def _one(past: PastRun, settings: dict[str, Any], tag: int, rows: Path, serialized: Sequence[bytes]) -> np.ndarray:
    recipe = _recipe(past, settings, tag)
    checkpoints = Checkpoints(recipe.config.checkpoint_folder([]))
    answers = Path(checkpoints.folder) / "eval.npz"
    if answers.is_file():
        return read_arrays(str(answers))[0]["probabilities"]
    keras.backend.clear_session()
    keras.utils.set_random_seed(recipe.config.seed)
    learner: Any = make_learner(recipe)
    finished = checkpoints.finished() or train(
        learner,
        OneTagRows(str(rows / "train"), tag),
        OneTagRows(str(rows / "validation"), tag),
        hyperparameters=recipe.hyperparameters,
        strategy=make_strategy(recipe.config.strategy),
        checkpoints=checkpoints,
        seed=recipe.config.seed,
        initialise=learner.initialise,
    )
    _, signatures, _ = make_signatures(learner, finished)
    probabilities = probabilities_of(signatures["evaluate"], serialized)
    write_arrays(str(answers), {"probabilities": probabilities}, {})
    return probabilities


def probabilities_of(evaluate: Any, serialized: Sequence[bytes]) -> np.ndarray:
    """What an ``evaluate`` signature says of raw Examples, one at a time: [recordings, tags]."""
    return np.concatenate(
        [evaluate(examples=tf.constant([example]))["probabilities"].numpy() for example in serialized]
    )
