"""Training goes on where it was interrupted, and ends with the weights of an undisturbed run."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from audio.errors import DaCapoError
from tests.trainers.toy_learner import SETTINGS, ToyLearner, toy_rows
from trainers.batches import training_batches
from trainers.checkpoints import Checkpoints, Finished, State
from trainers.loop import train
from trainers.rows import Rows
from trainers.strategy import make_strategy


class Interrupted(Exception):
    """Stands for whatever ends a process in the middle of training."""


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, Rows]:
    folder = tmp_path_factory.mktemp("toy")
    return toy_rows(folder / "train", 30, seed=1), toy_rows(folder / "validation", 11, seed=2)


class FailingCheckpoints(Checkpoints):
    """Dies right after it has written the state of `step`."""

    step = 0

    def save(self, state: State) -> None:
        super().save(state)
        if state.step == self.step:
            raise Interrupted


def run(splits: tuple[Rows, Rows], checkpoints: Checkpoints, **changes: object) -> Finished:
    keras.utils.set_random_seed(7)
    return train(
        ToyLearner(),
        *splits,
        hyperparameters=SETTINGS.model_copy(update=changes),
        strategy=make_strategy("one_device"),
        checkpoints=checkpoints,
        seed=3,
    )


def assert_equal_weights(first: Finished, second: Finished) -> None:
    assert first.weights.keys() == second.weights.keys()
    for name, value in first.weights.items():
        np.testing.assert_array_equal(value, second.weights[name], err_msg=name)
    for name, value in first.extras.items():
        np.testing.assert_array_equal(value, second.extras[name], err_msg=name)
    assert first.history == second.history


@pytest.fixture(scope="module")
def undisturbed(splits: tuple[Rows, Rows], tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return run(splits, Checkpoints(str(tmp_path_factory.mktemp("undisturbed"))))


def test_two_runs_end_with_equal_weights(splits: tuple[Rows, Rows], undisturbed: Finished, tmp_path: Path) -> None:
    assert_equal_weights(run(splits, Checkpoints(str(tmp_path))), undisturbed)
    assert [point.step for point in undisturbed.history] == [4, 8, 12]


@pytest.mark.parametrize("step", [3, 9])
def test_a_run_that_died_goes_on_and_ends_with_the_weights_of_one_that_did_not(
    splits: tuple[Rows, Rows], undisturbed: Finished, tmp_path: Path, step: int
) -> None:
    failing = FailingCheckpoints(str(tmp_path / "resumed"))
    failing.step = step
    with pytest.raises(Interrupted):
        run(splits, failing)
    fresh = Checkpoints(str(tmp_path / "resumed"))
    state = fresh.latest()
    assert state is not None
    assert state.step == step
    assert_equal_weights(run(splits, fresh), undisturbed)


def test_a_finished_training_is_kept_without_its_states(splits: tuple[Rows, Rows], tmp_path: Path) -> None:
    checkpoints = Checkpoints(str(tmp_path))
    result = run(splits, checkpoints, steps=4)
    kept = Checkpoints(str(tmp_path)).finished()
    assert kept is not None
    assert checkpoints.latest() is None
    assert_equal_weights(kept, result)


@pytest.mark.parametrize(
    ("steps", "select_from_step", "best_step", "last_step"),
    [(40, 0, 2, 8), (40, 6, 6, 12), (40, 7, 8, 14), (10, 10, 10, 10), (10, 99, 10, 10)],
)
def test_training_ends_early_when_validation_stops_improving(
    splits: tuple[Rows, Rows], tmp_path: Path, steps: int, select_from_step: int, best_step: int, last_step: int
) -> None:
    class Declining(ToyLearner):
        """Scores worse with every validation."""

        scores = iter(range(100, 0, -1))

        def score(self, rows: object, outputs: object) -> float:
            return next(self.scores)

    settings = {"steps": steps, "validate_every": 2, "patience": 3}
    result = train(
        Declining(),
        *splits,
        hyperparameters=SETTINGS.model_copy(update=settings | {"select_from_step": select_from_step}),
        strategy=make_strategy("one_device"),
        checkpoints=Checkpoints(str(tmp_path)),
        seed=3,
    )
    assert result.best_step == best_step
    assert [point.step for point in result.history] == list(range(2, last_step + 1, 2))


class Exploding(ToyLearner):
    """Loses everything."""

    def loss(self, batch: dict[str, tf.Tensor], outputs: dict[str, tf.Tensor]) -> tf.Tensor:
        return super().loss(batch, outputs) * np.inf


class Undefined(ToyLearner):
    """Has nothing to judge."""

    def score(self, rows: dict[str, np.ndarray], outputs: dict[str, np.ndarray]) -> float:
        return float("nan")


@pytest.mark.parametrize(
    ("learner", "words"),
    [
        (Exploding(), "lower learning_rate"),
        (Undefined(), "at step 4 gave nan: nothing in validation tells right from wrong"),
    ],
)
def test_a_loss_or_a_score_that_is_no_number_stops_the_training(
    learner: ToyLearner, words: str, splits: tuple[Rows, Rows], tmp_path: Path
) -> None:
    with pytest.raises(FloatingPointError, match=words):
        train(
            learner,
            *splits,
            hyperparameters=SETTINGS,
            strategy=make_strategy("one_device"),
            checkpoints=Checkpoints(str(tmp_path)),
            seed=3,
        )


@pytest.mark.parametrize("kept", [0, 300])
def test_a_result_that_a_failing_machine_left_half_written_is_none(tmp_path: Path, kept: int) -> None:
    checkpoints = Checkpoints(str(tmp_path))
    checkpoints.finish(Finished({"w": np.arange(1000.0)}, {}, [], 4))
    (path,) = tmp_path.glob("finished.npz")
    path.write_bytes(path.read_bytes()[:kept])
    assert checkpoints.finished() is None


def test_a_checkpoint_of_an_unknown_compression_is_passed_over(tmp_path: Path) -> None:
    checkpoints = Checkpoints(str(tmp_path))
    for step in (1, 2):
        checkpoints.save(State(step, {"w": np.arange(9.0)}))
    newest = tmp_path / "step-000000002.npz"
    content = bytearray(newest.read_bytes())
    content[content.index(b"PK\x01\x02") + 10] = 99
    newest.write_bytes(content)
    state = checkpoints.latest()
    assert state is not None
    assert state.step == 1


def test_what_a_training_that_was_killed_at_its_end_left_is_removed_by_the_next(tmp_path: Path) -> None:
    first = Checkpoints(str(tmp_path))
    first.finish(Finished({"w": np.arange(9.0)}, {}, [], 4))
    first.save(State(4, {"w": np.arange(9.0)}))
    (tmp_path / "rows-train").mkdir()
    (tmp_path / "rows-train" / "rows.json").write_text("{}")
    Checkpoints(str(tmp_path), writer=False)
    assert len(list(tmp_path.iterdir())) == 3
    Checkpoints(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["finished.npz"]


def test_a_mixed_precision_training_learns_with_weights_of_float32(splits: tuple[Rows, Rows], tmp_path: Path) -> None:
    computed = set()

    class Watched(ToyLearner):
        """Tells the type that its model computes in."""

        def build(self) -> keras.Model:
            model = super().build()
            computed.update(layer.compute_dtype for layer in model.layers if layer.weights)
            return model

    result = train(
        Watched(),
        *splits,
        hyperparameters=SETTINGS.model_copy(update={"mixed_precision": True, "steps": 24}),
        strategy=make_strategy("one_device"),
        checkpoints=Checkpoints(str(tmp_path)),
        seed=3,
    )
    assert computed == {"bfloat16"}
    assert {value.dtype for name, value in result.weights.items() if "seed" not in name} == {np.dtype(np.float32)}
    losses = [point.loss for point in result.history]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.7 * losses[0]


def test_a_batch_that_does_not_divide_by_the_replicas_is_a_line_about_the_setting(splits: tuple[Rows, Rows]) -> None:
    batches = training_batches(ToyLearner(), splits[0], batch_size=8, seed=0, first_step=0, steps=1)
    with pytest.raises(DaCapoError, match=r"^train\.batch_size=8: does not divide by the 3 replicas"):
        batches(tf.distribute.InputContext(num_replicas_in_sync=3))
