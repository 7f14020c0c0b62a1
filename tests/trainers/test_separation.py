"""The separator on tiny songs: features, mixing, masks and losses, scores, and what the export answers."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from audio.pcm import pcm16_array
from audio.scores import si_sdr
from tests.trainers.tiny_stems import RATE, SPEC, make_stems, pcm, raw_example, recipe
from tests.trainers.toy_learner import write_shards
from trainers.checkpoints import Checkpoints
from trainers.export import export
from trainers.gate import load_gate
from trainers.learner import Judge
from trainers.loop import train
from trainers.request import Recipe, parse_request
from trainers.rows import Rows, open_rows
from trainers.separation.augment import UNIFORMS, Mix, mix
from trainers.separation.evaluation import METRICS, eval_config
from trainers.separation.features import Constants, features, features_of, fft_size, spectrum
from trainers.separation.loss import LOSSES
from trainers.separation.mask import ideal_mask, read_mask
from trainers.separation.model import SeparationLearner, make_learner
from trainers.separation.repetition import frames_alike
from trainers.separation.signatures import make_signatures
from trainers.separation.stem_scores import stem_scores
from trainers.separation.task import STEMS, TASK
from trainers.strategy import make_strategy
from trainers.trainee import names_of
from trainers.undefined import mean_of_defined

KINDS = ("irm", "psm", "cirm")
SILENCE = np.zeros((2, RATE), np.float32)


def songs(numbers: range, *, sung: bool = True) -> dict[str, tf.Tensor]:
    """Rows as `SeparationLearner.read` gives them."""
    stems = np.stack([make_stems(number, sung=sung) for number in numbers])
    samples = np.rint(stems * 32768).astype(np.int16).transpose(1, 0, 3, 2)
    return {name: tf.constant(rows) for name, rows in zip(STEMS, samples, strict=True)}


@pytest.fixture(scope="module")
def learner() -> SeparationLearner:
    return make_learner(recipe())


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory, learner: SeparationLearner) -> dict[str, Rows]:
    folder = tmp_path_factory.mktemp("stems")
    for split, numbers in (("train", range(24)), ("validation", range(100, 109))):
        write_shards(folder / split, [raw_example(n, make_stems(n), padded=RATE) for n in numbers], 2)
    return {
        split: open_rows(str(folder / f"rows-{split}"), [str(folder / split / "*")], learner.read)
        for split in ("train", "validation")
    }


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, learner: SeparationLearner, rows: dict[str, Rows]):
    """A model trained for some seconds and loaded from its export, with the history of its training."""
    folder = tmp_path_factory.mktemp("export")
    keras.utils.set_random_seed(0)
    finished = train(
        learner,
        rows["train"],
        rows["validation"],
        hyperparameters=learner.hyperparameters,
        strategy=make_strategy("one_device"),
        checkpoints=Checkpoints(str(folder / "checkpoints")),
        seed=0,
    )
    module, signatures, facts = make_signatures(learner, finished)
    export(str(folder / "model"), module, signatures, facts=facts, weights=finished.weights)
    return tf.saved_model.load(str(folder / "model")), module, finished, facts


def test_the_window_is_that_of_the_literature_at_the_usual_rates() -> None:
    assert [fft_size(rate) for rate in (44_100, 16_000)] == [4096, 1024]


def test_features_of_a_waveform_and_of_a_sum_of_spectra_agree() -> None:
    stems = tf.constant(make_stems(1))
    constants = Constants(tf.linspace(-4.0, 0.0, 33), tf.linspace(1.0, 2.0, 33))
    summed = tf.reduce_sum(spectrum(stems, 64), axis=0)
    np.testing.assert_allclose(features(tf.reduce_sum(stems, 0), constants), features_of(summed, constants), atol=1e-3)


@pytest.mark.e2e
def test_transform_finds_the_constants_of_the_mixtures(tmp_path: Path) -> None:
    import tensorflow_transform.beam as tft_beam
    from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

    from trainers.separation.features import preprocessing_fn

    texts = {"id": b"", **dict.fromkeys(STEMS, b"")}
    kinds = dict.fromkeys(texts, tf.string) | dict.fromkeys(("segment", "num_samples"), tf.int64)
    metadata = dataset_metadata.DatasetMetadata(
        schema_utils.schema_from_feature_spec({name: tf.io.FixedLenFeature([], kind) for name, kind in kinds.items()})
    )
    half = RATE // 2
    padded = np.pad(make_stems(1, half), [(0, 0), (0, 0), (0, half)])
    data = [
        {"id": f"song-{n}".encode(), "segment": 0, "num_samples": samples}
        | {stem: pcm(y) for stem, y in zip(STEMS, stems, strict=True)}
        for n, (stems, samples) in enumerate([(make_stems(0), RATE), (padded, half)])
    ]
    with tft_beam.Context(temp_dir=str(tmp_path)):
        (transformed, _), _ = (data, metadata) | tft_beam.AnalyzeAndTransformDataset(
            lambda inputs: preprocessing_fn(inputs, {"spec": SPEC})
        )
    mixtures = [sum(pcm16_array(row[stem], channels=2) for stem in STEMS)[:, : row["num_samples"]] for row in data]
    logarithms = np.concatenate([np.log(np.abs(spectrum(y, 64)) + 1e-3).reshape(-1, 33) for y in mixtures])
    for row in transformed:
        assert set(row) == {"log_mean", "log_std"}
        np.testing.assert_allclose(row["log_mean"], logarithms.mean(axis=0), atol=1e-4)
        np.testing.assert_allclose(row["log_std"], logarithms.std(axis=0), atol=1e-4)


def test_stems_of_one_song_stay_together_and_those_of_two_go_their_own_ways() -> None:
    own, other = (Mix(*(tf.constant(make_stems(n))[s][tf.newaxis] for s in (0, 1))) for n in (1, 2))
    twins = Mix(own.vocals, own.vocals)
    uniforms = np.full((1, UNIFORMS), 0.5, np.float32)
    uniforms[0, :5] = 0.9, 0.8, 0.3, 0.1, 0.6
    together = mix([twins, other], tf.constant(uniforms), mix_songs=0.0, gain_db=6.0, speed=0.1)
    np.testing.assert_array_equal(together.vocals, together.accompaniment)
    apart = mix([own, Mix(own.vocals, own.vocals)], tf.constant(uniforms), mix_songs=1.0, gain_db=6.0, speed=0.1)
    assert float(si_sdr(apart.vocals[0, 0], apart.accompaniment[0, 0])) < 0
    quiet = uniforms.copy()
    quiet[0, [5, 7]] = 0.0, 1.0
    louder = mix([twins, other], tf.constant(quiet), mix_songs=0.0, gain_db=6.0, speed=0.1)
    np.testing.assert_allclose(louder.accompaniment, louder.vocals * 10 ** (12 / 20), rtol=1e-4)


def test_a_validation_mixture_is_the_song_as_it_is_and_a_training_mixture_is_not(learner: SeparationLearner) -> None:
    drawn = songs(range(3))
    plain = learner.prepare([drawn], None)
    whole = tf.constant(np.stack([make_stems(n).sum(axis=0) for n in range(3)]))
    np.testing.assert_allclose(plain["mixture"], spectrum(whole, learner.n_fft), atol=5e-3)
    uniforms = tf.constant(np.random.default_rng(0).random((3, UNIFORMS), np.float32))
    first, second = (learner.prepare([drawn, songs(range(3, 6))], uniforms) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    assert not np.allclose(first["mixture"], plain["mixture"], atol=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_mask_has_a_network_and_only_a_wrong_mask_costs(kind: str) -> None:
    learner = make_learner(recipe(mask=kind))
    model = learner.build()
    names_of(model.variables)
    batch = learner.prepare([songs(range(4))], None)
    mask = learner.mask_of(model({"log_magnitude": batch["log_magnitude"]}))
    assert mask.shape == batch["mixture"].shape
    assert mask.dtype.is_complex == (kind == "cirm")
    ideal = ideal_mask(kind, batch["vocals"], batch["mixture"])
    for loss in LOSSES.values():
        np.testing.assert_allclose(loss(ideal, ideal, batch["mixture"]), 0, atol=1e-6)
        wrong = loss(mask, ideal, batch["mixture"])
        assert (wrong.numpy() > 0.001).all()
        alone = loss(mask[2:3], ideal[2:3], batch["mixture"][2:3])
        np.testing.assert_allclose(alone, wrong[2:3], rtol=1e-5)


def test_frames_alike_are_those_of_the_same_sound_elsewhere() -> None:
    sounds = np.eye(4, 6, dtype=np.float32) + 0.1
    order = np.tile(np.repeat([0, 1, 2, 3], 2), 12)  # two frames a sound, 24 frames of each
    alike = frames_alike(tf.constant(3.0 * sounds[order]), apart=2).numpy()
    np.testing.assert_allclose(alike.sum(axis=1), 1, atol=1e-6)
    heard = order == order[:, np.newaxis]
    assert (alike[~heard] == 0).all()
    near = np.abs(np.subtract.outer(*2 * [np.arange(len(order))])) < 2
    assert (alike[near] == 0).all()


def test_a_frame_with_no_other_far_enough_is_like_none_and_all_are_alike_in_silence() -> None:
    few = tf.ones([1, 3, 5])
    np.testing.assert_array_equal(frames_alike(few, apart=3), np.zeros((1, 3, 3)))
    np.testing.assert_allclose(frames_alike(few, apart=2)[0], [[0, 0, 1], [0, 0, 0], [1, 0, 0]])
    silent = frames_alike(tf.zeros([30, 5]), apart=1).numpy()
    np.testing.assert_allclose(silent, np.where(np.eye(30, dtype=bool), 0, 1 / 29), atol=1e-6)


def test_what_comes_again_is_the_band_and_not_the_voice_over_it() -> None:
    learner = make_learner(recipe(repetition=True))
    rng = np.random.default_rng(0)
    beat = np.tile(0.2 * rng.standard_normal((2, 48)), 21)[:, :RATE].astype(np.float32)  # three frames long
    t = np.arange(RATE) / RATE
    voice = 0.1 * np.sin(2 * np.pi * (150 + 150 * t) * t).astype(np.float32)  # a glide that never comes again
    both = spectrum(tf.constant(np.stack([beat, beat + voice])), learner.n_fft)
    seen = learner.network_input(both).numpy()
    (band, _), (mixed, common) = np.split(seen, 2, axis=-1)
    covered = np.abs(mixed - band) > 0.5
    assert covered.mean() > 0.03
    assert np.abs(common - band)[covered].mean() < 0.7 * np.abs(mixed - band)[covered].mean()


def test_a_network_that_is_shown_what_comes_again_learns_from_it_too() -> None:
    learner = make_learner(recipe(repetition=True))
    model = learner.build()
    names_of(model.variables)
    batch = learner.prepare([songs(range(4))], None)
    assert batch["log_magnitude"].shape[-1] == 2 * learner.spec.channels
    assert learner.mask_of(model({"log_magnitude": batch["log_magnitude"]})).shape == batch["mixture"].shape
    without = batch["log_magnitude"] * tf.constant([1.0, 1.0, 0.0, 0.0])
    assert not np.allclose(*(model({"log_magnitude": y})["mask"] for y in (batch["log_magnitude"], without)), atol=1e-3)


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("kind", KINDS)
def test_losses_have_finite_gradients_in_silence(kind: str, loss: str) -> None:
    nothing = tf.zeros([1, 2, 5, 9], tf.complex64)
    logits = tf.Variable(tf.zeros([1, 2, 5, 9, 2 if kind == "cirm" else 1]))
    with tf.GradientTape() as tape:
        value = LOSSES[loss](read_mask(kind, logits), ideal_mask(kind, nothing, nothing), nothing)
    assert np.isfinite(value).all()
    assert np.isfinite(tape.gradient(value, logits)).all()


def test_validation_hears_the_oracle_and_the_mixture_passed_through(learner: SeparationLearner) -> None:
    assert isinstance(learner, Judge)
    both = {
        name: tf.concat([a, b], 0)
        for (name, a), b in zip(songs(range(4)).items(), songs(range(4, 6), sung=False).values(), strict=True)
    }
    batch = learner.prepare([both], None)
    share = tf.clip_by_value(ideal_mask("irm", batch["vocals"], batch["mixture"]), 1e-6, 1 - 1e-6)
    logits = tf.transpose(tf.math.log(share) - tf.math.log1p(-share), [0, 2, 3, 1])
    oracle = {name: value.numpy() for name, value in learner.judge(batch, {"mask": logits}).items()}
    half = {name: value.numpy() for name, value in learner.judge(batch, {"mask": tf.zeros_like(logits)}).items()}
    for stem in STEMS:
        np.testing.assert_array_equal(np.isfinite(oracle[stem]), [True] * 4 + [False] * 2)
    assert learner.score({}, oracle) > 8
    assert learner.score({}, half) == pytest.approx(0, abs=0.01)


def test_of_a_recording_without_a_voice_leakage_and_the_loss_of_its_music_are_defined_and_nothing_else() -> None:
    band = make_stems(3, sung=False)[1]
    scores = stem_scores(
        {"vocals": SILENCE, "accompaniment": band}, {"vocals": 0.01 * band, "accompaniment": 0.99 * band}, passage=RATE
    )
    defined = {name: float(score) for name, score in scores.items() if not np.isnan(score)}
    assert defined == {
        "vocals.leakage_db": pytest.approx(-40, abs=0.01),
        "accompaniment.sdr": pytest.approx(40, abs=0.01),
        "accompaniment.si_sdr": pytest.approx(60, abs=0.01),
    }


def test_what_sounds_in_the_pauses_of_a_voice_is_told_beside_the_level_of_the_whole() -> None:
    vocals, band = (np.tile(y, (1, 4)) for y in make_stems(1))
    vocals[:, RATE : 2 * RATE] = 0.0  # a pause of one of the seconds
    references = {"vocals": vocals, "accompaniment": band}
    leaking = vocals + 0.1 * band
    scores = stem_scores(references, {"vocals": leaking, "accompaniment": band - 0.1 * band}, passage=RATE)
    pause = np.sum((0.1 * band[:, RATE : 2 * RATE]) ** 2)
    expected = 10 * np.log10(pause / np.sum((vocals + band) ** 2))
    assert float(scores["vocals.leakage_db"]) == pytest.approx(expected, abs=0.01)
    assert np.isnan(scores["accompaniment.leakage_db"])  # never silent
    perfect = stem_scores(references, references, passage=RATE)
    assert float(perfect["vocals.leakage_db"]) == -60


def test_a_last_passage_of_few_samples_is_no_pause() -> None:
    vocals, band = (0.2 * np.tile(y, (1, 2))[:, : RATE + 3] for y in make_stems(1))
    assert np.sum(band[:, RATE:] ** 2) < 1e-6 * 2 * RATE  # silent, were they a second
    references = {"vocals": vocals, "accompaniment": band}
    assert np.isnan(stem_scores(references, references, passage=RATE)["accompaniment.leakage_db"])


def test_a_passage_in_which_nothing_sounds_is_no_pause() -> None:
    vocals, band = (np.pad(y, [(0, 0), (0, RATE)]) for y in make_stems(1))
    references = {"vocals": vocals, "accompaniment": band}
    scores = stem_scores(references, references, passage=RATE)
    assert np.isnan([float(scores[f"{stem}.leakage_db"]) for stem in STEMS]).all()


def test_a_stem_that_is_not_finite_is_infinitely_bad_and_not_undefined() -> None:
    vocals, band = make_stems(1)
    broken = np.where(np.arange(vocals.shape[-1]) == 5, np.nan, vocals).astype(np.float32)
    scores = stem_scores(
        {"vocals": vocals, "accompaniment": band}, {"vocals": broken, "accompaniment": band}, passage=RATE
    )
    names = ("si_sdr", "sdr", "si_sdr_improvement", "sdr_improvement")
    assert [float(scores[f"vocals.{name}"]) for name in names] == [-np.inf] * 4
    assert float(scores["accompaniment.sdr"]) == 60
    silent = {"vocals": SILENCE, "accompaniment": band}
    scores = stem_scores(silent, {"vocals": broken, "accompaniment": band}, passage=RATE)
    assert float(scores["vocals.leakage_db"]) == np.inf
    assert np.isnan(scores["vocals.sdr"])


def test_the_mean_improvement_is_that_of_the_songs_with_a_voice() -> None:
    """The golden case of a split with and without voices: one scale, and no dB of a song turned down in it."""
    sung, unsung = [make_stems(n) for n in (1, 2)], [make_stems(n, sung=False) for n in (3, 4)]
    vocals, band = (np.stack(stems) for stems in zip(*sung, *unsung, strict=True))
    estimates = {"vocals": vocals + 0.25 * band, "accompaniment": 0.75 * band}
    scores = stem_scores({"vocals": vocals, "accompaniment": band}, estimates, passage=RATE)
    improved = scores["vocals.sdr_improvement"].numpy()
    np.testing.assert_allclose(improved[:2], 20 * np.log10(4), atol=0.01)
    assert mean_of_defined(improved) == pytest.approx(12.04, abs=0.01)
    assert mean_of_defined(scores["accompaniment.sdr_improvement"].numpy()) == pytest.approx(
        np.mean([10 * np.log10(np.sum(v**2) / np.sum((0.25 * b) ** 2)) for v, b in sung]), abs=0.01
    )


def test_the_gate_of_the_built_in_library_blocks_the_mixture_passed_through_and_muted_stems() -> None:
    gate = load_gate(Path("schemas/separation/builtin/gate.yaml"), STEMS, METRICS)
    vocals, band = make_stems(1)
    truth, mixture = dict(zip(STEMS, (vocals, band), strict=True)), vocals + band
    sham = {
        "vocals is the mixture": (mixture, 0 * mixture),
        "accompaniment is the mixture": (0 * mixture, mixture),
        "both are": (mixture, mixture),
        "both are half of it": (0.5 * mixture, 0.5 * mixture),
    }
    for name, estimates in sham.items():
        scores = stem_scores(truth, dict(zip(STEMS, estimates, strict=True)), passage=RATE)
        for stem in STEMS:
            floors = {metric: gate.limit("floors", stem, metric) for metric in METRICS}
            failed = [m for m, floor in floors.items() if floor is not None and scores[f"{stem}.{m}"] < floor]
            assert failed, f"{name}: {stem} passes"


def test_the_evaluators_configuration_has_a_mean_of_every_score() -> None:
    gate = load_gate(Path("schemas/separation/builtin/gate.yaml"), STEMS, METRICS)
    config = eval_config(gate, STEMS)
    named = {output for spec in config.metrics_specs for output in spec.output_names}
    assert named == {f"{stem}.{metric}" for stem in STEMS for metric in METRICS}


def test_profiles_build_a_network_with_unique_names() -> None:
    for hyperparameters in TASK.hyperparameters.values():
        names_of(make_learner(recipe(**hyperparameters.model_dump(mode="json"))).build().variables)


@pytest.mark.e2e
def test_the_full_profile_trains_and_separates_stereo_at_44_khz(tmp_path: Path) -> None:
    spec = TASK.audio["full"]
    assert (spec.sample_rate, spec.channels) == (44_100, 2)
    short = {"steps": 1, "batch_size": 1, "warmup_steps": 0, "validate_every": 1, "checkpoint_every": 1}
    hyperparameters = TASK.hyperparameters["full"].model_copy(update=short)
    config = parse_request(
        {
            "task": "separation",
            "profile": "full",
            "library": "tiny",
            "spec": spec.model_dump(mode="json"),
            "hyperparameters": hyperparameters.model_dump(mode="json"),
            "checkpoint_root": "",
        }
    )
    bins = fft_size(spec.sample_rate) // 2 + 1
    constants = {"log_mean": np.full(bins, -2.0, np.float32), "log_std": np.ones(bins, np.float32)}
    learner = make_learner(Recipe(config, hyperparameters, constants))
    write_shards(tmp_path / "songs", [raw_example(1, make_stems(1, spec.segment_samples))], 1)
    songs = open_rows(str(tmp_path / "rows"), [str(tmp_path / "songs" / "*")], learner.read)
    checkpoints = Checkpoints(str(tmp_path / "checkpoints"))
    strategy = make_strategy("one_device")
    finished = train(
        learner, songs, songs, hyperparameters=hyperparameters, strategy=strategy, checkpoints=checkpoints, seed=0
    )
    assert np.isfinite(finished.history[-1].score)
    module, _, _ = make_signatures(learner, finished)
    mixture = make_stems(9, spec.segment_samples + 12_345).sum(axis=0)
    answer = module.separate(tf.constant(mixture))
    assert answer["vocals"].shape == mixture.shape
    assert 0 < np.abs(answer["vocals"]).max() <= 2 * np.abs(mixture).max()
    np.testing.assert_allclose(answer["vocals"] + answer["accompaniment"], mixture, atol=1e-6)


@pytest.mark.e2e
def test_a_short_training_improves_songs_that_it_has_not_heard(exported) -> None:
    _, _, finished, _ = exported
    assert finished.history[-1].score > 3


@pytest.mark.e2e
def test_the_export_answers_what_the_module_does_for_any_length(exported) -> None:
    loaded, module, _, facts = exported
    assert facts["vocabulary"] == list(STEMS)
    assert set(loaded.signatures) == {"serving_default", "waveform", "evaluate"}
    for samples in (1, 300, RATE, 3 * RATE + 77, RATE + 1):
        mixture = np.stack([make_stems(n, samples).sum(axis=0) for n in (50, 51)])
        answer = loaded.signatures["waveform"](waveform=tf.constant(mixture))
        assert answer["vocals"].shape == mixture.shape
        np.testing.assert_allclose(answer["vocals"] + answer["accompaniment"], mixture, atol=1e-6)
    alone = module.separate(tf.constant(mixture[1]))
    np.testing.assert_allclose(answer["vocals"][1], alone["vocals"], atol=1e-5)
    assert loaded.signatures["serving_default"](waveform=tf.zeros([1, 2, 0]))["vocals"].shape == (1, 2, 0)


@pytest.mark.e2e
def test_evaluate_scores_each_example_as_the_waveform_signature_separates_it(exported) -> None:
    loaded, _, _, _ = exported
    numbers, lengths = (60, 61, 62), (900, RATE, 2345)
    examples = [raw_example(n, make_stems(n, length), padded=RATE) for n, length in zip(numbers, lengths, strict=True)]
    answer = loaded.signatures["evaluate"](examples=tf.constant(examples))
    assert set(answer) == {f"{stem}.{metric}" for stem in STEMS for metric in METRICS}
    for row, (number, length) in enumerate(zip(numbers, lengths, strict=True)):
        truth = [pcm16_array(pcm(y), channels=2) for y in make_stems(number, length)]
        parts = loaded.signatures["waveform"](waveform=tf.constant(sum(truth)[np.newaxis]))
        scores = stem_scores(
            dict(zip(STEMS, truth, strict=True)), {stem: parts[stem][0] for stem in STEMS}, passage=RATE
        )
        for name, value in scores.items():
            assert float(answer[name][row]) == pytest.approx(float(value), abs=0.02, nan_ok=True), name


@pytest.mark.e2e
def test_long_audio_has_no_seam(exported) -> None:
    """Far from both ends a piece more in front changes nothing, except where the cut falls."""
    loaded, _, _, _ = exported
    mixture = make_stems(70, 5 * RATE).sum(axis=0)
    vocals = loaded.signatures["waveform"](waveform=tf.constant(mixture[np.newaxis]))["vocals"][0].numpy()
    steps = np.abs(np.diff(vocals, axis=-1)).max(axis=0)
    hop = RATE // 2
    cuts = np.zeros(len(steps), bool)
    for cut in range(hop, 4 * RATE, hop):
        cuts[cut - 2 : cut + 2] = True
    assert steps[cuts].max() < 1.5 * np.quantile(steps[~cuts], 0.999)
