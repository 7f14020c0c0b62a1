"""Our model and one binary model a tag in every fold: the Trainer's own training on some of the recordings of a run.

A fold's model is what the Trainer would have made of these recordings: learner, loop, early stopping and calibration
are its own, and the shares of tags that it starts from are those of the fold. What Transform found in the run's train
split besides, mean and deviation of the mel bands, is undone before musicnn listens and teaches nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.folds import Fold
from benchmarks.kept_training import kept_training
from benchmarks.past_runs import PastRun
from benchmarks.report import BenchmarkError, say
from benchmarks.row_view import RowView
from trainers.calibration import calibrate
from trainers.checkpoints import Checkpoints, checkpoint_key
from trainers.loop import predict_rows
from trainers.request import Recipe, parse_request
from trainers.strategy import make_strategy
from trainers.tagging.model import TaggingLearner, make_learner
from trainers.tagging.published import MUSICNN
from trainers.trainee import make_trainee, set_variables
from trainers.transform_constants import transform_constants


class FoldTraining:
    """Trainings on parts of the rows of a run.

    Parameters
    ----------
    past : the run whose settings are used
    ids : of all recordings, in the order that folds number
    home : folder of the benchmark; a killed one goes on at the last checkpoint there
    hyperparameters : overrides of the run's

    Raises
    ------
    BenchmarkError
        The run's trunk listens: its rows are normalised with statistics of recordings that folds judge.
    """

    def __init__(self, past: PastRun, ids: Sequence[str], home: Path, hyperparameters: dict[str, Any]) -> None:
        self._settings = past.retraining(hyperparameters, strategy="one_device")
        if self._settings["warm_start"] != MUSICNN or self._settings["hyperparameters"]["beside_musicnn"]:
            raise BenchmarkError(
                f"run {past.run.run_id}: folds are for models whose own trunk does not listen; "
                f"'./dacapo run tagging --library {self._settings['library']} --profile {self._settings['profile']} "
                f"--warm-start {MUSICNN}' makes one"
            )
        self._constants = transform_constants(past.transform_graph)
        self._ids, self._home = np.asarray(ids, dtype=str), home

    def learner(self) -> TaggingLearner:
        """That of the run, which reads the rows."""
        return make_learner(self._recipe(self._settings, self._constants))

    def answers(self, fold: Fold, rows: str, repeat: int = 0) -> np.ndarray:
        """Calibrated probabilities of the judged recordings by one model of all tags, [recordings, tags].

        Parameters
        ----------
        repeat : number of the training; the first has the run's seed, the others those that follow it
        """
        return self._answers(fold, rows, self._settings, None, repeat)

    def separate_answers(self, fold: Fold, rows: str, repeat: int = 0) -> np.ndarray:
        """The same by one model a tag; a child is judged plainly, tag or not, on all recordings."""
        columns = []
        for number, tag in enumerate(self._settings["vocabulary"]["tags"]):
            say(f"  separate model: {tag}")
            settings = self._settings | {"vocabulary": {"tags": [tag], "parents": {}}}
            columns.append(self._answers(fold, rows, settings, number, repeat))
        return np.concatenate(columns, axis=1)

    @staticmethod
    def _recipe(settings: dict[str, Any], constants: dict[str, Any]) -> Recipe:
        config = parse_request(settings)
        return Recipe(config, config.typed_hyperparameters(), constants)

    def _answers(self, fold: Fold, rows: str, settings: dict[str, Any], tag: int | None, repeat: int) -> np.ndarray:
        settings = settings | {"seed": settings["seed"] + repeat}
        training, validation, judged = (
            RowView(rows, recordings=self._ids[part], tag=tag) for part in (fold.train, fold.validation, fold.judged)
        )
        shares = training.labels(["labels"])["labels"].mean(axis=0)
        recipe = self._recipe(settings, self._constants | {"tag_shares": shares.astype(np.float32)})
        facts = {name: value for name, value in settings.items() if name != "checkpoint_root"}
        members = [self._ids[part].tolist() for part in (fold.train, fold.validation)]
        checkpoints = Checkpoints(str(self._home / checkpoint_key(facts | {"members": members, "rows": rows})))
        learner, finished = kept_training(
            lambda: make_learner(recipe),
            training,
            validation,
            checkpoints,
            hyperparameters=recipe.hyperparameters,
            seed=recipe.config.seed,
        )
        strategy = make_strategy(recipe.config.strategy)
        trainee = make_trainee(learner, recipe.hyperparameters, strategy)
        set_variables(trainee.model.variables, finished.weights)
        outputs = predict_rows(learner, trainee, judged, recipe.hyperparameters, strategy)
        probabilities, _ = learner.recordings(judged.labels(learner.label_columns), outputs)
        calibrated = calibrate(probabilities.astype(np.float32), finished.extras["thresholds"], learner.tree).numpy()
        # The learner's recordings are in the order of their ids, the fold's in that of the run.
        place = {name: number for number, name in enumerate(np.unique(judged.ids))}
        return np.asarray(calibrated[[place[name] for name in self._ids[fold.judged]]])
