"""One `features` on three paths: Transform's ``preprocessing_fn``, the trainer, and the exported signatures."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.trainers.tiny_library import RATE, TAGS, Library, Made, raw_example
from trainers.learner import Tensors
from trainers.request import Recipe, parse_request
from trainers.tagging.features import decode_pcm, features, frames_of
from trainers.tagging.model import TaggingLearner, make_learner
from trainers.tagging.signatures import Tagger
from trainers.transform_constants import transform_constants

pytestmark = pytest.mark.e2e
HALF_PRECISION = 2e-3


@pytest.fixture(scope="module")
def learner(library: Library, tmp_path_factory: pytest.TempPathFactory) -> TaggingLearner:
    """Of the tiny library, its tags without parents."""
    vocabulary = {"tags": list(TAGS), "parents": {}}
    config = parse_request(
        library.custom_config(checkpoint_root=str(tmp_path_factory.mktemp("work")), vocabulary=vocabulary)
    )
    constants = transform_constants(str(library.folder / "graph"))
    return make_learner(Recipe(config, config.typed_hyperparameters(), constants))


@pytest.fixture(scope="module")
def rows(library: Library, learner: TaggingLearner) -> Tensors:
    """What the trainer reads of Transform's validation split."""
    files = tf.io.gfile.glob(f"{library.folder}/validation/*")
    return learner.read(next(iter(tf.data.TFRecordDataset(files, "GZIP").batch(100))))


def pcm(made: Made, samples: int | None = None) -> tf.Tensor:
    column = {"audio": tf.io.FixedLenFeature([], tf.string)}
    return tf.io.parse_single_example(raw_example(made, samples=samples), column)["audio"]


def of(library: Library, rows: Tensors) -> list[Made]:
    by_id = {made.id: made for made in library.recordings["validation"]}
    return [by_id[name.decode()] for name in rows["id"].numpy()]


def probe(learner: TaggingLearner) -> keras.Model:
    """A network that says what it was fed with: each logit is a random projection of all frames and bands."""
    inputs = learner.build().input
    kernel = keras.initializers.RandomNormal(stddev=0.02, seed=1)
    heard = keras.layers.Dense(len(TAGS), kernel_initializer=kernel, name="projection")(
        keras.layers.Flatten()(inputs["log_mel"])
    )
    return keras.Model(inputs, {"logits": keras.layers.Reshape((1, len(TAGS)))(heard + 0.01 * inputs["frames"])})


def test_transform_writes_features_of_the_padded_segment(
    library: Library, learner: TaggingLearner, rows: Tensors
) -> None:
    for made, spectrum in zip(of(library, rows), rows["log_mel"].numpy(), strict=True):
        expected = features(decode_pcm(pcm(made, RATE), 1), learner.constants).numpy()
        np.testing.assert_allclose(spectrum, expected, rtol=HALF_PRECISION, atol=HALF_PRECISION)


def test_the_trainer_feeds_what_transform_wrote_and_counts_the_frames_with_audio(
    library: Library, learner: TaggingLearner, rows: Tensors
) -> None:
    batch = learner.prepare([rows], None)
    np.testing.assert_array_equal(batch["log_mel"], rows["log_mel"].numpy().astype(np.float32))
    lengths = [len(made.waveform) for made in of(library, rows)]
    assert len(set(lengths)) == 2
    np.testing.assert_array_equal(batch["frames"][:, 0], frames_of(tf.constant(lengths)))


def test_signatures_feed_the_network_with_what_the_trainer_feeds_it_with(
    library: Library, learner: TaggingLearner, rows: Tensors
) -> None:
    network = probe(learner)
    batch = learner.prepare([rows], None)
    trained_on = network({name: batch[name] for name in network.input})["logits"][:, 0]
    assert np.ptp(trained_on, axis=0).min() > 1, "the probe tells recordings apart"
    tagger = Tagger(learner, network, np.zeros(len(TAGS), np.float32))
    answers = tagger.tag_examples(tf.constant([raw_example(made) for made in of(library, rows)]), "audio", 1)
    np.testing.assert_allclose(answers, tf.sigmoid(trained_on), atol=5e-3)


def test_the_constants_are_those_of_the_training_split(library: Library, learner: TaggingLearner) -> None:
    unit = learner.constants._replace(mean=np.zeros(96, np.float32), std=np.ones(96, np.float32))
    heard = np.concatenate(
        [
            features(decode_pcm(pcm(made, RATE), 1), unit)[: int(frames_of(tf.constant(len(made.waveform))))]
            for made in library.recordings["train"]
        ]
    )
    np.testing.assert_allclose(learner.constants.mean, heard.mean(axis=0), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(learner.constants.std, np.sqrt(np.maximum(heard.var(axis=0), 1e-4)), rtol=1e-2)
