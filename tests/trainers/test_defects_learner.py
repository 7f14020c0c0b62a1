"""What the detector learns from validation, and how its networks answer together."""

import numpy as np

from catalog.damage.library import EXCERPT_S, LONG
from trainers.calibration import logit
from trainers.defects.event_levels import MANY_TIMES, MARGIN
from trainers.defects.frames import RATE
from trainers.defects.model import DefectsLearner
from trainers.defects.network import build_network, output_variables
from trainers.defects.spectra import CHANNELS, WIDTH
from trainers.defects.task import TASK, DefectsHyperparameters
from trainers.request import Recipe, TrainerConfig

DEFECTS = ("click", "hum")
SEGMENT_MINUTES = (2, 3)
CLEAN, FAULTY = 4, 6


def make_learner() -> DefectsLearner:
    hyperparameters = TASK.hyperparameters["quick"].model_copy(update={"false_events_per_minute": 0.1})
    config = TrainerConfig(
        task="defects",
        profile="quick",
        library="tiny",
        spec=TASK.audio["quick"],
        vocabulary={"tags": DEFECTS},
        hyperparameters=hyperparameters.model_dump(),
        checkpoint_root="unused",
    )
    constants = {"channel_mean": np.zeros(CHANNELS, np.float32), "channel_std": np.ones(CHANNELS, np.float32)}
    return DefectsLearner(Recipe(config, hyperparameters, constants))


def outputs_of(probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """What windows answer that have one active frame each."""
    frame_logits = np.full((len(probabilities), 94, 2), -20.0)
    frame_logits[:, 7] = 20.0
    return {"probabilities": probabilities, "frame_logits": frame_logits}


def test_events_are_allowed_for_the_minutes_of_all_segments_of_clean_recordings_alone() -> None:
    """Four clean recordings of five minutes may have two false events, so the third worst of them sets the level of the
    hum that two of the others reach; the minutes of these do not count.
    """
    learner = make_learner()
    assert int(learner.hyperparameters.false_events_per_minute * CLEAN * sum(SEGMENT_MINUTES)) == 2
    hum = np.array([0.9, 0.6, 0.8, 0.7] + 2 * [0.85] + (FAULTY - 2) * [0.58])
    names = [f"recording-{number}" for number in range(CLEAN + FAULTY)]
    rows = {
        "id": np.array(2 * names),
        "segment": np.repeat([0, 1], len(names)),
        "labels": np.tile([[0, 0]] * CLEAN + [[1, 1]] * FAULTY, (2, 1)),
        "num_samples": np.repeat(np.array(SEGMENT_MINUTES) * 60 * RATE, len(names)),
    }
    quieter, louder = np.stack([np.full(len(hum), 0.1), hum - 0.3], 1), np.stack([np.full(len(hum), 0.1), hum], 1)
    learnt = learner.finish(rows, outputs_of(np.concatenate([quieter, louder])))
    third_worst = logit(np.array(0.7)) - learnt["thresholds"][1]
    assert third_worst > 0.0
    np.testing.assert_allclose(learnt["event_levels"][1], third_worst + MARGIN, rtol=1e-6)
    assert learnt["usual_windows"] == sum(SEGMENT_MINUTES) * 60 / learner.spec.segment_s


def test_a_long_clean_recording_raises_levels_but_says_nothing_of_what_to_decide_about_excerpts() -> None:
    """Every window of it may be wrong: three are, where ten minutes allow one. As a recording that is decided or not it
    would be one more that is wrong, and the surest of all.
    """
    learner = make_learner()
    hum = np.array(10 * [0.2] + 10 * [0.7])
    excerpts = {
        "id": np.array([f"excerpt-{number}" for number in range(len(hum))]),
        "labels": np.array([[0, 0]] * 10 + [[1, 1]] * 10),
        "num_samples": np.full(len(hum), 6 * RATE),
    }
    alone = outputs_of(np.stack([np.full(len(hum), 0.1), hum], 1))
    windows = np.full((MANY_TIMES, 2), 0.1)
    windows[:3, 1] = 0.99, 0.9, 0.95
    rows = {
        "id": np.concatenate([excerpts["id"], np.array(["long"] * MANY_TIMES)]),
        "labels": np.concatenate([excerpts["labels"], np.zeros((MANY_TIMES, 2), int)]),
        "num_samples": np.concatenate([excerpts["num_samples"], np.full(MANY_TIMES, 50 * RATE)]),
    }
    outputs = outputs_of(np.concatenate([alone["probabilities"], windows]))
    assert learner.score(rows, outputs) == learner.score(excerpts, alone)
    before, after = learner.finish(excerpts, alone), learner.finish(rows, outputs)
    np.testing.assert_array_equal(after["thresholds"], before["thresholds"])
    assert before["event_levels"][1] == 0.0
    worst = logit(np.array(0.99)) - after["thresholds"][1]
    np.testing.assert_allclose(after["event_levels"][1], worst + MARGIN, rtol=1e-6)
    assert after["usual_windows"] == 1.0


def test_more_whole_recordings_than_excerpts_do_not_become_the_usual_ones() -> None:
    learner = make_learner()
    faulty, whole = 10, 30
    rows = {
        "id": np.array(
            [f"excerpt-{n}" for n in range(faulty)] + [f"whole-{n % whole}" for n in range(MANY_TIMES * whole)]
        ),
        "labels": np.concatenate([np.ones((faulty, 2), int), np.zeros((MANY_TIMES * whole, 2), int)]),
    }
    rows["num_samples"] = np.full(len(rows["id"]), 6 * RATE)
    outputs = {"probabilities": np.full((len(rows["id"]), 2), 0.5)}
    found = learner.recordings(rows, outputs)
    assert found.usual_windows == 1.0
    assert found.usual.sum() == faulty


def test_a_long_recording_with_a_defect_says_what_to_decide_about_others() -> None:
    """Hum is in none of the excerpts."""
    learner = make_learner()
    rows = {
        "id": np.array(["a", "b", "c"] + MANY_TIMES * ["long"]),
        "labels": np.array([[1, 0], [1, 0], [0, 0]] + MANY_TIMES * [[0, 1]]),
        "num_samples": np.full(3 + MANY_TIMES, 6 * RATE),
    }
    right = np.array([[0.9, 0.1], [0.8, 0.1], [0.1, 0.1]] + MANY_TIMES * [[0.1, 0.9]])
    assert learner.score(rows, {"probabilities": right}) == 1.0
    assert learner.score(rows, {"probabilities": np.where(rows["labels"] > 0, 0.01, right)}) < 0.8


def test_what_a_damaged_library_leaves_whole_is_long_to_the_detector() -> None:
    spec = TASK.audio["full"]
    assert spec.segment_s == EXCERPT_S
    assert LONG >= MANY_TIMES


def test_members_learn_alone_and_answer_together() -> None:
    small = {"filters": (4, 4, 4), "units": 4, "members": 3}
    hyperparameters = DefectsHyperparameters.model_validate(TASK.hyperparameters["quick"].model_dump() | small)
    model = build_network(hyperparameters, classes=2, frames=94)
    paths = {variable.path for variable in model.variables}
    assert set(output_variables(3)) & paths == {
        f"defects{number}/{part}" for number in ("", "_member_1", "_member_2") for part in ("kernel", "bias")
    }
    features = np.random.default_rng(0).standard_normal((2, 94, WIDTH)).astype(np.float32)
    outputs = model({"features": features, "frames": np.array([[94.0], [50.0]], np.float32)}, training=False)
    members = outputs["member_probabilities"].numpy()
    assert members.shape == (2, 3, 2)
    assert np.ptp(members, axis=1).min() > 0
    together = 1 / (1 + np.exp(-np.mean(np.log(members / (1 - members)), axis=1)))
    np.testing.assert_allclose(outputs["probabilities"], together, rtol=1e-4)
