"""The one training loop: every task, on one device, on several, on several machines.

Keras 3's ``fit`` fails under ``MultiWorkerMirroredStrategy`` (keras-team/keras#20585); this loop runs ``strategy.run``
and owns what ``fit`` and its callbacks would: checkpoints, early stopping, best weights, progress.

Progress goes to the logger ``dacapo.trainers``: a line at INFO for each validation; at DEBUG a record every few steps
that carries ``done`` and ``total``, for who draws a bar.
"""

import logging
import math
from collections.abc import Callable

import keras
import tensorflow as tf

from trainers.batches import join, training_batches, validation_batches, validation_steps
from trainers.checkpoints import Checkpoints, Finished, Point, State
from trainers.learner import Arrays, Learner
from trainers.rows import Rows
from trainers.task import Hyperparameters
from trainers.trainee import Trainee, get_variables, make_trainee, set_variables

LOGGER = logging.getLogger("dacapo.trainers")
_FETCH_LOSS_EVERY = 10


def predict_rows(
    learner: Learner, trainee: Trainee, rows: Rows, hyperparameters: Hyperparameters, strategy: tf.distribute.Strategy
) -> Arrays:
    """Outputs of the model for all rows, or what the learner keeps of them, in their order."""
    batches = validation_batches(learner, rows, batch_size=hyperparameters.batch_size)
    iterator = iter(strategy.distribute_datasets_from_function(batches))
    blocks = []
    for _ in range(validation_steps(rows, hyperparameters.batch_size)):
        blocks.append({name: value.numpy() for name, value in trainee.predict(next(iterator)).items()})
    return join(blocks, len(rows))


def train(
    learner: Learner,
    training: Rows,
    validation: Rows,
    *,
    hyperparameters: Hyperparameters,
    strategy: tf.distribute.Strategy,
    checkpoints: Checkpoints,
    seed: int,
    initialise: Callable[[keras.Model], None] = lambda model: None,
    on_validation: Callable[[Point], None] = lambda point: None,
) -> Finished:
    """Train to the last step, or until validation has not improved for `patience` validations since
    `select_from_step`; go on from a checkpoint if there is one.

    A run that was interrupted and goes on ends with the weights of one that was not: batches depend on seed and step
    alone, and a checkpoint holds every variable, the best weights so far and the validations behind them.

    Parameters
    ----------
    learner : what is trained
    training, validation : rows of the two splits
    initialise : sets the first weights (warm start); not called where a checkpoint is found
    on_validation : told each validation, those before a restart included

    Returns
    -------
    Finished
        Weights of the best validation from `select_from_step` on, kept in `checkpoints` as well.

    Raises
    ------
    FloatingPointError
        The loss is no longer finite, or a validation gave a score that is no number.
    """
    trainee = make_trainee(learner, hyperparameters, strategy)
    state = checkpoints.latest()
    if state is None:
        state = State()
        initialise(trainee.model)
    else:
        set_variables(trainee.variables, state.variables)
        LOGGER.info("going on at step %d of %d", state.step, hyperparameters.steps)
    for point in state.history:
        on_validation(point)
    batches = training_batches(
        learner,
        training,
        batch_size=hyperparameters.batch_size,
        seed=seed,
        first_step=state.step,
        steps=hyperparameters.steps,
    )
    iterator = iter(strategy.distribute_datasets_from_function(batches))
    labels = validation.labels(learner.label_columns)
    pending: list[tf.Tensor] = []
    while state.step < hyperparameters.steps and not _stale(state, hyperparameters):
        pending.append(trainee.step(next(iterator)))
        state.step += 1
        last = state.step == hyperparameters.steps
        validates = last or state.step % hyperparameters.validate_every == 0
        saves = not last and state.step % hyperparameters.checkpoint_every == 0
        if validates or saves or len(pending) == _FETCH_LOSS_EVERY:
            _add_losses(state, pending)
            LOGGER.debug("training", extra={"done": state.step, "total": hyperparameters.steps})
        if validates:
            outputs = predict_rows(learner, trainee, validation, hyperparameters, strategy)
            on_validation(_validate(state, learner.score(labels, outputs), trainee, hyperparameters))
        if saves:
            state.variables = get_variables(trainee.variables)
            checkpoints.save(state)
    return _finish(state, learner, trainee, validation, hyperparameters, strategy, checkpoints)


def _stale(state: State, hyperparameters: Hyperparameters) -> bool:
    since = max(state.best_step, hyperparameters.select_from_step)
    return sum(point.step > since for point in state.history) >= hyperparameters.patience


def _add_losses(state: State, pending: list[tf.Tensor]) -> None:
    for loss in pending:
        state.loss_sum += float(loss)
        state.loss_steps += 1
    pending.clear()
    if not math.isfinite(state.loss_sum):
        raise FloatingPointError(f"the loss is no longer finite at step {state.step}: lower learning_rate")


def _validate(state: State, score: float, trainee: Trainee, hyperparameters: Hyperparameters) -> Point:
    if not math.isfinite(score):
        raise FloatingPointError(
            f"validation at step {state.step} gave {score}: nothing in validation tells right from wrong"
        )
    rate = float(trainee.optimizer.learning_rate)
    point = Point(state.step, state.loss_sum / state.loss_steps, score, rate)
    state.history.append(point)
    state.loss_sum, state.loss_steps = 0.0, 0
    selects = state.step >= min(hyperparameters.select_from_step, hyperparameters.steps)
    if selects and score > state.best_score:
        state.best, state.best_step, state.best_score = get_variables(trainee.model.variables), state.step, score
    LOGGER.info("step %d of %d: loss %.4f, validation %.4f", point.step, hyperparameters.steps, point.loss, point.score)
    return point


def _finish(
    state: State,
    learner: Learner,
    trainee: Trainee,
    validation: Rows,
    hyperparameters: Hyperparameters,
    strategy: tf.distribute.Strategy,
    checkpoints: Checkpoints,
) -> Finished:
    set_variables(trainee.model.variables, state.best)
    outputs = predict_rows(learner, trainee, validation, hyperparameters, strategy)
    extras = learner.finish(validation.labels(learner.label_columns), outputs)
    finished = Finished(state.best, extras, state.history, state.best_step)
    checkpoints.finish(finished)
    return finished
