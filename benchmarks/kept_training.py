"""A training of one device that is kept: done once, and gone on with where it was broken off."""

from collections.abc import Callable
from typing import TypeVar

import keras

from trainers.checkpoints import Checkpoints, Finished
from trainers.learner import Learner
from trainers.loop import train
from trainers.rows import Rows
from trainers.strategy import make_strategy
from trainers.task import Hyperparameters

AnyLearner = TypeVar("AnyLearner", bound=Learner)


def kept_training(
    make: Callable[[], AnyLearner],
    training: Rows,
    validation: Rows,
    checkpoints: Checkpoints,
    *,
    hyperparameters: Hyperparameters,
    seed: int,
) -> tuple[AnyLearner, Finished]:
    """The learner, and its weights of the best validation.

    Parameters
    ----------
    make : a learner, whose first weights follow from `seed`
    training, validation : rows
    checkpoints : where the training is kept
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    learner = make()
    finished = checkpoints.finished() or train(
        learner,
        training,
        validation,
        hyperparameters=hyperparameters,
        strategy=make_strategy("one_device"),
        checkpoints=checkpoints,
        seed=seed,
        initialise=learner.initialise,
    )
    return learner, finished
