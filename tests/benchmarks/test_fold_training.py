"""Trainings of folds on the tiny library, as if a run had left it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.fold_rows import all_rows, transformed
from benchmarks.fold_training import FoldTraining
from benchmarks.folds import Fold
from benchmarks.past_runs import PastRun
from benchmarks.report import BenchmarkError
from tests.trainers.tiny_library import RATE, TAGS, Library, make_library, make_recording, raw_example
from trainers.rows import Rows, shards

pytestmark = pytest.mark.e2e
EVAL = [make_recording(100 + number, np.random.default_rng(number), 2.5) for number in range(6)]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    made = make_library(tmp_path_factory.mktemp("library"))
    for split in ("train", "validation"):
        (made.folder / f"Split-{split}").symlink_to(made.folder / split)
    return made


def past_run(library: Library, home: Path, **changes: Any) -> PastRun:
    run: Any = SimpleNamespace(run_id="tiny", pipeline="tagging-tiny-quick")
    artifacts = {
        "AudioExampleGen.examples": str(library.folder),
        "Transform.transform_graph": str(library.folder / "graph"),
        "Transform.transformed_examples": str(library.folder),
    }
    settings = {"checkpoint_root": str(home), "warm_start": "musicnn", "musicnn": ["MSD_musicnn"]} | changes
    return PastRun(run, artifacts, library.custom_config(**settings), {})


def test_the_graph_of_transform_is_run_as_transform_ran_it(library: Library) -> None:
    made = library.recordings["validation"]
    again = transformed((raw_example(each, samples=RATE) for each in made), str(library.folder / "graph"))
    found = {example.features.feature["id"].bytes_list.value[0]: example for example in map(_parse, again)}
    for record in tf.data.TFRecordDataset(shards([f"{library.folder}/validation/*"]), "GZIP"):
        example = _parse(record.numpy())
        assert found[example.features.feature["id"].bytes_list.value[0]] == example


def _parse(serialized: bytes) -> Any:
    return tf.train.Example.FromString(serialized)


def test_a_fold_is_trained_without_the_recordings_it_judges_and_answers_in_their_order(
    library: Library, tmp_path: Path
) -> None:
    past = past_run(library, tmp_path)
    made = [*library.recordings["train"], *library.recordings["validation"], *EVAL]
    ids = [each.id for each in made]
    training = FoldTraining(past, ids, tmp_path / "folds", {})
    rows = all_rows(past, [raw_example(each) for each in EVAL], tmp_path, training.learner())
    everything = Rows(rows)
    assert set(everything.ids) == set(ids)
    assert np.count_nonzero(everything.ids == EVAL[0].id) == 3, "2.5 s are three segments of 1 s"
    judged = np.array([61, 3, 0])
    fold = Fold(np.arange(10, 40), np.arange(40, 56), judged)
    answers = training.answers(fold, rows)
    assert answers.shape == (3, len(TAGS))
    np.testing.assert_array_equal(training.answers(fold, rows), answers)
    for number, recording in enumerate(judged):
        alone = training.answers(Fold(fold.train, fold.validation, np.array([recording])), rows)
        np.testing.assert_allclose(alone[0], answers[number], atol=1e-5)
    repeated = training.answers(fold, rows, 1)
    assert not np.array_equal(repeated, answers), "another seed"
    np.testing.assert_array_equal(training.answers(fold, rows, 1), repeated)
    assert training.separate_answers(fold, rows).shape == (3, len(TAGS))


def test_folds_of_a_model_whose_trunk_listens_are_refused(library: Library, tmp_path: Path) -> None:
    for changes in ({"warm_start": "none"}, {"beside_musicnn": True}):
        with pytest.raises(BenchmarkError, match=r"'\./dacapo run tagging .*--warm-start musicnn' makes one"):
            FoldTraining(past_run(library, tmp_path, **changes), ["one"], tmp_path, {})
