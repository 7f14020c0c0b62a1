"""A gate on decisions: what is undefined, in the model or in the one in service, is judged and told alike."""

from pathlib import Path

import pytest
import tensorflow as tf

from pipeline.evaluation import Evaluation
from pipeline.session import verdict_table
from tests.pipeline.analysis import analyse
from trainers.decision_gate import decision_eval_config
from trainers.gate import Gate

pytestmark = pytest.mark.e2e
TAGS = ("rock", "jazz")
LABELS = ((1, 0), (1, 0), (0, 1), (0, 1), (1, 1), (0, 0))
GOOD = ((0.9, 0.1), (0.8, 0.2), (0.2, 0.9), (0.1, 0.8), (0.9, 0.9), (0.1, 0.1))
NEVER_JAZZ = tuple((rock, 0.1 * jazz) for rock, jazz in GOOD)
FLOORS = {"floors": {"precision": 0.5, "recall": 0.5}, "drops": {"precision": 0.1, "recall": 0.1}}
DROPS = FLOORS | {"floors": {}}


class Model(tf.Module):
    """Answers the probabilities of each Example by its number."""

    def __init__(self, answers: tuple[tuple[float, ...], ...]) -> None:
        super().__init__()
        self.answers = tf.Variable(answers)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        number = tf.io.parse_example(examples, {"number": tf.io.FixedLenFeature([], tf.int64)})["number"]
        return {"probabilities": tf.gather(self.answers, number)}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "examples.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number, labels in enumerate(LABELS):
            features = {
                "id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"recording-%d" % number])),
                "number": tf.train.Feature(int64_list=tf.train.Int64List(value=[number])),
                "labels": tf.train.Feature(int64_list=tf.train.Int64List(value=labels)),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return path


def evaluate(
    folder: Path,
    data: Path,
    gate: dict,
    candidate: tuple[tuple[float, ...], ...],
    in_service: tuple[tuple[float, ...], ...],
) -> Evaluation:
    """What is read of TFMA's evaluation of a model beside the one in service."""
    config = decision_eval_config(Gate.model_validate(gate), TAGS)
    return analyse(folder, data, config, [Model(answers) for answers in (candidate, in_service)], {"vocabulary": TAGS})


def test_a_tag_that_the_model_in_service_never_gives_blocks_no_model_that_gives_it(tmp_path: Path, data: Path) -> None:
    found = evaluate(tmp_path, data, FLOORS, GOOD, NEVER_JAZZ)
    assert found.verdict.blessed
    precision = found.verdict.figures["jazz"]["precision"]
    assert (precision.value, precision.undefined_in_service) == (1.0, True)
    rows = list(verdict_table("tagging", found.verdict, title="t").columns[1].cells)
    assert rows == ["1.000 ±0.00 (+0.000) >= 0.5", "1.000 ±0.00 (undefined in service) >= 0.5"]


def test_the_floor_of_a_tag_that_is_undefined_in_service_still_blocks(tmp_path: Path, data: Path) -> None:
    wrong_jazz = tuple((rock, 1 - jazz) for rock, jazz in GOOD)
    found = evaluate(tmp_path, data, FLOORS, wrong_jazz, NEVER_JAZZ)
    assert found.verdict.failures() == [
        "jazz: precision 0.000 is below its floor 0.5",
        "jazz: recall 0.000 is below its floor 0.5",
    ]


@pytest.mark.parametrize("in_service", [GOOD, NEVER_JAZZ], ids=["service gives it", "service never does"])
def test_a_floor_blocks_a_model_that_never_gives_its_tag(tmp_path: Path, data: Path, in_service: tuple) -> None:
    found = evaluate(tmp_path, data, FLOORS, NEVER_JAZZ, in_service)
    assert found.verdict.failures()[0] == "jazz: precision is undefined: the model never gives this output"
    assert list(verdict_table("tagging", found.verdict, title="t").columns[1].cells)[1] == "undefined >= 0.5"


def test_a_drop_blocks_a_model_that_never_gives_a_tag_which_the_one_in_service_gives(
    tmp_path: Path, data: Path
) -> None:
    seldom_right = tuple((rock, 0.9 * (number == 0) or 0.6 * (number == 2)) for number, (rock, _) in enumerate(GOOD))
    found = evaluate(tmp_path, data, DROPS | {"drops": {"precision": 0.9}}, NEVER_JAZZ, seldom_right)
    assert found.verdict.figures["jazz"]["precision"].baseline == 0.5
    assert found.verdict.failures() == ["jazz: precision is undefined: the model never gives this output"]


def test_a_drop_alone_blocks_no_model_for_what_the_one_in_service_does_not_give_either(
    tmp_path: Path, data: Path
) -> None:
    assert evaluate(tmp_path, data, DROPS, NEVER_JAZZ, NEVER_JAZZ).verdict.blessed
