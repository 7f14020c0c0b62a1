from pathlib import Path

import pytest
import yaml

from pipeline.placement import PLACEMENT, Placement, PlacementError, load_placement


def placement(**changes: object) -> dict:
    return yaml.safe_load(PLACEMENT.read_text()) | changes


def loaded(tmp_path: Path, document: object) -> Placement:
    path = tmp_path / "placement.yaml"
    path.write_text(yaml.safe_dump(document))
    return load_placement(path)


def test_the_project_s_placement_is_valid_and_an_image_wins_over_its_one() -> None:
    found = load_placement(image="example.org/dacapo@sha256:00", gpu_image="example.org/dacapo@sha256:01")
    assert (found.image, found.gpu_image) == ("example.org/dacapo@sha256:00", "example.org/dacapo@sha256:01")


def test_a_task_s_fields_override_those_of_the_step_and_leave_the_others(tmp_path: Path) -> None:
    base = placement(tasks={"separation": {"Trainer": {"pool": "gpu-a100", "resources": {"cpu": 9}}}})
    found = loaded(tmp_path, base)
    step, other = found.step("separation", "Trainer"), found.step("tagging", "Trainer")
    assert (step.pool, step.resources.cpu, step.timeout) == ("gpu-a100", "9", other.timeout)
    assert step.resources.memory == other.resources.memory
    assert (other.pool, other.resources.cpu) == ("gpu-l4", "4")


def test_a_train_job_carries_what_the_pool_and_the_step_say(tmp_path: Path) -> None:
    trainer = placement()["steps"]["Trainer"] | {"env": {"NCCL_DEBUG": "INFO"}}
    trainer["resources"] = trainer["resources"] | {"cpu_limit": 8}
    changes = {"steps": {"Trainer": trainer}, "image_pull_secrets": ["registry"], "user": 7}
    found = loaded(tmp_path, placement(gpu_image="dacapo:cuda", **changes))
    request = found.train_job(found.step("tagging", "Trainer"))
    assert request is not None
    assert request.image == "dacapo:cuda"
    assert request.resources == {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "1"}
    assert request.node_selector == {"dacapo.music/pool": "gpu-l4"}
    assert request.tolerations == ({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},)
    assert request.deadline_s == 48 * 3600
    assert (request.cpu_limit, request.shared_memory, request.env) == ("8", "2Gi", {"NCCL_DEBUG": "INFO"})
    assert (request.image_pull_secrets, request.user, request.group) == (("registry",), 7, 10001)
    assert [(volume.claim, volume.mount) for volume in request.volumes] == [("dacapo", "/dacapo")]
    assert found.train_job(found.step("tagging", "Transform")) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": "red"}, "colour is not a field"),
        ({"image": ""}, "image: '' is no reference of an image"),
        ({"steps": {"Trainr": {}}}, "steps.Trainr is not one of AudioExampleGen"),
        ({"tasks": {"chess": {}}}, "tasks.chess is not one of tagging"),
        ({"steps": {"Transform": {"pool": "huge"}}}, "steps.Transform.pool='huge' is not one of the pools"),
        ({"steps": {"Transform": {"pool": "gpu-l4"}}}, "steps.Transform.pool='gpu-l4' has GPUs"),
        ({"steps": {"Trainer": {"accelerators": {"count": 1}}}}, "the pool cpu has gpu: false"),
        ({"steps": {"Trainer": {"accelerators": {"type": "a100"}}}}, "steps.Trainer.accelerators.type='a100'"),
        ({"steps": {"Trainer": {"nodes": 2}}}, "nodes=2 needs runs_in: train_job"),
        ({"steps": {"Transform": {"runs_in": "train_job"}}}, "steps.Transform.runs_in=train_job: only the Trainer"),
        ({"steps": {"Transform": {"timeout": "6 hours"}}}, "steps.Transform.timeout='6 hours'"),
        ({"steps": {"Trainer": {"timeout": "00s"}}}, "steps.Trainer.timeout='00s'"),
        ({"steps": {"Transform": {"resources": {"memory": "lots"}}}}, "steps.Transform.resources.memory='lots'"),
        ({"tasks": {"tagging": {"Trainer": {"pol": "cpu"}}}}, "tasks.tagging.Trainer.pol is not a field"),
        ({"volumes": [{"claim": "dacapo", "mount": "data"}]}, "volumes.0.mount='data'"),
        ({"image_pull_policy": "Sometimes"}, "image_pull_policy='Sometimes'"),
        ({"image_pull_policy": "Always"}, "image_pull_policy='Always': steps.Trainer.runs_in=train_job"),
    ],
)
def test_a_wrong_placement_is_one_line_with_file_field_and_value(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(PlacementError) as caught:
        loaded(tmp_path, placement(**changes))
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'placement.yaml'}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("image", ["", "a b", "dacapo:", "Dacapo", "registry/", "dacapo@sha256", "dacapo:cpu\n"])
def test_what_is_no_image_is_one_line_with_the_option_in_place_of_the_file(image: str) -> None:
    for option in ("image", "gpu_image"):
        with pytest.raises(PlacementError) as caught:
            load_placement(**{option: image})
        line = f"{option}: {image!r} is no reference of an image, such as registry.example.org/dacapo:cpu"
        assert str(caught.value) == line


@pytest.mark.parametrize(
    "image", ["dacapo", "dacapo:cpu", "localhost:5000/dacapo", "ghcr.io/a/b_c/d-e:v1.0@sha256:0f", "Registry.io/x:Y"]
)
def test_references_of_images_are_taken(image: str) -> None:
    assert load_placement(image=image).image == image


@pytest.mark.parametrize(
    ("text", "words"),
    [("[1, 2]", "not a mapping"), ("a: [", "is not YAML"), ("a: 2026-02-30", "is not YAML: day is out")],
)
def test_a_file_that_is_no_placement_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "placement.yaml"
    path.write_text(text)
    with pytest.raises(PlacementError, match=words):
        load_placement(path)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(PlacementError, match=r"none\.yaml: cannot be read: No such file"):
        load_placement(tmp_path / "none.yaml")
