"""A gate on scores that the exported model answers: TFMA averages, slices and compares them."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import tensorflow as tf

from pipeline.evaluation import Evaluation
from pipeline.session import verdict_table
from tests.pipeline.analysis import analyse
from trainers.bootstrap_noise import Judged, bootstrap_noise
from trainers.gate import Gate
from trainers.score_gate import score_eval_config
from trainers.score_name import score_name

pytestmark = pytest.mark.e2e
TAGS = ("hiss", "hum")
METRICS = ("sdr", "delay_ms")
UNSUNG = 60.0
"""What the Examples give of a recording in which the score is not defined."""
GATE = {
    "floors": {"sdr": 5.0},
    "ceilings": {"delay_ms": 8.0},
    "drops": {"sdr": 1.0},
    "rises": {"delay_ms": 1.0},
    "outputs": {"hum": {"floors": {"sdr": 2.0}}},
}
SDR = {b"hiss": 10.0, b"hum": 4.0}


class Model(tf.Module):
    """Answers the score that stands in each Example, `undefined` in place of `UNSUNG`, and a constant."""

    def __init__(self, gain: float, delay: float, undefined: float = math.nan) -> None:
        super().__init__()
        self.gain, self.delay, self.undefined = tf.Variable(gain), tf.Variable(delay), tf.Variable(undefined)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        sdr = tf.io.parse_example(examples, {"sdr": tf.io.FixedLenFeature([], tf.float32)})["sdr"]
        scored = tf.where(sdr < UNSUNG, sdr + self.gain, self.undefined)
        return {score_name("all", "sdr"): scored, score_name("all", "delay_ms"): 0.0 * sdr + self.delay}


def write_examples(path: Path, scores: Mapping[bytes, Sequence[float]]) -> Path:
    """Examples of the `scores` of recordings by their tag; two in a row are of one artist."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for tag, each in scores.items():
            for number, score in enumerate(each):
                artist = b"%b-%d" % (tag, number // 2)
                features = {
                    "artist": tf.train.Feature(bytes_list=tf.train.BytesList(value=[artist])),
                    "tags": tf.train.Feature(bytes_list=tf.train.BytesList(value=[tag])),
                    "segment": tf.train.Feature(int64_list=tf.train.Int64List(value=[0])),
                    "sdr": tf.train.Feature(float_list=tf.train.FloatList(value=[score])),
                }
                writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "examples.tfrecord"
    return write_examples(path, {tag: [score + step for step in range(4)] for tag, score in SDR.items()})


def evaluate(
    folder: Path,
    data: Path,
    *,
    baseline: bool = True,
    gain: float = 0.0,
    delay: float = 5.0,
    undefined: tuple[float, float] = (math.nan, math.nan),
) -> Evaluation:
    """What is read of TFMA's evaluation of a model that is `gain` better than the one in service; `undefined` is what
    each of them answers where the score is not defined.
    """
    gate = Gate.model_validate(GATE if baseline else GATE | {"drops": {}, "rises": {}})
    config = score_eval_config(gate, ["all"], METRICS, tags=TAGS)
    if not baseline:
        del config.model_specs[1:]
    models = [Model(gain, delay, undefined[0]), Model(0.0, 5.0, undefined[1])]
    return analyse(folder, data, config, models[: len(config.model_specs)])


def test_a_row_for_the_whole_and_for_every_tag(tmp_path: Path, data: Path) -> None:
    found = evaluate(tmp_path, data)
    assert found.verdict.blessed
    assert found.verdict.recordings == 8
    assert list(found.verdict.figures) == ["all", "hiss", "hum"]
    assert {row: figures["sdr"].value for row, figures in found.verdict.figures.items()} == pytest.approx(
        {"all": 8.5, "hiss": 11.5, "hum": 5.5}
    )
    assert all(figures["sdr"].baseline == figures["sdr"].value for figures in found.verdict.figures.values())
    assert verdict_table("restoration", found.verdict, title="t").row_count == 3


def test_a_model_beyond_its_limits_is_blocked(tmp_path: Path, data: Path) -> None:
    found = evaluate(tmp_path, data, baseline=False, gain=-4.0, delay=9.0)
    assert not found.verdict.blessed
    assert found.verdict.failures() == [
        "all: sdr 4.500 is below its floor 5",
        "all: delay_ms 9.000 is above its ceiling 8",
        "hiss: delay_ms 9.000 is above its ceiling 8",
        "hum: sdr 1.500 is below its floor 2",
        "hum: delay_ms 9.000 is above its ceiling 8",
    ]


def test_a_model_that_is_worse_than_the_one_in_service_is_blocked(tmp_path: Path, data: Path) -> None:
    found = evaluate(tmp_path, data, gain=-1.5, delay=7.0)
    assert not found.verdict.blessed
    rows = (("all", "7.000", "8.500"), ("hiss", "10.000", "11.500"), ("hum", "4.000", "5.500"))
    assert found.verdict.failures() == [
        line
        for row, value, was in rows
        for line in (
            f"{row}: sdr {value} dropped by more than 1 from {was} in service",
            f"{row}: delay_ms 7.000 rose by more than 1 from 5.000 in service",
        )
    ]


def test_every_figure_has_its_noise_and_a_drop_within_it_is_named(tmp_path: Path, data: Path) -> None:
    verdict = evaluate(tmp_path, data).verdict
    scores = [Judged(f"{tag!r}-{step // 2}", 0.0, SDR[tag] + step) for tag in SDR for step in range(4)]
    expected = bootstrap_noise("mean", scores)
    assert expected > Gate.model_validate(GATE).drops["sdr"]
    assert verdict.figures["all"]["sdr"].noise == pytest.approx(expected)
    assert verdict.figures["hiss"]["sdr"].noise < expected
    assert verdict.figures["all"]["delay_ms"].noise == 0.0
    assert f"all sdr 1 < {expected:.2g}" in verdict.within_noise()
    assert not any("delay_ms" in line for line in verdict.within_noise())


@pytest.fixture(scope="module")
def partly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half of what hisses has no score, and nothing that hums has one."""
    path = tmp_path_factory.mktemp("partly") / "examples.tfrecord"
    return write_examples(path, {b"hiss": [9.0, UNSUNG, 11.0, UNSUNG], b"hum": [UNSUNG] * 3})


def test_a_mean_is_of_the_recordings_that_have_the_score_and_says_of_how_many(tmp_path: Path, partly: Path) -> None:
    found = evaluate(tmp_path, partly, baseline=False)
    figures = found.verdict.figures
    assert figures["all"]["sdr"].value == figures["hiss"]["sdr"].value == pytest.approx(10.0)
    assert [(row["sdr"].recordings, row["sdr"].of) for row in figures.values()] == [(2, 7), (2, 4), (0, 3)]
    assert not figures["all"]["delay_ms"].leaves_out
    assert figures["all"]["sdr"].noise == pytest.approx(1.0)
    cells = list(verdict_table("restoration", found.verdict, title="t").columns[1].cells)
    assert cells == ["10.000 ±1.00 of 2 >= 5", "10.000 ±1.00 of 2 >= 5", "undefined >= 2"]


def test_a_gated_score_that_no_recording_has_fails_with_its_cause(tmp_path: Path, partly: Path) -> None:
    failures = ["hum: sdr is undefined: it is defined in no eval recording"]
    assert evaluate(tmp_path / "alone", partly, baseline=False).verdict.failures() == failures
    assert evaluate(tmp_path / "compared", partly).verdict.failures() == failures


def test_a_model_in_service_with_scores_of_another_meaning_is_compared_where_both_have_one(
    tmp_path: Path, partly: Path
) -> None:
    figure = evaluate(tmp_path, partly, gain=-0.5, undefined=(math.nan, 60.0)).verdict.figures["all"]["sdr"]
    assert (figure.value, figure.baseline, figure.passed) == (pytest.approx(9.5), pytest.approx(10.0), True)


def test_a_model_that_answers_what_is_not_finite_is_blocked(tmp_path: Path, partly: Path) -> None:
    found = evaluate(tmp_path, partly, undefined=(-math.inf, math.nan))
    assert "all: sdr is undefined: the model answers numbers that are not finite" in found.verdict.failures()
