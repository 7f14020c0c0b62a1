"""The Trainer's ``run_fn``: rows, learner, loop, export. Everything else stands in the files that it names."""

import os
import tempfile
from collections.abc import Callable
from importlib import import_module
from typing import Any

import keras
import tensorflow as tf

from trainers.checkpoints import Checkpoints, Finished, Point
from trainers.data_stamps import data_stamps
from trainers.export import export
from trainers.learner import Learner
from trainers.loop import train
from trainers.request import Recipe, parse_request
from trainers.rows import open_rows
from trainers.strategy import is_chief, make_strategy
from trainers.transform_constants import transform_constants
from trainers.warm_start import start_from
from trainers.warm_up import write_warm_up


def run_fn(fn_args: Any) -> None:
    """Train the task that ``custom_config`` names and export it to ``serving_model_dir``.

    A training that was interrupted goes on; one that had ended is only exported again. Of several workers the chief
    alone writes.

    Parameters
    ----------
    fn_args : ``tfx.components.FnArgs``; ``train_files`` and ``eval_files`` (the validation split) are Transform's
        outputs

    Raises
    ------
    DaCapoError
        Configuration or data that cannot be used.
    """
    config = parse_request(fn_args.custom_config)
    strategy = make_strategy(config.strategy)
    keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_op_determinism()
    recipe = Recipe(config, config.typed_hyperparameters(), transform_constants(fn_args.transform_output))
    learner: Learner = import_module(f"trainers.{config.task}.model").make_learner(recipe)
    data = data_stamps([*fn_args.train_files, *fn_args.eval_files], fn_args.transform_output)
    chief = is_chief(strategy)
    checkpoints = Checkpoints(config.checkpoint_folder(data), writer=chief)
    log = _scalar_log(fn_args.model_run_dir if chief else None)
    finished = checkpoints.finished()
    if finished is None:
        finished = _train(fn_args, recipe, learner, strategy, checkpoints, log)
    else:
        for point in finished.history:
            log(point)
    if chief:
        _export(fn_args.serving_model_dir, recipe, learner, finished)


def _train(
    fn_args: Any,
    recipe: Recipe,
    learner: Learner,
    strategy: tf.distribute.Strategy,
    checkpoints: Checkpoints,
    log: Callable[[Point], None],
) -> Finished:
    def initialise(model: keras.Model) -> None:
        learner.initialise(model)
        if os.path.isabs(recipe.config.warm_start) or "://" in recipe.config.warm_start:
            start_from(
                model,
                recipe.config.warm_start,
                outputs=recipe.config.vocabulary.tags,
                output_variables=learner.output_variables,
            )

    with tempfile.TemporaryDirectory() as scratch:
        folder = scratch if "://" in checkpoints.folder else checkpoints.folder
        return train(
            learner,
            open_rows(os.path.join(folder, "rows-train"), fn_args.train_files, learner.read),
            open_rows(os.path.join(folder, "rows-validation"), fn_args.eval_files, learner.read),
            hyperparameters=recipe.hyperparameters,
            strategy=strategy,
            checkpoints=checkpoints,
            seed=recipe.config.seed,
            initialise=initialise,
            on_validation=log,
        )


def _scalar_log(folder: str | None) -> Callable[[Point], None]:
    """Writes validations as TensorBoard scalars, or nowhere."""
    if folder is None:
        return lambda point: None
    writer = tf.summary.create_file_writer(folder)

    def log(point: Point) -> None:
        with writer.as_default(step=point.step):
            tf.summary.scalar("loss/train", point.loss)
            tf.summary.scalar("score/validation", point.score)
            tf.summary.scalar("learning_rate", point.learning_rate)
            writer.flush()

    return log


def _export(folder: str, recipe: Recipe, learner: Learner, finished: Finished) -> None:
    config = recipe.config
    make_signatures = import_module(f"trainers.{config.task}.signatures").make_signatures
    module, signatures, task_facts = make_signatures(learner, finished)
    facts = {
        "task": config.task,
        "library": config.library,
        "profile": config.profile,
        "vocabulary": list(config.vocabulary.tags),
        "parents": config.vocabulary.parents,
        "spec": config.spec.model_dump(mode="json"),
        "step": finished.best_step,
        **task_facts,
    }
    export(folder, module, signatures, facts=facts, weights=finished.weights)
    write_warm_up(folder, config.task, signatures, samples=config.spec.segment_samples)
