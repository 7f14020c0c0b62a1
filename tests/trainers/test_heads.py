"""The heads of the tagger: each learns on its own."""

import numpy as np
import pytest
import tensorflow as tf

from trainers.request import Recipe, parse_request
from trainers.tagging.model import TaggingLearner, make_learner
from trainers.tagging.task import TASK

TAGS = ("low", "low/pulsed", "high")
HEADS, ROWS = 3, 5


@pytest.fixture
def tagger() -> TaggingLearner:
    config = parse_request(
        {
            "task": "tagging",
            "profile": "quick",
            "library": "none",
            "spec": TASK.audio["quick"].model_dump(mode="json"),
            "vocabulary": {"tags": TAGS, "parents": {"low/pulsed": "low"}},
            "hyperparameters": TASK.hyperparameters["quick"].model_dump(mode="json")
            | {"heads": HEADS, "filters": [2], "lyrics": False},
            "checkpoint_root": "nowhere",
        }
    )
    constants = {
        "mel_mean": np.zeros(96, np.float32),
        "mel_std": np.ones(96, np.float32),
        "tag_shares": np.array([0.5, 0.25, 0.1], np.float32),
    }
    return make_learner(Recipe(config, config.typed_hyperparameters(), constants))


def batch(tagger: TaggingLearner) -> dict[str, tf.Tensor]:
    generator = tf.random.Generator.from_seed(0)
    return {
        "log_mel": generator.normal([ROWS, tagger.frames, 96]),
        "frames": tf.fill([ROWS, 1], float(tagger.frames)),
        "labels": tf.constant([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]),
    }


def test_heads_begin_apart_but_at_the_shares_of_the_tags(tagger: TaggingLearner) -> None:
    model = tagger.build()
    given = batch(tagger)
    logits = model({name: given[name] for name in model.input})["logits"].numpy()
    assert logits.shape == (ROWS, HEADS, len(TAGS))
    assert np.abs(logits[:, 0] - logits[:, 1]).max() > 0.01
    kernel, bias = (value.numpy() for value in model.get_layer("tags").weights)
    limit = np.sqrt(6 / sum(kernel.shape[1:]))
    assert 0.8 * limit < np.abs(kernel).max() <= limit
    np.testing.assert_allclose(1 / (1 + np.exp(-bias)), np.tile([0.5, 0.5, 0.1], (HEADS, 1)), atol=1e-6)


def test_no_head_learns_from_another(tagger: TaggingLearner) -> None:
    given = batch(tagger)
    logits = tf.random.Generator.from_seed(1).normal([ROWS, HEADS, len(TAGS)])
    louder = tf.concat([logits[:, :1], 5.0 * logits[:, 1:]], axis=1)
    slopes = []
    for answers in (logits, louder):
        with tf.GradientTape() as tape:
            tape.watch(answers)
            loss = tagger.loss(given, {"logits": answers})
        slopes.append(tape.gradient(loss, answers).numpy())
    np.testing.assert_allclose(slopes[0][:, 0], slopes[1][:, 0], rtol=1e-5)
    assert np.abs(slopes[0][:, 1] - slopes[1][:, 1]).max() > 0.01
