"""A library without its files under schemas/ is told in one line what to make."""

import shutil
from pathlib import Path

import pytest

from catalog.errors import CatalogError
from pipeline.graph import create_pipeline
from pipeline.schema import SchemaError
from pipeline.settings import PROJECT, load_settings


@pytest.mark.parametrize(
    ("there", "lacking"), [((), "tags.yaml, gate.yaml, schema.pbtxt"), (("tags.yaml",), "gate.yaml, schema.pbtxt")]
)
def test_the_folder_and_what_it_lacks_are_named_with_an_example_to_copy(
    tmp_path: Path, there: tuple[str, ...], lacking: str
) -> None:
    for name in there:
        (tmp_path / name).touch()
    with pytest.raises(SchemaError) as caught:
        create_pipeline(load_settings({"library": "magnatagatune", "home": tmp_path, "schemas": tmp_path}))
    line = str(caught.value)
    assert line.startswith(f"{tmp_path}: lacks {lacking}; begin with a copy of schemas/tagging/debian")
    assert (PROJECT / "schemas" / "tagging" / "debian").is_dir()
    assert "\n" not in line


def test_the_default_folder_of_a_library_is_named_in_full() -> None:
    with pytest.raises(SchemaError, match=f"^{PROJECT}/schemas/tagging/magnatagatune: lacks"):
        create_pipeline(load_settings({"library": "magnatagatune"}))


@pytest.mark.parametrize("task", ["tagging", "defects"])
@pytest.mark.parametrize("text", ["tags: []", ""])
def test_a_task_that_learns_tags_wants_one(tmp_path: Path, task: str, text: str) -> None:
    shutil.copytree(PROJECT / "schemas" / task / "builtin", tmp_path / "schemas")
    (tmp_path / "schemas" / "tags.yaml").write_text(text)
    with pytest.raises(CatalogError) as caught:
        create_pipeline(load_settings({"task": task, "home": tmp_path, "schemas": tmp_path / "schemas"}))
    assert str(caught.value) == f"{tmp_path}/schemas/tags.yaml: tags=[]: {task} learns tags, name at least one"
