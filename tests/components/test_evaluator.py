"""A baseline of another vocabulary: in the candidate's order, compared on the tags that both know."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator import DESCRIPTION, PROBABILITIES, adapt_baseline, without_change_thresholds

ANSWERS = {"tone": 0.1, "noise": 0.2, "hum": 0.3}


class Model(tf.Module):
    """Answers for each of its tags, in its order, what stands in `ANSWERS`."""

    def __init__(self, tags: tuple[str, ...]) -> None:
        super().__init__()
        self.answer = tf.Variable([[ANSWERS[tag] for tag in tags]])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return {PROBABILITIES: tf.repeat(self.answer, tf.size(examples), axis=0)}


def export(folder: Path, *tags: str) -> Path:
    model = Model(tags)
    tf.saved_model.save(model, str(folder), signatures={"evaluate": model.evaluate})
    (folder / DESCRIPTION).parent.mkdir(exist_ok=True)
    (folder / DESCRIPTION).write_text(json.dumps({"vocabulary": tags}))
    return folder


def config() -> config_pb2.EvalConfig:
    """A floor and a drop for each of three columns."""
    made = config_pb2.EvalConfig()
    for column in range(3):
        spec = made.metrics_specs.add()
        spec.binarize.class_ids.values.append(column)
        threshold = spec.metrics.add(class_name="Recall").per_slice_thresholds.add().threshold
        threshold.value_threshold.lower_bound.value = 0.6
        threshold.change_threshold.absolute.value = -0.1
    return made


@pytest.mark.parametrize(
    ("candidate", "baseline", "unknown"),
    [
        pytest.param(("tone", "noise", "hum"), ("tone", "noise"), (2,), id="added"),
        pytest.param(("hum", "tone", "noise"), ("tone", "noise"), (0,), id="added first"),
        pytest.param(("tone", "hum"), ("tone", "noise", "hum"), (), id="removed"),
        pytest.param(("noise", "tone"), ("tone", "noise"), (), id="moved"),
        pytest.param(("noise", "hum"), ("tone", "noise"), (1,), id="renamed"),
    ],
)
def test_a_baseline_answers_the_candidate_s_tags_in_its_order(
    tmp_path: Path, candidate: tuple[str, ...], baseline: tuple[str, ...], unknown: tuple[int, ...]
) -> None:
    here, there = export(tmp_path / "candidate", *candidate), export(tmp_path / "baseline", *baseline)
    adapted, columns = adapt_baseline(here, there, tmp_path / "adapted")
    assert columns == unknown
    answer = tf.saved_model.load(str(adapted)).signatures["evaluate"](examples=tf.constant(["", ""]))
    expected = [0.0 if column in unknown else ANSWERS[tag] for column, tag in enumerate(candidate)]
    np.testing.assert_allclose(answer[PROBABILITIES], [expected, expected], rtol=1e-6)


def test_a_baseline_of_the_same_vocabulary_is_left_alone(tmp_path: Path) -> None:
    here, there = export(tmp_path / "candidate", "tone", "hum"), export(tmp_path / "baseline", "tone", "hum")
    assert adapt_baseline(here, there, tmp_path / "adapted") == (there, ())
    assert not (tmp_path / "adapted").exists()


def test_an_unknown_tag_keeps_its_floor_and_is_compared_with_nothing() -> None:
    given = config()
    changed = without_change_thresholds(given, (2,))
    thresholds = [spec.metrics[0].per_slice_thresholds[0].threshold for spec in changed.metrics_specs]
    assert [threshold.HasField("change_threshold") for threshold in thresholds] == [True, True, False]
    assert all(threshold.value_threshold.lower_bound.value == 0.6 for threshold in thresholds)
    assert given == config()


def test_a_removed_tag_takes_no_threshold_away() -> None:
    assert without_change_thresholds(config(), ()) == config()
