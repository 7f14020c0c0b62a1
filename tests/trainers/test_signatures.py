"""What the exported tagger answers, loaded as a server loads it."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import soundfile
import tensorflow as tf

from tests.trainers.tiny_library import RATE, TAGS, Library, Made, raw_example
from trainers.checkpoints import Finished
from trainers.export import FACTS, export
from trainers.request import Recipe, parse_request
from trainers.tagging.model import TaggingLearner, make_learner
from trainers.tagging.signatures import make_signatures
from trainers.trainee import get_variables, set_variables
from trainers.transform_constants import transform_constants

pytestmark = pytest.mark.e2e
THRESHOLDS = np.array([0.3, -0.2, 0.1, -0.4], np.float32)


def learner_of(library: Library, folder: Path, **changes: Any) -> TaggingLearner:
    config = parse_request(library.custom_config(checkpoint_root=str(folder), **changes))
    constants = transform_constants(str(library.folder / "graph"))
    return make_learner(Recipe(config, config.typed_hyperparameters(), constants))


def random_weights(learner: TaggingLearner) -> Finished:
    """A training whose every weight counts, the vector for missing lyrics too."""
    keras.utils.set_random_seed(0)
    rng, weights = np.random.default_rng(0), get_variables(learner.build().variables)
    for name, value in weights.items():
        if value.dtype == np.float32:
            scale = 0.5 / np.sqrt(max(1, np.prod(value.shape[:-1]) / 4))
            weights[name] = value + rng.normal(0, scale, value.shape).astype(np.float32)
            if name == "lyrics_embedding/kernel":
                weights[name] *= 20
            if name.endswith("moving_variance"):
                weights[name] = np.abs(weights[name])
    return Finished(weights, {"thresholds": THRESHOLDS}, [], 0)


@pytest.fixture(scope="module")
def folder(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported tagger with random weights."""
    work = tmp_path_factory.mktemp("tagger")
    learner = learner_of(library, work)
    finished = random_weights(learner)
    module, signatures, facts = make_signatures(learner, finished)
    export(str(work / "model"), module, signatures, facts=facts, weights=finished.weights)
    return work / "model"


@pytest.fixture(scope="module")
def signatures(folder: Path) -> dict[str, Callable[..., dict[str, tf.Tensor]]]:
    """Its signatures."""
    loaded = tf.saved_model.load(str(folder))
    signatures: dict[str, Callable[..., dict[str, tf.Tensor]]] = dict(loaded.signatures)
    signatures["loaded"] = lambda: {"model": loaded}
    return signatures


def made(seconds: float, lyrics: str | None, seed: int = 0) -> Made:
    """A recording whose sound changes all the time, at 16 bits."""
    rng, time_s = np.random.default_rng(seed), np.arange(round(seconds * RATE)) / RATE
    sweep = np.sin(2 * np.pi * (200 + 400 * time_s + 300 * seed) * time_s) * (0.5 + 0.5 * np.sin(7 * time_s))
    y = np.rint(32768 * (0.4 * sweep + 0.02 * rng.standard_normal(len(time_s)))) / 32768
    return Made(f"song-{seed}", y.astype(np.float32), np.zeros(len(TAGS), np.int64), lyrics)


def of_examples(signatures: Any, *recordings: Made) -> np.ndarray:
    answer = signatures["evaluate"](examples=tf.constant([raw_example(each) for each in recordings]))
    return np.asarray(answer["probabilities"])


def texts(recording: Made) -> dict[str, tf.Tensor]:
    return {
        "lyrics": tf.constant([recording.lyrics or ""]),
        "has_lyrics": tf.constant([recording.lyrics is not None]),
    }


RECORDINGS = {
    "shorter than a window": made(0.4, "waves and waves"),
    "one window": made(1.0, None, 1),
    "many windows, the last one part of one": made(9.3, "море", 2),
}


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_waveform_is_answered_like_its_example(signatures: Any, name: str) -> None:
    recording = RECORDINGS[name]
    answer = signatures["waveform"](waveform=tf.constant(recording.waveform[np.newaxis]), **texts(recording))
    np.testing.assert_allclose(answer["probabilities"], of_examples(signatures, recording), atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("name", RECORDINGS)
def test_wav_bytes_are_answered_like_their_example(signatures: Any, name: str, channels: int) -> None:
    recording, file = RECORDINGS[name], io.BytesIO()
    soundfile.write(file, np.stack([recording.waveform] * channels, axis=1), RATE, "PCM_16", format="WAV")
    answer = signatures["wav_bytes"](wav=tf.constant([file.getvalue()]), **texts(recording))
    np.testing.assert_allclose(answer["probabilities"], of_examples(signatures, recording), atol=1e-4)


def test_a_wav_of_another_sample_rate_is_refused(signatures: Any) -> None:
    file = io.BytesIO()
    soundfile.write(file, RECORDINGS["one window"].waveform, 44_100, "PCM_16", format="WAV")
    with pytest.raises(tf.errors.InvalidArgumentError, match="the sample rate must be 16000 Hz"):
        signatures["wav_bytes"](wav=tf.constant([file.getvalue()]), **texts(RECORDINGS["one window"]))


def test_recordings_of_a_batch_do_not_change_each_other(signatures: Any) -> None:
    together = of_examples(signatures, *RECORDINGS.values())
    alone = np.concatenate([of_examples(signatures, recording) for recording in RECORDINGS.values()])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert np.ptp(alone, axis=0).max() > 0.02, "they are no constants"


def test_missing_lyrics_are_not_empty_lyrics(signatures: Any) -> None:
    silent, empty, sung = (made(1.0, lyrics) for lyrics in (None, "", "waves of the sea"))
    answers = of_examples(signatures, silent, empty, sung)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(answers[first] - answers[second]).max() > 1e-3
    waveform = tf.constant(empty.waveform[np.newaxis])
    for recording, answer in zip((silent, empty, sung), answers, strict=True):
        again = signatures["waveform"](waveform=waveform, **texts(recording))["probabilities"]
        np.testing.assert_allclose(again[0], answer, atol=1e-6)


def test_what_is_said_of_missing_lyrics_is_not_read(signatures: Any) -> None:
    waveform = tf.constant(made(1.0, None).waveform[np.newaxis])
    answers = [
        signatures["waveform"](waveform=waveform, lyrics=tf.constant([text]), has_lyrics=tf.constant([False]))
        for text in ("", "waves of the sea")
    ]
    np.testing.assert_array_equal(answers[0]["probabilities"], answers[1]["probabilities"])


def test_tags_are_named_and_a_child_is_never_above_its_parent(signatures: Any) -> None:
    examples = tf.constant([raw_example(recording) for recording in RECORDINGS.values()])
    answer = signatures["serving_default"](examples=examples)
    assert [[name.decode() for name in row] for row in answer["tags"].numpy()] == [list(TAGS)] * len(RECORDINGS)
    np.testing.assert_allclose(answer["probabilities"], of_examples(signatures, *RECORDINGS.values()), atol=1e-6)
    child, parent = TAGS.index("low/pulsed"), TAGS.index("low")
    assert np.all(answer["probabilities"].numpy()[:, child] <= answer["probabilities"].numpy()[:, parent])


def test_the_model_says_what_it_knows(folder: Path) -> None:
    facts = json.loads(folder.joinpath(*FACTS).read_text(encoding="utf-8"))
    expected = 1 / (1 + np.exp(-THRESHOLDS.astype(float)))
    np.testing.assert_allclose([facts["thresholds"][tag] for tag in TAGS], expected, atol=1e-5)


@pytest.mark.parametrize("warm_start", ["none", "musicnn"])
def test_the_exported_tagger_judges_as_the_trainer_does(library: Library, tmp_path: Path, warm_start: str) -> None:
    learner = learner_of(library, tmp_path, warm_start=warm_start, musicnn=["MSD_musicnn"])
    finished = random_weights(learner)
    finished = Finished(finished.weights, {"thresholds": np.zeros(len(TAGS), np.float32)}, [], 0)
    files = tf.io.gfile.glob(f"{library.folder}/validation/*")
    rows = learner.read(next(iter(tf.data.TFRecordDataset(files, "GZIP").batch(6))))
    model = learner.build()
    set_variables(model.variables, finished.weights)
    batch = learner.prepare([rows], None)
    logits = model({name: batch[name] for name in model.input}, training=False)["logits"].numpy()
    columns = {name: rows[name].numpy() for name in ("id", *learner.label_columns)}
    trained, _ = learner.recordings(columns, {"logits": logits})
    _, signatures, _ = make_signatures(learner, finished)
    recordings = {made.id: made for made in library.recordings["validation"]}
    names = [name.decode() for name in np.unique(columns["id"])]
    answers = signatures["evaluate"](tf.constant([raw_example(recordings[name]) for name in names]))["probabilities"]
    np.testing.assert_allclose(answers, trained, atol=5e-3)
    assert np.ptp(trained, axis=0).max() > 0.02
