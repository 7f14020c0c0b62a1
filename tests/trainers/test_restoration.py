"""The denoiser on tiny songs: frames, mixing, masks and losses, state, scores, and three ways to run one network."""

from collections.abc import Callable, Iterable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from audio.pcm import pcm16_array, pcm16_bytes
from catalog.vocabulary import load_vocabulary
from tests.trainers.tiny_noisy import RATE, SPEC, TAGS, make_pair, raw_example, recipe
from tests.trainers.toy_learner import write_shards
from trainers.checkpoints import Checkpoints, Finished
from trainers.export import export
from trainers.gate import load_gate
from trainers.learner import Judge
from trainers.loop import train
from trainers.restoration.evaluation import METRICS, eval_config, outputs
from trainers.restoration.features import Constants, features, features_of
from trainers.restoration.frames import fft_size, frame_count, spectrum, waveform
from trainers.restoration.layers import CausalConv, Recurrent, RunningFloor, RunningMean, Stateful
from trainers.restoration.loss import LOSSES
from trainers.restoration.mask import apply_output, held_back, ideal_mask, parts_of, read_mask_np
from trainers.restoration.mixing import UNIFORMS, Mix
from trainers.restoration.model import RestorationLearner, make_learner
from trainers.restoration.network import Network, bands_of
from trainers.restoration.restoration_scores import CLEAN_DB, restoration_scores
from trainers.restoration.signatures import PIECE_FRAMES, Normalise, Restorer, make_signatures
from trainers.restoration.task import TASK
from trainers.restoration.tflite import DYNAMIC_RANGE, FLOAT32, StreamingRestorer, convert, real_time_factor
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


def rows_of(numbers: Iterable[int]) -> dict[str, tf.Tensor]:
    """Rows as `RestorationLearner.read` gives them."""
    samples = np.rint(32768 * np.stack([make_pair(number) for number in numbers], axis=1)).astype(np.int16)
    clean, noise = (tf.constant(y) for y in samples)
    return {"clean": clean, "noise": noise, "owns_noise": tf.zeros_like(clean[:, 0], tf.bool)}


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


def layers() -> list[tuple[Stateful, tuple[int, ...]]]:
    return [
        (RunningMean(5.0, 6, "mean"), (6,)),
        (RunningFloor(0.1, 6, "floor"), (6,)),
        (CausalConv(3, 8, 2, 5, 2, "conv"), (8, 2)),
        (Recurrent(4, "recurrent"), (6,)),
    ]


@pytest.mark.parametrize(("layer", "shape"), layers(), ids=[layer.name for layer, _ in layers()])
def test_a_layer_answers_alike_at_once_in_pieces_and_frame_by_frame(layer: Stateful, shape: tuple[int, ...]) -> None:
    x = tf.constant(np.random.default_rng(0).standard_normal((2, 13, *shape)).astype(np.float32))
    first = tf.zeros([2, layer.state_size])
    whole, last = layer(x, first)
    for piece in (1, 5):
        state, parts = first, []
        for start in range(0, 13, piece):
            y, state = layer(x[:, start : start + piece], state)
            parts.append(y)
        np.testing.assert_allclose(tf.concat(parts, axis=1), whole, atol=1e-4)
        np.testing.assert_allclose(state, last, atol=1e-4)
    changed = layer(tf.concat([x[:, :7], x[:, 7:] + 1.0], axis=1), first)[0]
    np.testing.assert_array_equal(changed[:, :7], whole[:, :7])
    assert not np.allclose(changed[:, 7:], whole[:, 7:])


def test_running_mean_and_floor_are_what_they_are_called() -> None:
    x = tf.constant([[[2.0], [4.0], [1.0], [9.0]]])
    mean, keep = RunningMean(2.0, 1, "mean"), np.exp(-0.5)
    np.testing.assert_allclose(mean(x, tf.zeros([1, 2]))[0][0, :2, 0], [2, (4 + 2 * keep) / (1 + keep)], rtol=1e-5)
    floor = RunningFloor(0.5, 1, "floor")(x, tf.zeros([1, 1]))[0]
    np.testing.assert_allclose(floor[0, :, 0], [2, 2.5, 1, 1.5], atol=1e-5)


def mixed(drawn: list[dict[str, tf.Tensor]], uniforms: np.ndarray, **changes: float) -> Mix:
    """Spectra of training examples at 0 to 10 dB, at their own speed and through no equaliser unless asked."""
    settings = {"speed": 0.0, "colour_db": 0.0, "second_share": 0.0, "clean_share": 0.0} | changes
    learner = make_learner(recipe(snr_low_db=0.0, snr_high_db=10.0, **settings))
    batch = learner.prepare(drawn, tf.constant(uniforms, tf.float32))
    return Mix(batch["clean"], batch["mixture"] - batch["clean"])


def drawn_rows(count: int) -> list[dict[str, tf.Tensor]]:
    """Three rows for each of `count` examples, all of them noisy."""
    noisy = [number for number in range(40) if number % 4]
    return [rows_of(noisy[start : start + count]) for start in (0, count, 2 * count)]


def alike(spectra: tf.Tensor, samples: tf.Tensor) -> list[float]:
    """Correlation of each spectrum's waveform with 16-bit samples."""
    n_fft = 2 * (spectra.shape[-1] - 1)
    pairs = zip(waveform(spectra, n_fft, samples.shape[-1]).numpy(), samples.numpy(), strict=True)
    return [float(np.corrcoef(y, other)[0, 1]) for y, other in pairs]


def test_noise_of_another_row_is_mixed_in_at_the_drawn_level() -> None:
    uniforms = np.full((3, UNIFORMS), 0.75)
    uniforms[:, -4:] = [[0.0, 0.9, 0.9, 0.5], [0.5, 0.9, 0.9, 0.5], [1.0, 0.9, 0.1, 0.5]]
    drawn = drawn_rows(3)
    result = mixed(drawn, uniforms)
    energies = (np.sum(np.abs(y) ** 2, axis=(1, 2)) for y in result)
    np.testing.assert_allclose(10 * np.log10(np.divide(*energies)), [0, 5, 10], atol=1e-3)
    np.testing.assert_allclose(alike(result.clean, drawn[0]["clean"]), 1, atol=1e-4)
    np.testing.assert_allclose(alike(result.noise, drawn[1]["noise"]), [1, 1, -1], atol=1e-4)


def test_a_chain_keeps_its_own_music() -> None:
    drawn = drawn_rows(2)
    drawn[0]["owns_noise"] = tf.constant([True, False])
    result = mixed(drawn, np.full((2, UNIFORMS), 0.75), second_share=1.0)
    assert alike(result.clean, drawn[0]["clean"])[0] == pytest.approx(1, abs=1e-4)
    assert alike(result.noise, drawn[0]["noise"])[0] == pytest.approx(1, abs=1e-4)
    assert abs(alike(result.noise, drawn[0]["noise"])[1]) < 0.2


@pytest.mark.parametrize(("lender", "instead"), [(1, 0), (2, 1)])
def test_what_a_chain_added_is_lent_to_no_other(lender: int, instead: int) -> None:
    drawn = drawn_rows(2)
    drawn[lender]["owns_noise"] = tf.constant([True, False])
    uniforms = np.full((2, UNIFORMS), 0.75)
    uniforms[:, [4, 9]] = 0.0  # two are heard, equally loud
    result = mixed(drawn, uniforms, second_share=1.0)
    lent, heard = (alike(result.noise, drawn[row]["noise"]) for row in (lender, instead))
    assert abs(lent[0]) < 0.2
    assert lent[1] > 0.5
    assert heard[0] > 0.5
    assert min(alike(result.clean, drawn[2]["clean"])) > 0.5


def test_a_chain_and_its_music_are_played_and_coloured_alike() -> None:
    drawn = drawn_rows(2)
    drawn[0]["noise"], drawn[0]["owns_noise"] = drawn[0]["clean"] // 4, tf.constant([True, True])
    uniforms = np.random.default_rng(0).random((2, UNIFORMS))
    uniforms[:, -3] = 0.9
    uniforms[:, [0, 10]] = 0.25  # both at another speed, through an equaliser
    result = mixed(drawn, uniforms, speed=0.3, colour_db=6.0)
    shares = np.abs(result.noise.numpy()) / np.maximum(np.abs(result.clean), 1e-9)
    loud = np.abs(result.clean) > 0.2 * np.abs(result.clean).max()
    assert loud.any()
    for share, heard in zip(shares, loud, strict=True):
        np.testing.assert_allclose(share[heard], np.median(share[heard]), rtol=0.05)


def test_a_second_music_and_a_second_noise_are_at_most_as_loud() -> None:
    drawn = drawn_rows(4)
    uniforms = np.full((4, UNIFORMS), 0.75)
    uniforms[:, [3, 8]] = 0.1
    result = mixed(drawn, uniforms, second_share=0.5)
    for y, name, first in ((result.clean, "clean", 0), (result.noise, "noise", 1)):
        own, second = (np.array(alike(y, drawn[row][name])) for row in (first, 2))
        assert (np.abs(second) > 0.1).all()
        assert (np.abs(own) > np.abs(second)).all()


def test_colour_changes_bins_and_not_time_and_speed_changes_pitch() -> None:
    drawn = drawn_rows(3)
    uniforms = np.random.default_rng(1).random((3, UNIFORMS))
    uniforms[:, -4:] = 0.5  # the whole at its own level
    uniforms[:, [0, 3, 8]] = 0.75
    uniforms[:, 10] = [0.25, 0.25, 0.75]
    plain, coloured = (mixed(drawn, uniforms, colour_db=colour_db).clean.numpy() for colour_db in (0.0, 6.0))
    ratio = np.abs(coloured / plain)
    np.testing.assert_allclose(ratio.max(axis=1), ratio.min(axis=1), rtol=1e-2)
    assert (ratio[:2].max(axis=(1, 2)) > 1.5 * ratio[:2].min(axis=(1, 2))).all()
    np.testing.assert_allclose(ratio[2], 1, rtol=1e-3)
    uniforms[:, :3] = [0.25, 1.0, 0.0]
    faster = np.abs(mixed(drawn, uniforms, speed=0.3).clean.numpy()).mean(axis=1)
    assert (np.argmax(faster, axis=1) > np.argmax(np.abs(plain).mean(axis=1), axis=1)).all()


def test_clean_examples_are_clean_and_silence_stays_finite() -> None:
    drawn = drawn_rows(2)
    uniforms = np.random.default_rng(0).random((2, UNIFORMS))
    uniforms[:, -3] = 0.5
    assert not mixed(drawn, uniforms, clean_share=0.6).noise.numpy().any()
    for row in drawn[1:]:
        row["noise"] = tf.zeros_like(row["noise"])
    assert not mixed(drawn, uniforms, second_share=1.0).noise.numpy().any()


def test_validation_hears_the_noisy_music_as_it_is_and_training_does_not(learner: RestorationLearner) -> None:
    rows = rows_of(range(1, 4))
    plain = learner.prepare([rows], None)
    whole = tf.constant(np.stack([make_pair(n).sum(axis=0) for n in range(1, 4)]))
    np.testing.assert_allclose(plain["mixture"], spectrum(whole, learner.n_fft), atol=5e-3)
    uniforms = tf.constant(np.random.default_rng(0).random((3, UNIFORMS), np.float32))
    first, second = (learner.prepare([rows, rows_of(range(5, 8)), rows_of(range(9, 12))], uniforms) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    assert not np.allclose(first["mixture"], plain["mixture"], atol=0.1)


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


def test_bins_of_a_band_share_a_mask_and_low_ones_stand_alone() -> None:
    assert bands_of(513) == [(64, 1), (32, 2), (32, 4), (32, 8)]
    assert bands_of(33) == [(32, 1)]
    for bins in (33, 65, 129, 1025):
        assert sum(count * width for count, width in bands_of(bins)) == bins - 1
    model = Network(TASK.hyperparameters["quick"], 513).segment_model(3)
    mask = model({"log_magnitude": np.random.default_rng(0).standard_normal((1, 3, 513)).astype(np.float32)})["mask"]
    changes = np.flatnonzero(np.any(np.diff(mask.numpy()[0, ..., 0], axis=-1) != 0, axis=0)) + 1
    np.testing.assert_array_equal(
        changes, [*range(2, 65), *range(65, 129, 2), *range(129, 257, 4), *range(257, 513, 8)]
    )


def test_a_tone_in_a_wide_band_is_heard() -> None:
    band = np.zeros((1, 1, 512), np.float32)
    band[..., 419] = 3.0
    together = Network(TASK.hyperparameters["quick"], 513).together(band).numpy()[0, 0]
    assert together.shape == (160,)
    assert together.max() > 2  # the mean of eight logarithms is 0.4
    assert np.count_nonzero(together) == 1
    np.testing.assert_allclose(Network(TASK.hyperparameters["quick"], 513).together(np.ones_like(band)), 1, rtol=1e-5)


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
def test_every_number_of_blocks_that_the_settings_allow_makes_a_network(blocks: int) -> None:
    hyperparameters = recipe(filters=[4] * blocks).hyperparameters
    assert Network(hyperparameters, 513).segment_model(2).output["mask"].shape == (None, 2, 513, 1)


def test_more_blocks_than_halve_the_bands_are_refused() -> None:
    with pytest.raises(ValidationError, match="filters"):
        recipe(filters=[4] * 5)


@pytest.mark.e2e
def test_the_quick_profile_streams_in_a_tenth_of_real_time_from_files_that_hold_its_weights() -> None:
    network = Network(TASK.hyperparameters["quick"], 513)
    stream = network.piece_model(1, Normalise(Constants(tf.zeros(513), tf.ones(513))), batch=1)
    files = convert(stream)
    assert 4 * stream.count_params() < len(files[FLOAT32]) < 4.5 * stream.count_params()
    assert stream.count_params() < len(files[DYNAMIC_RANGE]) < len(files[FLOAT32]) / 2.5
    assert len(files[FLOAT32]) < 2 * 2**20
    for content in files.values():
        assert 0 < real_time_factor(content, 16_000) < 0.1


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
