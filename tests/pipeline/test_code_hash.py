import pytest

from pipeline.code_hash import closure, code_hash
from pipeline.settings import TASKS

TRAINER = ("trainers.run", "trainers.tagging.features", "trainers.tagging.model", "trainers.tagging.signatures")


def test_the_loop_belongs_to_the_trainer_and_to_no_earlier_step() -> None:
    assert "trainers.loop" in closure(*TRAINER)
    assert "trainers.loop" not in closure("trainers.tagging.features")
    assert "trainers.loop" not in closure("components.audio_example_gen")
    assert "trainers.loop" not in closure("components.evaluator")


@pytest.mark.parametrize("task", TASKS)
def test_the_gate_is_no_part_of_what_trains(task: str) -> None:
    package = f"trainers.{task}"
    learns = set(closure("trainers.run", *(f"{package}.{part}" for part in ("features", "model", "signatures"))))
    assert {"trainers.loop", f"{package}.network"} <= learns
    assert not {"trainers.gate", "trainers.bootstrap_noise", f"{package}.evaluation"} & learns


def test_decoding_belongs_to_example_gen_and_not_to_the_evaluator() -> None:
    assert "audio.files" in closure("components.audio_example_gen")
    assert "audio.files" not in closure("components.evaluator")


def test_a_hash_is_stable_and_tells_steps_apart() -> None:
    assert code_hash("components.evaluator") == code_hash("components.evaluator")
    assert code_hash("components.evaluator") != code_hash("components.data_gate")


def test_an_unknown_module_is_refused() -> None:
    with pytest.raises(ValueError, match=r"trainers\.nowhere is no module"):
        closure("trainers.nowhere")
