"""The exported detector answers what the trained one hears, whatever the length and the batch."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from catalog.recording import Event
from components.audio_example_gen.segments import training_cuts
from trainers.calibration import logit
from trainers.checkpoints import Finished
from trainers.defects.features import Constants, as_pcm, features
from trainers.defects.frames import FRAME_LENGTH, FRAME_S, RATE, whole_frames
from trainers.defects.model import DefectsLearner
from trainers.defects.signatures import MARGIN, make_signatures
from trainers.defects.spectra import CHANNELS, WIDTH, measure
from trainers.defects.task import TASK, DefectsHyperparameters
from trainers.export import export
from trainers.request import Recipe, TrainerConfig
from trainers.trainee import get_variables

pytestmark = pytest.mark.e2e
DEFECTS = ("click", "dropout", "hum")
SEGMENT_S = 2.0


@pytest.fixture(scope="module")
def learner() -> DefectsLearner:
    spec = TASK.audio["quick"].model_copy(update={"segment_s": SEGMENT_S})
    hyperparameters = DefectsHyperparameters.model_validate(
        TASK.hyperparameters["quick"].model_dump() | {"filters": (8, 8, 8), "units": 4}
    )
    config = TrainerConfig(
        task="defects",
        profile="quick",
        library="tiny",
        spec=spec,
        vocabulary={"tags": DEFECTS},
        hyperparameters=hyperparameters.model_dump(),
        checkpoint_root="unused",
    )
    constants = {"channel_mean": np.zeros(CHANNELS, np.float32), "channel_std": np.ones(CHANNELS, np.float32)}
    return DefectsLearner(Recipe(config, hyperparameters, constants))


@pytest.fixture(scope="module")
def model(learner: DefectsLearner) -> Any:
    """Random weights, and defects that some frames have: a bias near a half."""
    keras.utils.set_random_seed(3)
    model = learner.build()
    model.get_layer("defects").bias.assign(np.full(len(DEFECTS), -0.2))
    return model


@pytest.fixture(scope="module")
def exported(learner: DefectsLearner, model: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = str(tmp_path_factory.mktemp("model") / "1")
    thresholds = np.array([0.1, -0.2, 0.0], np.float32)
    extras = {
        "thresholds": thresholds,
        "event_levels": np.array([0.0, 0.05, 0.0], np.float32),
        "usual_windows": np.float32(1.0),
    }
    finished = Finished(get_variables(model.variables), extras, [], 1)
    module, signatures, facts = make_signatures(learner, finished)
    assert list(facts["thresholds"]) == list(DEFECTS)
    export(folder, module, signatures, facts=facts, weights=finished.weights)
    loaded = tf.saved_model.load(folder)
    return loaded


def noise(duration_s: float, seed: int = 0) -> np.ndarray:
    y = 0.1 * np.random.default_rng(seed).standard_normal(round(duration_s * RATE))
    y[len(y) // 3 : len(y) // 2] = 0.0
    return y.astype(np.float32)


def example(y: np.ndarray, padding: int = 0, events: Sequence[Event] | None = None) -> bytes:
    """A raw Example; with `events`, one whose times are known."""
    pcm = np.clip(np.rint(np.pad(y, (0, padding)) * 32768), -32768, 32767).astype("<i2").tobytes()
    feature = {
        "audio": tf.train.Feature(bytes_list=tf.train.BytesList(value=[pcm])),
        "num_samples": tf.train.Feature(int64_list=tf.train.Int64List(value=[len(y)])),
    }
    if events is not None:
        feature["timed"] = tf.train.Feature(int64_list=tf.train.Int64List(value=[1]))
    if events:
        names, onsets_s, offsets_s = zip(*events, strict=True)
        feature["events"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[name.encode() for name in names]))
        feature["onsets_s"] = tf.train.Feature(float_list=tf.train.FloatList(value=onsets_s))
        feature["offsets_s"] = tf.train.Feature(float_list=tf.train.FloatList(value=offsets_s))
    return bytes(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def calibrated(p: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(np.log(p) - np.log1p(-p) - np.array([0.1, -0.2, 0.0]))))


def test_one_segment_is_answered_as_the_trained_model_does(learner: DefectsLearner, model: Any, exported: Any) -> None:
    y = noise(SEGMENT_S)
    constants = Constants(learner.constants.mean, learner.constants.std)
    whole = whole_frames(tf.constant(y))[tf.newaxis]
    inputs = {"features": features(as_pcm(whole), constants), "frames": tf.constant([[float(learner.frames)]])}
    outputs = model(inputs, training=False)
    report = exported.signatures["waveform"](waveform=tf.constant(y[np.newaxis]))
    np.testing.assert_allclose(report["probabilities"], calibrated(outputs["probabilities"].numpy()), atol=1e-4)
    frames = 1 / (1 + np.exp(-outputs["frame_logits"].numpy()))
    np.testing.assert_allclose(report["frame_probabilities"], calibrated(frames), atol=1e-4)
    assert [name.decode() for name in report["defects"].numpy()[0]] == list(DEFECTS)


def test_examples_of_any_length_are_answered_as_they_are_alone(exported: Any) -> None:
    signals = [noise(0.7, 1), noise(SEGMENT_S, 2), noise(11.3, 3)]
    together = exported.signatures["serving_default"](examples=tf.constant([example(y, 500) for y in signals]))
    decided = exported.signatures["evaluate"](examples=tf.constant([example(y, 500) for y in signals]))
    np.testing.assert_allclose(decided["probabilities"], together["probabilities"], atol=1e-6)
    for row, y in enumerate(signals):
        quantised = np.frombuffer(np.clip(np.rint(y * 32768), -32768, 32767).astype("<i2").tobytes(), "<i2") / 32768
        alone = exported.signatures["waveform"](waveform=tf.constant(quantised[np.newaxis].astype(np.float32)))
        frames, events = int(alone["frame_count"][0]), int(alone["event_count"][0])
        assert frames == -(-len(y) // FRAME_LENGTH) == int(together["frame_count"][row])
        assert events == int(together["event_count"][row])
        np.testing.assert_allclose(together["probabilities"][row], alone["probabilities"][0], atol=1e-5)
        np.testing.assert_allclose(
            together["frame_probabilities"][row, :frames], alone["frame_probabilities"][0], atol=1e-5
        )
        for name in ("event_defect", "event_onset_s", "event_offset_s", "event_probability"):
            np.testing.assert_allclose(together[name][row, :events], alone[name][0], atol=1e-5)
        assert (together["event_defect"].numpy()[row, events:] == -1).all()


def test_the_evaluation_is_told_the_report_and_what_the_examples_know(exported: Any) -> None:
    y, known = noise(0.7), [Event("hum", 0.1, 0.5), Event("crackle", 0.2, 0.3), Event("click", 0.4, 0.41)]
    examples = tf.constant([example(y), example(y, events=[]), example(y, events=known)])
    told = {name: value.numpy() for name, value in exported.signatures["evaluate"](examples=examples).items()}
    report = exported.signatures["serving_default"](examples=examples)
    for name, value in report.items():
        np.testing.assert_array_equal(told[name], value)
    assert told["timed"].tolist() == [False, True, True]
    assert told["reference_defect"].tolist() == [[-1, -1, -1], [-1, -1, -1], [2, -1, 0]]
    np.testing.assert_allclose(told["reference_onset_s"][2], [0.1, 0.2, 0.4], atol=1e-6)
    np.testing.assert_allclose(told["reference_offset_s"][2], [0.5, 0.3, 0.41], atol=1e-6)


def test_events_lie_in_the_recording_and_only_where_the_defect_is_decided(exported: Any) -> None:
    report = {
        name: value.numpy()
        for name, value in exported.signatures["waveform"](waveform=tf.constant(noise(7.9)[np.newaxis])).items()
    }
    assert report["event_count"][0] > 0
    decided = {column for column in range(len(DEFECTS)) if report["probabilities"][0, column] >= 0.5}
    assert set(report["event_defect"][0].tolist()) == decided
    assert (report["event_onset_s"] < report["event_offset_s"]).all()
    assert report["event_offset_s"].max() <= 7.9 + 1e-4
    assert (report["event_probability"] >= 0.5).all()
    assert (np.diff(report["event_onset_s"][0]) >= 0).all()


def test_a_defect_less_probable_than_its_level_is_decided_without_events(learner: DefectsLearner, model: Any) -> None:
    y = tf.constant(noise(7.9)[np.newaxis])

    def answer(levels: np.ndarray) -> dict[str, np.ndarray]:
        extras = {
            "thresholds": np.zeros(len(DEFECTS), np.float32),
            "event_levels": levels,
            "usual_windows": np.float32(100.0),
        }
        detector, _, facts = make_signatures(learner, Finished(get_variables(model.variables), extras, [], 1))
        assert facts["event_levels"] == pytest.approx(dict(zip(DEFECTS, levels, strict=True)), abs=1e-6)
        return {name: value.numpy() for name, value in detector.report(y, as_pcm).items()}

    sure_enough = answer(np.zeros(len(DEFECTS), np.float32))
    decided = np.flatnonzero(sure_enough["probabilities"][0] >= 0.5)
    assert set(sure_enough["event_defect"][0].tolist()) == set(decided.tolist())
    silenced, *others = decided.tolist()
    assert others
    levels = np.zeros(len(DEFECTS), np.float32)
    levels[silenced] = logit(sure_enough["probabilities"][0, silenced]) + 0.01
    unsure = answer(levels)
    np.testing.assert_allclose(unsure["probabilities"], sure_enough["probabilities"], atol=1e-6)
    assert set(unsure["event_defect"][0].tolist()) == set(others)


def surest_logits(
    learner: DefectsLearner, model: Any, samples: int, usual: float, levels: Sequence[float]
) -> np.ndarray:
    """What a detector after recordings `usual` windows long says of one, in logits."""
    extras = {
        "thresholds": np.zeros(len(DEFECTS), np.float32),
        "event_levels": np.asarray(levels, np.float32),
        "usual_windows": np.float32(usual),
    }
    detector, _, facts = make_signatures(learner, Finished(get_variables(model.variables), extras, [], 1))
    assert facts["usual_windows"] == pytest.approx(usual)
    return logit(detector.listen(tf.constant(noise(samples / RATE, 6)))[0].numpy())


def test_the_longer_a_recording_is_the_surer_a_window_has_to_be(learner: DefectsLearner, model: Any) -> None:
    levels = np.array([0.0, 0.4, 2.0])
    window = learner.frames * FRAME_LENGTH
    for windows, usual, share in ((1, 1.0, 0.0), (2, 1.0, math.log(2, 12)), (4, 2.0, math.log(2, 12)), (14, 1.0, 1.0)):
        surest = surest_logits(learner, model, windows * window, 100.0, levels)
        found = surest_logits(learner, model, windows * window, usual, levels)
        np.testing.assert_allclose(found, surest - share * levels, atol=1e-4)


@pytest.mark.parametrize("segments", [0.4, 1.003, 2.0, 3.05])
def test_a_recording_as_long_as_those_of_validation_is_decided_as_they_were(
    learner: DefectsLearner, model: Any, segments: float
) -> None:
    """Windows overlap where the rows of validation do not, and hear an end that is too short for a row."""
    samples = round(segments * SEGMENT_S * RATE)
    cuts = training_cuts(samples, learner.spec)
    rows = {
        "id": np.array(["recording"] * len(cuts)),
        "num_samples": np.array([cut.num_samples for cut in cuts]),
        "labels": np.ones((len(cuts), len(DEFECTS)), int),
    }
    found = learner.recordings(rows, {"probabilities": np.zeros((len(cuts), len(DEFECTS)))})
    levels = [0.0, 0.4, 2.0]
    one, other = (surest_logits(learner, model, samples, usual, levels) for usual in (found.usual_windows, 100.0))
    np.testing.assert_allclose(one, other, atol=0.05)


def test_windows_join_without_a_seam(learner: DefectsLearner, model: Any, exported: Any) -> None:
    """A frame that two windows hear is taken from the one that hears what is around it."""
    hop = learner.frames - 2 * MARGIN
    y = noise((learner.frames + 2 * hop) * FRAME_S, 5)
    report = exported.signatures["waveform"](waveform=tf.constant(y[np.newaxis]))
    window = y[hop * FRAME_LENGTH : (hop + learner.frames) * FRAME_LENGTH]
    alone = exported.signatures["waveform"](waveform=tf.constant(window[np.newaxis]))
    middle = slice(hop + MARGIN, 2 * hop + MARGIN)
    np.testing.assert_allclose(
        report["frame_probabilities"][0, middle], alone["frame_probabilities"][0, MARGIN : MARGIN + hop], atol=1e-4
    )


@pytest.mark.parametrize("samples", [3 * FRAME_LENGTH, 3 * FRAME_LENGTH - 1, 2 * FRAME_LENGTH + 200, 5])
def test_a_recording_is_filled_up_to_whole_frames_with_its_own_end(samples: int) -> None:
    y = np.random.default_rng(0).standard_normal(samples).astype(np.float32)
    filled = whole_frames(tf.constant(y)).numpy()
    assert len(filled) == -(-samples // FRAME_LENGTH) * FRAME_LENGTH
    np.testing.assert_array_equal(filled[:samples], y)
    mirrored = y[::-1][: len(filled) - samples]
    np.testing.assert_array_equal(filled[samples : samples + len(mirrored)], mirrored)
    assert not filled[samples + len(mirrored) :].any()


def test_where_a_recording_ends_in_a_frame_does_not_change_what_is_heard(exported: Any) -> None:
    y = noise(3 * SEGMENT_S, 4)[: 60 * FRAME_LENGTH + 150]
    answers = [
        exported.signatures["waveform"](waveform=waveform[np.newaxis])
        for waveform in (tf.constant(y), whole_frames(tf.constant(y)))
    ]
    for name in ("probabilities", "frame_probabilities"):
        np.testing.assert_allclose(answers[0][name], answers[1][name], atol=1e-5)


def test_silence_and_a_single_sample_have_finite_features() -> None:
    for y in (np.zeros(RATE, np.float32), np.ones(1, np.float32), np.ones(RATE, np.float32)):
        rows = measure(tf.constant(y)).numpy()
        assert rows.shape == (max(1, -(-len(y) // FRAME_LENGTH)), WIDTH)
        assert np.isfinite(rows).all()


def test_features_of_a_batch_are_those_of_its_signals(learner: DefectsLearner) -> None:
    batch = np.stack([noise(1.0, 1), noise(1.0, 2)])
    constants = Constants(learner.constants.mean, learner.constants.std)
    together = features(batch, constants).numpy()
    for row, y in zip(together, batch, strict=True):
        np.testing.assert_allclose(row, features(y, constants).numpy(), atol=2e-4)


def test_a_step_of_training_moves_every_weight_but_none_of_an_unused_pool(learner: DefectsLearner) -> None:
    model = learner.build()
    batch = {
        "features": features(np.stack([noise(SEGMENT_S, 1), noise(SEGMENT_S, 2)]), Constants(*learner.constants)),
        "frames": tf.constant([[float(learner.frames)], [20.0]]),
        "labels": tf.constant([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]),
    }
    with tf.GradientTape() as tape:
        outputs = model({name: batch[name] for name in model.input}, training=True)
        losses = learner.loss(batch, outputs)
        loss = tf.reduce_sum(losses)
    assert losses.shape == [2]
    variables = model.trainable_variables
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    for variable, gradient in zip(variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.abs(gradient.numpy()).max() > 0, variable.path


def test_the_folder_holds_what_a_server_needs(exported: Any, tmp_path: Path) -> None:
    assert set(exported.signatures) == {"serving_default", "evaluate", "waveform"}
