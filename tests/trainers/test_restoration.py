"""The denoiser on tiny songs: frames, masks and losses, scores, gates, and three ways to run one network."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from audio.pcm import pcm16_array, pcm16_bytes
from catalog.vocabulary import load_vocabulary
from tests.trainers.tiny_noisy import RATE, SPEC, TAGS, make_pair, raw_example, recipe, rows_of
from tests.trainers.toy_learner import write_shards
from trainers.checkpoints import Checkpoints, Finished
from trainers.export import export
from trainers.gate import load_gate
from trainers.learner import Judge
from trainers.loop import train
from trainers.restoration.evaluation import METRICS, eval_config, outputs
from trainers.restoration.features import Constants, features, features_of
from trainers.restoration.frames import fft_size, frame_count, spectrum, waveform
from trainers.restoration.loss import LOSSES
from trainers.restoration.mask import apply_output, held_back, ideal_mask, parts_of, read_mask_np
from trainers.restoration.model import RestorationLearner, make_learner
from trainers.restoration.restoration_scores import CLEAN_DB, restoration_scores
from trainers.restoration.signatures import PIECE_FRAMES, Restorer, make_signatures
from trainers.restoration.tflite import DYNAMIC_RANGE, FLOAT32, StreamingRestorer
from trainers.rows import open_rows
from trainers.strategy import make_strategy
from trainers.trainee import get_variables, names_of
from trainers.warm_start import exported_facts

KINDS = ("irm", "psm", "cirm")
SAME_DB = 80.0
"""Streaming, pieces and TFLite in float32 differ by rounding: at least so far below the signal."""
QUANTISED_DB = 25.0
"""What eight bits leave of the weights."""
SCHEMAS = Path("schemas/restoration/builtin")


def difference_db(y: np.ndarray, other: np.ndarray) -> float:
    """How far below `y` the difference lies."""
    return float(10 * np.log10(np.sum(y**2) / (np.sum((y - other) ** 2) + 1e-30)))


@pytest.fixture(scope="module")
def learner() -> RestorationLearner:
    return make_learner(recipe())


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, learner: RestorationLearner) -> Finished:
    """Trained for some seconds."""
    folder = tmp_path_factory.mktemp("noisy")
    rows = {}
    for split, numbers in (("train", range(24)), ("validation", range(100, 112))):
        write_shards(folder / split, [raw_example(n, make_pair(n), padded=RATE) for n in numbers], 2)
        rows[split] = open_rows(str(folder / f"rows-{split}"), [str(folder / split / "*")], learner.read)
    keras.utils.set_random_seed(0)
    return train(
        learner,
        rows["train"],
        rows["validation"],
        hyperparameters=learner.hyperparameters,
        strategy=make_strategy("one_device"),
        checkpoints=Checkpoints(str(folder / "checkpoints")),
        seed=0,
    )


@pytest.fixture(scope="module")
def exported(
    tmp_path_factory: pytest.TempPathFactory, learner: RestorationLearner, trained: Finished
) -> tuple[Restorer, Path]:
    """The module behind the export, and the folder of the export."""
    folder = tmp_path_factory.mktemp("export")
    module, signatures, facts = make_signatures(learner, trained)
    export(str(folder), module, signatures, facts=facts, weights=trained.weights)
    assert isinstance(module, Restorer)
    return module, folder


@pytest.fixture(scope="module")
def restorer(exported: tuple[Restorer, Path]) -> Restorer:
    return exported[0]


def song(samples: int) -> np.ndarray:
    return make_pair(201, samples).sum(axis=0)


@pytest.mark.parametrize("samples", [1, 31, 32, 33, 64, 500])
def test_frames_give_back_every_sample_and_cover_none_twice_as_often(samples: int) -> None:
    y = tf.constant(np.random.default_rng(0).standard_normal((2, samples)).astype(np.float32))
    frames = spectrum(y, 64)
    assert frames.shape == (2, frame_count(samples, 64), 33)
    np.testing.assert_allclose(waveform(frames, 64, samples), y, atol=1e-5)


def test_a_frame_is_64_ms() -> None:
    assert [fft_size(rate) for rate in (16_000, 44_100, 48_000)] == [1024, 2048, 2048]


def test_features_of_a_waveform_and_of_its_magnitudes_agree() -> None:
    y = tf.constant(song(500))
    constants = Constants(tf.linspace(-4.0, 0.0, 33), tf.linspace(1.0, 2.0, 33))
    np.testing.assert_allclose(features(y, constants), features_of(tf.abs(spectrum(y, 64)), constants), atol=1e-5)


@pytest.mark.e2e
def test_transform_finds_the_constants_of_the_mixtures(tmp_path: Path) -> None:
    import tensorflow_transform.beam as tft_beam
    from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

    from trainers.restoration.features import preprocessing_fn

    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in ("id", "clean", "noise")}
    spec |= {name: tf.io.FixedLenFeature([], tf.int64) for name in ("segment", "num_samples")}
    spec["labels"] = tf.io.FixedLenFeature([len(TAGS)], tf.int64)
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    pairs = [make_pair(1), np.pad(make_pair(2, RATE // 2), [(0, 0), (0, RATE // 2)])]
    data = [
        {"id": b"song", "segment": n, "num_samples": RATE // (n + 1), "labels": [1, 0, 0]}
        | {name: pcm16_bytes(y[None]) for name, y in zip(SPEC["columns"], pair, strict=True)}
        for n, pair in enumerate(pairs)
    ]
    with tft_beam.Context(temp_dir=str(tmp_path)):
        (transformed, _), _ = (data, metadata) | tft_beam.AnalyzeAndTransformDataset(
            lambda inputs: preprocessing_fn(inputs, {"spec": SPEC, "vocabulary": {"tags": list(TAGS)}})
        )
    mixtures = [
        sum(pcm16_array(row[name], channels=1)[0] for name in ("clean", "noise"))[: row["num_samples"]] for row in data
    ]
    logarithms = np.concatenate([np.log(np.abs(spectrum(tf.constant(y), 64)) + 1e-3) for y in mixtures])
    for row in transformed:
        assert set(row) == {"log_mean", "log_std"}
        np.testing.assert_allclose(row["log_mean"], logarithms.mean(axis=0), atol=1e-3)
        np.testing.assert_allclose(row["log_std"], logarithms.std(axis=0), atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_every_mask_has_a_network_and_only_a_wrong_mask_costs(kind: str) -> None:
    learner = make_learner(recipe(mask=kind))
    model = learner.build()
    names_of(model.variables)
    batch = learner.prepare([rows_of(range(1, 5))], None)
    output = model({"log_magnitude": batch["log_magnitude"]})["mask"]
    assert output.shape == (*batch["mixture"].shape, parts_of(kind))
    ideal = ideal_mask(kind, batch["clean"], batch["mixture"])
    for name, loss in LOSSES.items():
        right, wrong = (loss(kind, mask, batch["clean"], batch["mixture"]) for mask in (ideal, 0.3 * ideal))
        assert (right.numpy() < wrong.numpy()).all(), name
        alone = loss(kind, ideal[2:3], batch["clean"][2:3], batch["mixture"][2:3])
        np.testing.assert_allclose(alone, right[2:3], rtol=1e-4, atol=1e-5)
    applied = apply_output(kind, ideal, batch["mixture"])
    np.testing.assert_allclose(read_mask_np(ideal.numpy()) * batch["mixture"].numpy(), applied, atol=2e-3)
    if kind == "cirm":
        np.testing.assert_allclose(applied, batch["clean"], atol=2e-2)


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_each_of_the_real_masks_is_the_best_one_only_by_its_own_name(loss: str) -> None:
    batch = make_learner(recipe()).prepare([rows_of(range(1, 4))], None)
    ideal = {kind: ideal_mask(kind, batch["clean"], batch["mixture"]) for kind in ("irm", "psm")}
    costs = {
        (kind, mask): LOSSES[loss](kind, ideal[mask], batch["clean"], batch["mixture"]).numpy()
        for kind in ideal
        for mask in ideal
    }
    assert (costs["irm", "irm"] < costs["irm", "psm"]).all()
    if loss != "magnitude":  # which does not look at the phase
        assert (costs["psm", "psm"] < costs["psm", "irm"]).all()


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("kind", KINDS)
def test_losses_have_finite_gradients_in_silence(kind: str, loss: str) -> None:
    nothing = tf.zeros([1, 5, 9], tf.complex64)
    output = tf.Variable(tf.fill([1, 5, 9, parts_of(kind)], 0.5))
    with tf.GradientTape() as tape:
        value = LOSSES[loss](kind, output, nothing, nothing)
    assert np.isfinite(value).all()
    assert np.isfinite(tape.gradient(value, output)).all()


def test_scores_hear_the_level_and_ask_nothing_beyond_clean() -> None:
    clean = tf.constant(song(RATE)[None])
    noisy = clean + 0.1 * tf.constant(np.random.default_rng(0).standard_normal((1, RATE)).astype(np.float32))
    half, through = restoration_scores(clean, noisy, 0.5 * clean), restoration_scores(clean, noisy, noisy)
    assert float(half["si_sdr_improvement"][0]) > 15
    assert float(half["sdr"][0]) == pytest.approx(6.02, abs=0.01)
    assert float(half["level_error_db"][0]) == pytest.approx(6.02, abs=0.01)
    assert float(through["si_sdr_improvement"][0]) == float(through["sdr_improvement"][0]) == 0
    harmless, harmful = (restoration_scores(clean, clean, (1 + error) * clean) for error in (0.02, 0.1))
    assert float(harmless["sdr_improvement"][0]) == 0
    assert float(harmful["sdr_improvement"][0]) == pytest.approx(20 - CLEAN_DB, abs=0.01)
    mute = restoration_scores(clean, noisy, tf.zeros_like(clean))
    assert float(mute["sdr"][0]) == 0
    assert float(mute["level_error_db"][0]) > 30


def test_silence_has_a_level_and_no_other_score_and_audio_that_is_not_finite_is_infinitely_bad() -> None:
    clean = tf.constant(np.stack([song(RATE), 0 * song(RATE), song(RATE)]))
    broken = tf.where(tf.range(3)[:, None] == 2, np.nan, clean)
    scores = {name: value.numpy() for name, value in restoration_scores(clean, clean + 0.01, broken).items()}
    for name in ("si_sdr_improvement", "sdr", "sdr_improvement"):
        assert np.isfinite(scores[name][0])
        assert np.isnan(scores[name][1])
        assert scores[name][2] == -np.inf
    np.testing.assert_array_equal(scores["level_error_db"], [0, 0, np.inf])


def test_the_gate_of_the_builtin_library_judges_every_tag() -> None:
    vocabulary = load_vocabulary(SCHEMAS / "tags.yaml")
    names = outputs(vocabulary)
    gate = load_gate(SCHEMAS / "gate.yaml", names, METRICS)
    config = eval_config(gate, names)
    asked = {
        spec.output_names[0]: {
            tuple(dict(where.feature_values).values()): limit.threshold.ByteSize() > 0
            for metric in spec.metrics
            for limit in metric.per_slice_thresholds
            for where in limit.slicing_specs
        }
        for spec in config.metrics_specs
        if spec.output_names
    }
    assert set(asked) == {f"all.{metric}" for metric in METRICS}
    for metric in ("si_sdr_improvement", "sdr", "level_error_db", "real_time_factor"):
        assert asked[f"all.{metric}"] == dict.fromkeys([(), *((tag,) for tag in vocabulary.tags)], True)
    assert gate.limit("floors", "clean", "sdr") == 30


@pytest.mark.parametrize("library", ["builtin", "debian"])
@pytest.mark.parametrize(
    ("sabotage", "change"),
    [("passes noise through", lambda y: y), ("halves the level", lambda y: 0.5 * y), ("mutes", lambda y: 0.0 * y)],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_gates_of_the_libraries_let_no_saboteur_pass(library: str, sabotage: str, change: Callable) -> None:
    """Even one whose noise is gone otherwise: all but the first are given the clean music."""
    schemas = SCHEMAS.parent / library
    gate = load_gate(schemas / "gate.yaml", outputs(load_vocabulary(schemas / "tags.yaml")), METRICS)
    clean = tf.constant(song(RATE))
    hiss = tf.constant(np.random.default_rng(0).standard_normal(RATE).astype(np.float32))
    noisy = clean + 0.56 * tf.sqrt(tf.reduce_mean(clean**2)) * hiss
    failures = []
    for row, heard in (("snr 5", noisy), ("clean", clean)):
        restored = change(heard if sabotage == "passes noise through" else clean)
        for metric, value in restoration_scores(clean, heard, restored).items():
            floor, ceiling = gate.limit("floors", row, metric), gate.limit("ceilings", row, metric)
            if (floor is not None and value < floor) or (ceiling is not None and value > ceiling):
                failures.append(f"{row} {metric}")
    assert failures, sabotage


@pytest.mark.e2e
def test_training_improves_noisy_music_and_its_judge_says_so(learner: RestorationLearner, trained: Finished) -> None:
    assert isinstance(learner, Judge)
    assert max(point.score for point in trained.history) > 1.0
    assert trained.extras["validation_sdr_improvement"] == pytest.approx(trained.history[-1].score, abs=3)


@pytest.mark.e2e
@pytest.mark.parametrize("samples", [1, 40, PIECE_FRAMES * 32, PIECE_FRAMES * 32 + 1, 5000])
def test_a_recording_of_any_length_is_restored_as_its_stream_is(restorer: Restorer, samples: int) -> None:
    y = song(samples)
    restored = restorer.restore(tf.constant(y)).numpy()
    assert restored.shape == (samples,)
    streamed = StreamingRestorer(restorer.extra_files()[FLOAT32]).restore(y)
    assert difference_db(restored, streamed) > SAME_DB
    quantised = StreamingRestorer(restorer.extra_files()[DYNAMIC_RANGE]).restore(y)
    assert difference_db(restored, quantised) > QUANTISED_DB


@pytest.mark.e2e
def test_samples_that_are_no_number_are_silence_and_not_the_end_of_the_stream(restorer: Restorer) -> None:
    y = song(5000)
    y[2000:2003] = 0.0
    broken = y.copy()
    broken[2000:2003] = np.nan, np.inf, -np.inf
    stream = StreamingRestorer(restorer.extra_files()[FLOAT32])
    np.testing.assert_array_equal(restorer.restore(tf.constant(broken)), restorer.restore(tf.constant(y)))
    np.testing.assert_array_equal(stream.restore(broken), stream.restore(y))


@pytest.mark.e2e
def test_a_segment_of_validation_is_restored_as_its_stream_is(
    learner: RestorationLearner, trained: Finished, restorer: Restorer
) -> None:
    from trainers.trainee import set_variables

    model = learner.build()
    set_variables(model.variables, trained.weights)
    batch = learner.prepare([rows_of(range(1, 2))], None)
    output = model({"log_magnitude": batch["log_magnitude"]})["mask"]
    masked = apply_output("irm", held_back("irm", output, tf.abs(batch["mixture"])), batch["mixture"])
    offline = waveform(masked, learner.n_fft, learner.segment_samples)[0].numpy()
    noisy = waveform(batch["mixture"], learner.n_fft, learner.segment_samples)[0].numpy()
    streamed = StreamingRestorer(restorer.extra_files()[FLOAT32]).restore(noisy)
    assert difference_db(offline, streamed) > SAME_DB


@pytest.mark.e2e
def test_a_complex_mask_streams_alike() -> None:
    learner = make_learner(recipe(mask="cirm"))
    rng = np.random.default_rng(0)
    weights = {
        name: value + 0.1 * rng.standard_normal(value.shape).astype(np.float32)
        for name, value in get_variables(learner.build().variables).items()
    }
    restorer, y = Restorer(learner, weights), song(3000)
    restored = restorer.restore(tf.constant(y)).numpy()
    assert difference_db(y, restored) < 40
    assert difference_db(restored, StreamingRestorer(restorer.extra_files()[FLOAT32]).restore(y)) > SAME_DB


@pytest.mark.e2e
def test_the_export_answers_restored_music_scores_and_brings_its_streaming_models(
    exported: tuple[Restorer, Path],
) -> None:
    _, folder = exported
    model = tf.saved_model.load(str(folder))
    y = np.stack([song(2500), song(2500)[::-1]])
    answers = [model.signatures[name](waveform=tf.constant(y))["restored"] for name in ("waveform", "serving_default")]
    np.testing.assert_array_equal(*answers)
    streaming = StreamingRestorer((folder / "assets.extra" / FLOAT32).read_bytes())
    assert difference_db(answers[0][0].numpy(), streaming.restore(y[0])) > SAME_DB
    np.testing.assert_array_equal(streaming.restore(y[0]), streaming.restore(y[0]))  # each from a fresh start
    assert exported_facts(str(folder))["vocabulary"] == ["all"]  # whatever the slices are
    assert (folder / "assets.extra" / DYNAMIC_RANGE).is_file()
    pairs = [make_pair(302, 2000), make_pair(304, 1500)]
    examples = tf.constant([raw_example(n, pair) for n, pair in zip((302, 304), pairs, strict=True)])
    scores = {name: value.numpy() for name, value in model.signatures["evaluate"](examples=examples).items()}
    assert set(scores) == {f"all.{metric}" for metric in METRICS}
    assert (scores["all.real_time_factor"] == scores["all.real_time_factor"][0]).all()
    for number, pair in enumerate(pairs):
        clean, noise = np.rint(32768 * pair).astype(np.float32) / 32768
        noisy = tf.constant(clean + noise)
        restored = model.signatures["waveform"](waveform=noisy[None])["restored"][0]
        for metric, value in restoration_scores(tf.constant(clean), noisy, restored).items():
            assert scores[f"all.{metric}"][number] == pytest.approx(float(value), abs=0.01)
