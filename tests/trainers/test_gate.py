from pathlib import Path

import pytest

from trainers.gate import Gate, GateError, load_gate

OUTPUTS = ("rock", "jazz")
METRICS = ("precision", "recall")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "gate.yaml"
    path.write_text(text)
    return path


def test_an_override_wins_and_the_rest_is_the_default(tmp_path: Path) -> None:
    text = "floors: {precision: 0.7, recall: 0.6}\ndrops: {precision: 0.1}\noutputs: {rock: {floors: {recall: 0.4}}}"
    gate = load_gate(write(tmp_path, text), OUTPUTS, METRICS)
    assert (gate.floor("rock", "precision"), gate.floor("rock", "recall"), gate.floor("jazz", "recall")) == (
        0.7,
        0.4,
        0.6,
    )
    assert (gate.drop("rock", "precision"), gate.drop("rock", "recall")) == (0.1, None)


def test_a_reported_output_blocks_nothing() -> None:
    gate = Gate.model_validate(
        {"floors": {"recall": 0.6}, "drops": {}, "outputs": {"rock": {"reported": "one artist"}}}
    )
    assert not gate.gated("rock")
    assert gate.floor("rock", "recall") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("floors: {precision: high}\ndrops: {}", "floors.precision='high'"),
        ("floors: {}\ndrops: {}\nflors: 1", "flors=1"),
        ("floors: {f1: 0.5}\ndrops: {}", "floors.f1 is not one of precision, recall"),
        ("floors: {}\ndrops: {}\noutputs: {rick: {reported: x}}", "outputs.rick is not one of rock, jazz"),
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


def test_a_missing_gate_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(GateError, match="write one"):
        load_gate(tmp_path / "gate.yaml", OUTPUTS, METRICS)
