"""The built-in library asks for more than a cheap trick: the gate blocks every model that does not listen."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from audio.descriptors import describe
from catalog.builtin import build_builtin
from catalog.format import Recording, open_catalog
from catalog.vocabulary import load_vocabulary
from trainers.gate import Gate, load_gate
from trainers.tagging.evaluation import METRICS

pytestmark = pytest.mark.e2e
SCHEMAS = Path(__file__).resolve().parents[2] / "schemas" / "tagging" / "builtin"
VOCABULARY = load_vocabulary(SCHEMAS / "tags.yaml")


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


@pytest.fixture(scope="module")
def gate() -> Gate:
    return load_gate(SCHEMAS / "gate.yaml", VOCABULARY.tags, METRICS)


def numbers(path: Path) -> list[float]:
    """All descriptors as numbers, the key one-hot."""
    found = asdict(describe(path, tempo_and_key=True))
    key = found.pop("key") or ""
    notes = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
    tonic, _, mode = key.partition(" ")
    one_hot = [float(tonic == note) for note in notes] + [float(mode == "minor")]
    return [*(float(value or 0.0) for value in found.values()), *one_hot]


def failures(decisions: np.ndarray, labels: np.ndarray, gate: Gate) -> list[str]:
    """Gated tags whose precision or recall is below its floor, as the Evaluator would judge decisions of 0 and 1."""
    failed = []
    for index, tag in enumerate(VOCABULARY.tags):
        hits = float(np.sum(decisions[:, index] * labels[:, index]))
        figures = {
            "precision": hits / max(decisions[:, index].sum(), 1e-9),
            "recall": hits / max(labels[:, index].sum(), 1e-9),
        }
        floors = {metric: gate.limit("floors", tag, metric) for metric in METRICS}
        if any(floor is not None and figures[metric] < floor for metric, floor in floors.items()):
            failed.append(tag)
    return failed


def decide(scores: dict[str, np.ndarray], labels: dict[str, np.ndarray]) -> np.ndarray:
    """Decisions on eval with the threshold of each tag that is best (F1) on validation, as our own models have."""
    decisions = np.zeros_like(labels["eval"])
    for tag in range(labels["eval"].shape[1]):
        truth, seen = labels["validation"][:, tag], scores["validation"][:, tag]
        best = max(np.unique(seen), key=lambda threshold: f1_score(truth, seen >= threshold, zero_division=0))
        decisions[:, tag] = scores["eval"][:, tag] >= best
    return decisions


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


def test_a_constant_is_blocked(library: Library, gate: Gate) -> None:
    always = np.ones_like(library.labels["eval"])
    assert failures(always, library.labels["eval"], gate)
    assert failures(1 - always, library.labels["eval"], gate) == list(VOCABULARY.tags)


def by_descriptors() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, class_weight="balanced"))


def by_words() -> Pipeline:
    words = CountVectorizer(analyzer="char_wb", ngram_range=(2, 4))
    return make_pipeline(words, LogisticRegression(max_iter=2000, class_weight="balanced"))


def test_logistic_regression_on_descriptors_is_blocked(library: Library, gate: Gate) -> None:
    scores = fitted(library.descriptors, library.labels, by_descriptors)
    assert len(failures(decide(scores, library.labels), library.labels["eval"], gate)) >= 3


def test_a_bag_of_words_on_lyrics_is_blocked(library: Library, gate: Gate) -> None:
    words = {split: [r.lyrics or "" for r in rows] for split, rows in library.recordings.items()}
    scores = fitted(words, library.labels, by_words)
    assert len(failures(decide(scores, library.labels), library.labels["eval"], gate)) >= 3


def test_every_gated_tag_has_the_recordings_and_artists_that_the_gate_asks_for(library: Library, gate: Gate) -> None:
    for index, tag in enumerate(VOCABULARY.tags):
        own = [r for r, row in zip(library.recordings["eval"], library.labels["eval"], strict=True) if row[index]]
        assert len(own) >= gate.minimum.recordings, tag
        assert len({r.artist for r in own}) >= gate.minimum.artists, tag
