"""What the gate's figures are of the recordings, and what an undefined one counts as beside another."""

import json
import math
from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2

from trainers import gate_figures
from trainers.gate import Gate
from trainers.gate_figures import RECORDINGS, figure_of, is_undefined

LABELS = np.array([1, 1, 1, 0, 0, 0])
SCORES = np.array([0.9, 0.2, 0.6, 0.7, 0.5, 0.1], np.float32)
NOTHING = Gate.model_validate({"floors": {}, "drops": {}})
LESS = Gate.model_validate({"floors": {}, "drops": {}, "ceilings": {"leakage_db": -20.0, "recall": 0.9}})
BOTH = ("candidate", "baseline")


def figures(
    metric: str, labels: Sequence[float], *answers: Sequence[float], of: str = "candidate", gate: Gate = NOTHING
) -> dict[str, float]:
    """The figures of a model's column 0, recordings added in two halves; `answers` are of one model or of `BOTH`."""
    names = BOTH[: len(answers)]
    specs = [config_pb2.ModelSpec(name=name, label_key="labels", is_baseline=name == "baseline") for name in names]
    config = figure_of(gate, metric)
    kind = getattr(gate_figures, config.class_name)
    alone = len(names) == 1
    (computation,) = kind(**json.loads(config.config)).computations(
        eval_config=config_pb2.EvalConfig(model_specs=specs),
        model_names=["" if alone else of],
        sub_keys=[metric_types.SubKey(class_id=0)],
    )
    combiner, halves = computation.combiner, []
    for start in range(2):
        accumulator = combiner.create_accumulator()
        for number in range(start, len(labels), 2):
            by_model = {name: np.array([given[number], 0.5]) for name, given in zip(names, answers, strict=True)}
            predictions = by_model["candidate"] if alone else by_model
            extracts = {"labels": np.array([labels[number], 0]), "predictions": predictions}
            accumulator = combiner.add_input(accumulator, metric_types.StandardMetricInputs(extracts))
        halves.append(accumulator)
    merged = combiner.merge_accumulators([combiner.create_accumulator(), *halves])
    return {key.name: value for key, value in combiner.extract_output(merged).items()}


@pytest.mark.parametrize(("metric", "score"), [("precision", precision_score), ("recall", recall_score)])
def test_shares_are_those_of_scikit_learn(metric: str, score) -> None:
    assert figures(metric, LABELS, SCORES) == {metric: pytest.approx(score(LABELS, SCORES >= 0.5))}


def test_a_mean_is_over_the_recordings_that_have_the_score() -> None:
    sung = [3.5, math.nan, 4.1, 3.2, math.nan]
    expected = {"improvement": pytest.approx(3.6), "improvement" + RECORDINGS: 3}
    assert figures("improvement", [0] * 5, sung) == expected


def test_a_model_in_service_is_compared_on_the_recordings_that_the_candidate_has_the_score_of() -> None:
    """The older export calls what was turned down of a song without a voice an improvement."""
    candidate, service = [3.0, math.nan, 5.0], [4.0, 16.85, 5.0]
    assert figures("improvement", [0] * 3, candidate, service, of="baseline")["improvement"] == pytest.approx(4.5)
    assert figures("improvement", [0] * 3, candidate, service)["improvement"] == pytest.approx(4.0)
    assert figures("improvement", [0] * 3, service, candidate)["improvement" + RECORDINGS] == 3


@pytest.mark.parametrize("broken", [-math.inf, math.inf])
def test_one_answer_that_is_not_finite_is_in_the_mean_and_bad_whichever_way(broken: float) -> None:
    found = figures("improvement", [0] * 3, [3.0, broken, math.nan])
    assert found == {"improvement": -math.inf, "improvement" + RECORDINGS: 2}


@pytest.mark.parametrize(
    ("metric", "labels", "answers"),
    [
        pytest.param("precision", [1, 0], [0.2, 0.1], id="a tag that is never given"),
        pytest.param("recall", [0, 0], [0.9, 0.1], id="a tag that no recording has"),
        pytest.param("improvement", [0, 0], [math.nan, math.nan], id="a score that no recording has"),
    ],
)
def test_an_undefined_figure_is_worse_than_any_other_on_both_sides_of_a_comparison(
    metric: str, labels: list[float], answers: list[float]
) -> None:
    undefined = figures(metric, labels, answers)[metric]
    assert is_undefined(undefined)
    for defined in (-60.0, 0.0, 60.0):
        assert not is_undefined(defined)
        assert undefined - defined < -1e9
        assert defined - undefined > 1e9


def test_of_what_less_is_better_an_undefined_figure_is_infinitely_much() -> None:
    assert figures("leakage_db", [0], [math.nan], gate=LESS)["leakage_db"] == math.inf
    assert figures("recall", [0], [0.9], gate=LESS)["recall"] > 1e9


def test_two_models_that_never_give_a_tag_are_equal_and_two_means_of_nothing_are_not() -> None:
    never = figures("precision", [1, 0], [0.2, 0.1])["precision"]
    assert never - never == 0
    nothing = figures("improvement", [0], [math.nan])["improvement"]
    assert math.isnan(nothing - nothing)
