"""The built-in library asks for more than a cheap trick: the gate blocks every model that does not listen."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from audio.descriptors import describe
from catalog.builtin import build_builtin
from catalog.format import Recording, open_catalog
from catalog.vocabulary import load_vocabulary
from components.evaluator import DESCRIPTION, PROBABILITIES
from pipeline.evaluation import read_evaluation
from pipeline.verdict import Verdict
from trainers.calibration import calibrate, learn_thresholds
from trainers.decision_gate import SIGNATURE
from trainers.gate import load_gate
from trainers.tag_tree import TagTree
from trainers.tagging.evaluation import METRICS, eval_config

pytestmark = pytest.mark.e2e
SCHEMAS = Path(__file__).resolve().parents[2] / "schemas" / "tagging" / "builtin"
VOCABULARY = load_vocabulary(SCHEMAS / "tags.yaml")
TAGS = VOCABULARY.tags


@dataclass(frozen=True)
class Library:
    """Recordings by split, their labels [recordings, tags] and descriptors [recordings, numbers]."""

    recordings: dict[str, list[Recording]]
    labels: dict[str, np.ndarray]
    descriptors: dict[str, np.ndarray]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    catalog = open_catalog(build_builtin(tmp_path_factory.mktemp("builtin")))
    recordings: dict[str, list[Recording]] = {"train": [], "validation": [], "eval": [], "test": []}
    for row in catalog.rows():
        assert isinstance(row, Recording)
        assert row.split is not None
        recordings[row.split].append(row)
    labels = {s: np.array([VOCABULARY.multi_hot(r.tags) for r in rows]) for s, rows in recordings.items()}
    descriptors = {
        s: np.array([numbers(catalog.root / r.path) for r in rows]) for s, rows in recordings.items() if s != "test"
    }
    return Library(recordings, labels, descriptors)


def numbers(path: Path) -> list[float]:
    """All descriptors as numbers, the key one-hot."""
    found = asdict(describe(path, tempo_and_key=True))
    key = found.pop("key") or ""
    notes = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
    tonic, _, mode = key.partition(" ")
    one_hot = [float(tonic == note) for note in notes] + [float(mode == "minor")]
    return [*(float(value or 0.0) for value in found.values()), *one_hot]


class Given(tf.Module):
    """Answers the probabilities that stand in each Example."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return tf.io.parse_example(examples, {PROBABILITIES: tf.io.FixedLenFeature([len(TAGS)], tf.float32)})


def judged(folder: Path, library: Library, probabilities: np.ndarray) -> Verdict:
    """The Evaluator's verdict on probabilities of the eval split, as of a first model."""
    config = tfma.utils.update_eval_config_with_defaults(
        eval_config(load_gate(SCHEMAS / "gate.yaml", TAGS, METRICS), TAGS), has_baseline=False, rubber_stamp=True
    )
    data, model = folder / "examples.tfrecord", folder / "model"
    with tf.io.TFRecordWriter(str(data)) as writer:
        rows = zip(library.recordings["eval"], library.labels["eval"], probabilities, strict=True)
        for recording, labels, answer in rows:
            language = [recording.language.encode()] if recording.language else []
            features = {
                "artist": tf.train.Feature(bytes_list=tf.train.BytesList(value=[(recording.artist or "").encode()])),
                "language": tf.train.Feature(bytes_list=tf.train.BytesList(value=language)),
                "labels": tf.train.Feature(int64_list=tf.train.Int64List(value=labels)),
                PROBABILITIES: tf.train.Feature(float_list=tf.train.FloatList(value=answer)),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    given = Given()
    tf.saved_model.save(given, str(model), signatures={SIGNATURE: given.evaluate})
    facts = model / DESCRIPTION
    facts.parent.mkdir(exist_ok=True)
    facts.write_text(json.dumps({"vocabulary": TAGS}), encoding="utf-8")
    tfma.run_model_analysis(
        eval_shared_model=tfma.default_eval_shared_model(str(model), eval_config=config, tags=["serve"]),
        eval_config=config,
        data_location=str(data),
        output_path=str(folder / "evaluation"),
    )
    verdict = read_evaluation(folder / "evaluation").verdict
    assert verdict.recordings == len(probabilities)
    return verdict


def failed(verdict: Verdict) -> set[str]:
    """Tags that the gate blocks the model for."""
    assert not verdict.blessed
    return {line.partition(":")[0] for line in verdict.failures()}


def calibrated(scores: dict[str, np.ndarray], labels: dict[str, np.ndarray]) -> np.ndarray:
    """Scores on eval, calibrated on validation as our own models are."""
    tree = TagTree.of(TAGS, VOCABULARY.parents)
    thresholds = learn_thresholds(scores["validation"], labels["validation"], tree)
    return calibrate(scores["eval"].astype(np.float32), thresholds, tree).numpy()


def fitted(
    inputs: Mapping[str, object], labels: dict[str, np.ndarray], make: Callable[[], Pipeline]
) -> dict[str, np.ndarray]:
    """Scores of one classifier a tag, on validation and eval."""
    scores = {split: np.zeros(labels[split].shape) for split in ("validation", "eval")}
    for tag in range(labels["train"].shape[1]):
        model = make().fit(inputs["train"], labels["train"][:, tag])
        for split, answer in scores.items():
            answer[:, tag] = model.predict_proba(inputs[split])[:, 1]
    return scores


def test_a_constant_is_blocked(library: Library, tmp_path: Path) -> None:
    """Every other tag is never given, the rest always."""
    always = np.arange(len(TAGS)) % 2
    blocked = failed(judged(tmp_path, library, np.broadcast_to(always, library.labels["eval"].shape)))
    assert set(TAGS[::2]) <= blocked
    assert set(TAGS[1::2]) & blocked


def by_descriptors() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, class_weight="balanced"))


def by_words() -> Pipeline:
    words = CountVectorizer(analyzer="char_wb", ngram_range=(2, 4))
    return make_pipeline(words, LogisticRegression(max_iter=2000, class_weight="balanced"))


def test_logistic_regression_on_descriptors_is_blocked(library: Library, tmp_path: Path) -> None:
    scores = fitted(library.descriptors, library.labels, by_descriptors)
    assert len(failed(judged(tmp_path, library, calibrated(scores, library.labels)))) >= 3


def test_a_bag_of_words_on_lyrics_is_blocked(library: Library, tmp_path: Path) -> None:
    words = {split: [r.lyrics or "" for r in rows] for split, rows in library.recordings.items()}
    scores = fitted(words, library.labels, by_words)
    assert len(failed(judged(tmp_path, library, calibrated(scores, library.labels)))) >= 3


def test_every_gated_tag_has_the_recordings_and_artists_that_the_gate_asks_for(library: Library) -> None:
    gate = load_gate(SCHEMAS / "gate.yaml", TAGS, METRICS)
    for index, tag in enumerate(TAGS):
        own = [r for r, row in zip(library.recordings["eval"], library.labels["eval"], strict=True) if row[index]]
        assert len(own) >= gate.minimum.recordings, tag
        assert len({r.artist for r in own}) >= gate.minimum.artists, tag
