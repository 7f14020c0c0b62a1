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

from benchmarks.kept_training import kept_training
from benchmarks.past_runs import PastRun
from benchmarks.report import say
from benchmarks.row_view import RowView
from benchmarks.scores import DECISION, System
from trainers.checkpoints import Checkpoints, Finished, checkpoint_key, read_arrays, write_arrays
from trainers.learner import Tensors
from trainers.request import Recipe, parse_request
from trainers.rows import open_rows
from trainers.tagging.model import TaggingLearner, make_learner
from trainers.tagging.signatures import Tagger
from trainers.trainee import set_variables
from trainers.transform_constants import transform_constants


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
        strategy="one_device",
        warm_start="musicnn" if past.training["warm_start"] == "musicnn" else "none",
        vocabulary={"tags": list(past.tags), "parents": {}},
    )
    learner = make_learner(_recipe(past, settings))
    folder = home / "separate" / f"rows-{_key(past, settings)}"
    open_rows(str(folder / "train"), past.trained_on("train"), learner.read)
    open_rows(str(folder / "validation"), past.trained_on("validation"), learner.read)
    trained = []
    for number, tag in enumerate(past.tags):
        say(f"  separate model {number + 1} of {len(past.tags)}: {tag}")
        alone = settings | {
            "vocabulary": {"tags": [tag], "parents": {}},
            "checkpoint_root": str(home / "separate"),
        }
        trained.append(_train(_recipe(past, alone, number), number, folder))
    answers = folder / "eval.npz"
    if not answers.is_file():
        write_arrays(str(answers), {"probabilities": _answers(past, learner, trained, serialized)}, {})
    probabilities = read_arrays(str(answers))[0]["probabilities"]
    return System("one binary model a tag", probabilities, probabilities >= DECISION)


def _key(past: PastRun, settings: dict[str, Any]) -> str:
    facts = {name: value for name, value in settings.items() if name != "checkpoint_root"}
    return checkpoint_key(facts | {"data": past.data_stamps()})


def _recipe(past: PastRun, settings: dict[str, Any], tag: int | None = None) -> Recipe:
    config = parse_request(settings)
    constants = transform_constants(past.transform_graph)
    if tag is not None:
        constants["tag_shares"] = constants["tag_shares"][tag : tag + 1]
    return Recipe(config, config.typed_hyperparameters(), constants)


def _train(recipe: Recipe, tag: int, rows: Path) -> tuple[TaggingLearner, Finished]:
    checkpoints = Checkpoints(recipe.config.checkpoint_folder([rows.name]))
    return kept_training(
        lambda: make_learner(recipe),
        RowView(str(rows / "train"), tag=tag),
        RowView(str(rows / "validation"), tag=tag),
        checkpoints,
        hyperparameters=recipe.hyperparameters,
        seed=recipe.config.seed,
    )


class SideBySide(tf.Module):
    """Models of one tag each as a model of all tags, so that what is common is computed once.

    Parameters
    ----------
    models : alike but for their weights
    """

    def __init__(self, models: Sequence[keras.Model]) -> None:
        super().__init__()
        self.models = list(models)
        self.input = models[0].input

    def __call__(self, inputs: Tensors, training: bool) -> Tensors:
        """Their logits, [b, heads, models]."""
        logits = [model(inputs, training=training)["logits"] for model in self.models]
        return {"logits": tf.concat(logits, axis=-1)}


def _answers(
    past: PastRun,
    learner: TaggingLearner,
    trained: Sequence[tuple[TaggingLearner, Finished]],
    serialized: Sequence[bytes],
) -> np.ndarray:
    """Calibrated probabilities of the eval recordings, each tag by the model of its own."""
    models = []
    for single, finished in trained:
        model = single.build()
        set_variables(model.variables, finished.weights)
        models.append(model)
    thresholds = np.concatenate([finished.extras["thresholds"] for _, finished in trained])
    tagger = Tagger(learner, SideBySide(models), thresholds)
    (column,) = past.spec.columns

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def evaluate(examples: tf.Tensor) -> Tensors:
        return {"probabilities": tagger.tag_examples(examples, column, past.spec.channels)}

    return probabilities_of(evaluate, serialized)


def probabilities_of(evaluate: Any, serialized: Sequence[bytes]) -> np.ndarray:
    """What an ``evaluate`` signature says of raw Examples, one at a time: [recordings, tags]."""
    return np.concatenate(
        [evaluate(examples=tf.constant([example]))["probabilities"].numpy() for example in serialized]
    )
