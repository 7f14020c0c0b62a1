from pathlib import Path

import pytest
from tensorflow_model_analysis.proto import config_pb2

from trainers.gate import Gate, GateError, load_gate
from trainers.thresholds import threshold

OUTPUTS = ("rock", "jazz")
METRICS = ("precision", "recall")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "gate.yaml"
    path.write_text(text)
    return path


def test_an_override_wins_and_the_rest_is_the_default(tmp_path: Path) -> None:
    text = "floors: {precision: 0.7, recall: 0.6}\ndrops: {precision: 0.1}\noutputs: {rock: {floors: {recall: 0.4}}}"
    gate = load_gate(write(tmp_path, text), OUTPUTS, METRICS)
    floors = [gate.limit("floors", *asked) for asked in (("rock", "precision"), ("rock", "recall"), ("jazz", "recall"))]
    assert floors == [0.7, 0.4, 0.6]
    assert [gate.limit("drops", "rock", metric) for metric in METRICS] == [0.1, None]


def test_a_reported_output_blocks_nothing() -> None:
    gate = Gate.model_validate(
        {"floors": {"recall": 0.6}, "drops": {}, "outputs": {"rock": {"reported": "one artist"}}}
    )
    assert not gate.gated("rock")
    assert gate.limit("floors", "rock", "recall") is None


def test_a_metric_of_which_less_is_better_has_a_ceiling_and_a_rise(tmp_path: Path) -> None:
    text = "floors: {}\ndrops: {}\nceilings: {recall: 0.9}\nrises: {recall: 0.1}"
    asked = threshold(load_gate(write(tmp_path, text), OUTPUTS, METRICS), "rock", "recall")
    assert asked is not None
    assert asked.value_threshold.upper_bound.value == 0.9
    assert asked.change_threshold.direction == config_pb2.MetricDirection.LOWER_IS_BETTER
    assert asked.change_threshold.absolute.value == 0.1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("drops: {recall: 0.2}\nrises: {recall: 0.1}", "drops.recall=0.2 and rises.recall=0.1"),
        (
            "drops: {recall: 0.2}\noutputs: {rock: {rises: {recall: 0.1}}}",
            "drops.recall=0.2 and outputs.rock.rises.recall",
        ),
        (
            "drops: {}\nrises: {recall: 0.1}\noutputs: {jazz: {floors: {recall: 0.5}}}",
            "outputs.jazz.floors.recall=0.5 and",
        ),
    ],
)
def test_a_metric_cannot_be_better_both_ways(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(GateError) as caught:
        load_gate(write(tmp_path, f"floors: {{}}\n{text}"), OUTPUTS, METRICS)
    assert str(caught.value).startswith(f"{tmp_path / 'gate.yaml'}: {words}")
    assert str(caught.value).endswith(": more of recall is better, or less is")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("floors: {precision: high}\ndrops: {}", "floors.precision='high'"),
        ("floors: {}\ndrops: {}\nflors: 1", "flors=1"),
        ("floors: {f1: 0.5}\ndrops: {}", "floors.f1 is not one of precision, recall"),
        ("floors: {}\ndrops: {}\noutputs: {rock: {rises: {f1: 1}}}", "outputs.rock.rises.f1 is not one of precision"),
        ("floors: {}\ndrops: {}\noutputs: {rick: {reported: x}}", "outputs.rick is not one of rock, jazz"),
        ("floors: {}\ndrops: {recall: -0.1}", "drops.recall=-0.1"),
        ("floors: {recall: .nan}\ndrops: {}", "floors.recall=nan"),
        ("floors: {}\ndrops: {}\noutputs: {rock: {ceilings: {recall: .inf}}}", "outputs.rock.ceilings.recall=inf"),
        ("floors: {}\ndrops: {}\nminimum: {recordings: 0}", "minimum.recordings=0"),
        (
            "floors: {recall: 1}\ndrops: {}\noutputs: {rock: {reported: x}, jazz: {reported: x}}",
            "asks nothing of rock, jazz",
        ),
        ("floors: [", "not YAML"),
        ("", "the file=None"),
    ],
)
def test_a_wrong_gate_is_one_line_with_file_field_and_value(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(GateError) as caught:
        load_gate(write(tmp_path, text), OUTPUTS, METRICS)
    assert words in str(caught.value)
    assert "gate.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_gate_that_is_not_utf_8_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_bytes("floors: {}  # für alle".encode("latin-1"))
    with pytest.raises(GateError, match="not YAML"):
        load_gate(tmp_path / "gate.yaml", OUTPUTS, METRICS)


def test_a_missing_gate_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(GateError, match="write one"):
        load_gate(tmp_path / "gate.yaml", OUTPUTS, METRICS)
