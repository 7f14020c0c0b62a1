"""musicnn in Keras layers beside its published graph, and the tagger that listens to it."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from audio.errors import DaCapoError
from tests.trainers.published_musicnn import music, published_answers
from tests.trainers.tiny_library import RATE, TAGS, Library, raw_example
from trainers.request import Recipe, parse_request
from trainers.run import run_fn
from trainers.tagging.embedding_store import EmbeddingStore
from trainers.tagging.features import Constants, decode_pcm, features, frames_of
from trainers.tagging.model import TaggingLearner, make_learner
from trainers.tagging.musicnn import PATCH_FRAMES, musicnn_trunk, musicnn_weights
from trainers.tagging.musicnn_embedding import EMBEDDING, MusicnnEmbedding, patch_starts
from trainers.tagging.published import CHECKPOINTS
from trainers.trainee import set_variables
from trainers.transform_constants import transform_constants

_PUBLISHED = {
    "penultimate": "model/batch_normalization_10/batchnorm/add_1:0",
    "mean_pool": "model/moments/Squeeze:0",
    "max_pool": "model/Max:0",
    "pool": "model/batch_normalization_9/batchnorm/add_1:0",
}
ONE = ["MSD_musicnn"]


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_the_keras_layers_say_what_the_published_graph_says(checkpoint: str) -> None:
    patches = music(2)
    trunk = musicnn_trunk(checkpoint)
    set_variables(trunk.variables, musicnn_weights(checkpoint))
    answers, published = trunk(patches, training=False), published_answers(checkpoint, patches, _PUBLISHED)
    assert np.ptp(published["penultimate"], axis=0).max() > 0.1
    for name, expected in published.items():
        np.testing.assert_allclose(answers[name], expected, rtol=1e-3, atol=2e-4 * np.abs(expected).max(), err_msg=name)


def test_patches_are_spread_evenly_over_a_segment() -> None:
    assert patch_starts(751, 2).tolist() == [0, 2 * PATCH_FRAMES]
    assert patch_starts(751, 9).tolist() == [0, PATCH_FRAMES, 2 * PATCH_FRAMES, 3 * PATCH_FRAMES]
    assert patch_starts(60, 4).tolist() == [0]


def test_a_segment_is_the_mean_of_its_patches_as_published_weighted_with_the_audio_in_them() -> None:
    constants = Constants(tf.linspace(0.5, 1.5, 96), tf.linspace(2.0, 0.5, 96))
    patches = music(2)
    spectrum = (np.concatenate(list(patches)) - constants.mean) / constants.std
    trunk = musicnn_trunk("MTT_musicnn")
    set_variables(trunk.variables, musicnn_weights("MTT_musicnn"))
    each = {name: value.numpy() for name, value in trunk(patches, training=False).items()}
    first, second = np.concatenate([each["pool"], each["penultimate"]], axis=1)
    embed = MusicnnEmbedding(["MTT_musicnn"], 2, constants)
    whole, half, one = embed(tf.stack([spectrum] * 3), tf.constant([374, 280, 100]))
    np.testing.assert_allclose(whole, (first + second) / 2, atol=2e-3)
    np.testing.assert_allclose(half, (187 * first + 93 * second) / 280, atol=2e-3)
    np.testing.assert_allclose(one, first, atol=2e-3)


def learner_of(library: Library, folder: Path, **changes: object) -> TaggingLearner:
    config = parse_request(library.custom_config(checkpoint_root=str(folder), **changes))
    return make_learner(
        Recipe(config, config.typed_hyperparameters(), transform_constants(str(library.folder / "graph")))
    )


@pytest.mark.e2e
@pytest.mark.parametrize("beside", [False, True])
def test_rows_hold_what_musicnn_hears_and_the_network_is_fed_with_it(
    library: Library, tmp_path: Path, beside: bool
) -> None:
    learner = learner_of(library, tmp_path, warm_start="musicnn", musicnn=ONE, beside_musicnn=beside)
    record = next(iter(tf.data.TFRecordDataset(tf.io.gfile.glob(f"{library.folder}/validation/*"), "GZIP").batch(2)))
    rows = learner.read(record)
    assert rows["musicnn"].shape == (2, EMBEDDING)
    assert learner.embed is not None
    by_id = {made.id.encode(): made for made in library.recordings["validation"]}
    for number, name in enumerate(rows["id"].numpy()):
        serialized = tf.io.parse_single_example(
            raw_example(by_id[name], samples=RATE), {"audio": tf.io.FixedLenFeature([], tf.string)}
        )
        spectrum = features(decode_pcm(serialized["audio"], 1), learner.constants)
        frames = frames_of(tf.constant([len(by_id[name].waveform)]))
        heard = learner.embed(tf.ensure_shape(spectrum, [learner.frames, 96])[tf.newaxis], frames)[0]
        np.testing.assert_allclose(tf.cast(rows["musicnn"][number], tf.float32), heard, atol=0.05)
    batch, inputs = learner.prepare([rows], tf.zeros([2, learner.uniforms])), learner.build().input
    assert set(inputs) <= set(batch)
    assert tuple(inputs["musicnn"].shape) == (None, EMBEDDING)
    assert ("log_mel" in inputs) == beside
    assert "musicnn" not in learner_of(library, tmp_path).build().input


def test_a_row_is_heard_once_and_alike_in_any_company(tmp_path: Path) -> None:
    spectra = tf.cast(tf.random.stateless_normal([5, 20, 96], seed=(0, 0)), tf.float16)
    frames = tf.range(16, 21, dtype=tf.int64)
    calls = []

    def embed(spectrum: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        calls.append(int(count[0]))
        return tf.reduce_mean(spectrum, axis=1) * tf.cast(count, tf.float32)

    first = EmbeddingStore(str(tmp_path / "store"), embed, 96)(spectra[:3], frames[:3])
    again = EmbeddingStore(str(tmp_path / "store"), embed, 96)(spectra[::-1], frames[::-1])
    assert calls == [16, 17, 18, 20, 19]
    np.testing.assert_array_equal(again[::-1][:3], first)
    EmbeddingStore(str(tmp_path / "store"), embed, 96)(spectra[:1], frames[1:2])
    assert calls[5:] == [17], "another count of frames is another row"


@pytest.mark.e2e
def test_a_tagger_with_musicnn_is_trained_exported_and_started_from(library: Library, tmp_path: Path) -> None:
    first = library.fn_args(tmp_path / "first", warm_start="musicnn", musicnn=ONE)
    run_fn(first)
    facts = json.loads(Path(first.serving_model_dir, "assets.extra", "dacapo.json").read_text(encoding="utf-8"))
    assert facts["musicnn"] == ONE
    model = tf.saved_model.load(first.serving_model_dir)
    made = library.recordings["validation"]
    answers = model.signatures["evaluate"](examples=tf.constant([raw_example(each) for each in made]))["probabilities"]
    assert np.all(np.isfinite(answers))
    assert answers.shape == (len(made), len(TAGS))
    again = library.fn_args(
        tmp_path / "again", warm_start=first.serving_model_dir, musicnn=ONE, steps=1, learning_rate=1e-9
    )
    run_fn(again)
    other = library.fn_args(
        tmp_path / "other", warm_start=first.serving_model_dir, musicnn=["MSD_musicnn", "MTT_musicnn"]
    )
    with pytest.raises(DaCapoError, match=r"MSD_musicnn listened there and MSD_musicnn, MTT_musicnn here"):
        run_fn(other)
    before, after = library.finished(tmp_path / "first"), library.finished(tmp_path / "again")
    assert set(before.weights) == set(after.weights)
    np.testing.assert_allclose(before.weights["musicnn_units/kernel"], after.weights["musicnn_units/kernel"], atol=1e-5)
