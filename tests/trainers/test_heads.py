"""The two heads of a tagger that listens to musicnn."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.trainers.published_musicnn import music, published_answers
from trainers.learner import Tensors
from trainers.request import Recipe, parse_request
from trainers.tagging.model import TaggingLearner, make_learner
from trainers.tagging.musicnn import PUBLISHED_TAGS
from trainers.tagging.network import HEADS
from trainers.tagging.task import TASK

TAGS = ("low", "low/pulsed", "high")
ROWS = 5


def learner(folder: Path, warm_start: str) -> TaggingLearner:
    config = parse_request(
        {
            "task": "tagging",
            "profile": "quick",
            "library": "none",
            "spec": TASK.audio["quick"].model_dump(mode="json"),
            "vocabulary": {"tags": TAGS, "parents": {"low/pulsed": "low"}},
            "hyperparameters": TASK.hyperparameters["quick"].model_dump(mode="json")
            | {"musicnn": ["MTT_musicnn"], "filters": [2], "lyrics": False},
            "checkpoint_root": str(folder),
            "warm_start": warm_start,
        }
    )
    constants = {
        "mel_mean": np.zeros(96, np.float32),
        "mel_std": np.ones(96, np.float32),
        "tag_shares": np.array([0.5, 0.25, 0.1], np.float32),
    }
    return make_learner(Recipe(config, config.typed_hyperparameters(), constants))


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> TaggingLearner:
    return learner(tmp_path_factory.mktemp("heads"), "musicnn")


@pytest.fixture(scope="module")
def model(tagger: TaggingLearner) -> keras.Model:
    made = tagger.build()
    tagger.initialise(made)
    return made


def test_a_trunk_has_one_head_and_what_listens_to_musicnn_two(
    tmp_path: Path, tagger: TaggingLearner, model: keras.Model
) -> None:
    assert learner(tmp_path, "none").build().output["logits"].shape[1:] == (1, len(TAGS))
    assert model.output["logits"].shape[1:] == (2, len(TAGS))
    for head in HEADS:
        begin = 1 / (1 + np.exp(-model.get_layer(head).bias.numpy()))
        np.testing.assert_allclose(begin, [0.5, 0.5, 0.1], atol=1e-6)
    assert {variable.path for variable in model.variables} >= set(tagger.output_variables)


def test_the_tags_that_musicnn_says_are_those_of_the_published_graph_and_stay(
    tagger: TaggingLearner, model: keras.Model
) -> None:
    patches = music(1)
    assert tagger.embed is not None
    heard = tagger.embed(tf.constant(patches), tf.constant([patches.shape[1]]))
    layer = model.get_layer("musicnn_tags_0")
    probe = keras.Model(model.input, layer.output)
    assert not layer.trainable_variables
    published = published_answers("MTT_musicnn", patches, {"tags": "model/dense_1/BiasAdd:0"})["tags"]
    assert published.shape == (1, PUBLISHED_TAGS)
    np.testing.assert_allclose(probe({"musicnn": heard}), published, atol=2e-3)


def test_no_head_learns_from_the_other(tagger: TaggingLearner) -> None:
    labels = tf.constant([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    batch: Tensors = {"frames": tf.fill([ROWS, 1], float(tagger.frames)), "labels": labels}
    logits = tf.random.Generator.from_seed(1).normal([ROWS, 2, len(TAGS)])
    slopes = []
    for answers in (logits, logits * tf.constant([[1.0], [5.0]])):
        with tf.GradientTape() as tape:
            tape.watch(answers)
            loss = tagger.loss(batch, {"logits": answers})
        slopes.append(tape.gradient(loss, answers).numpy())
    np.testing.assert_allclose(slopes[0][:, 0], slopes[1][:, 0], rtol=1e-5)
    assert np.abs(slopes[0][:, 1] - slopes[1][:, 1]).max() > 0.01


def test_segments_answer_together_by_the_mean_of_their_log_odds(tagger: TaggingLearner) -> None:
    whole = tagger.segment_samples
    rows = {
        "id": np.array(["a", "a", "b"]),
        "num_samples": np.array([whole, whole / 2, whole]),
        "labels": np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]]),
    }
    high = np.array([4.0, -2.0, 1.0])
    logits = np.zeros((3, 2, len(TAGS)), np.float32)
    logits[:, :, TAGS.index("high")] = high[:, np.newaxis]
    probabilities, labels = tagger.recordings(rows, {"logits": logits})
    np.testing.assert_array_equal(labels, [[True, True, False], [False, False, True]])
    together = np.array([(4.0 - 2.0 / 2) / 1.5, 1.0])
    np.testing.assert_allclose(probabilities[:, TAGS.index("high")], 1 / (1 + np.exp(-together)), rtol=1e-5)
    np.testing.assert_allclose(probabilities[:, :2], [[0.5, 0.25]] * 2, rtol=1e-5)
