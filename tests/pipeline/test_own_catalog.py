"""A run learns from a catalog of its own library, and a person is told in one line where it is another's."""

from pathlib import Path

import pytest

from catalog.errors import CatalogError
from catalog.format import Catalog, Recording
from pipeline.own_catalog import open_own_catalog
from pipeline.settings import Settings, load_settings


def settings(home: Path, library: str, header: str) -> Settings:
    """Settings of a run for `library`, with a catalog whose header says `header`."""
    path = Catalog.write(home / "songs.csv", header, [Recording(id="one", path="one.wav")]).path
    return load_settings({"home": home, "library": library, "catalog": path})


def test_a_catalog_of_the_library_is_taken(tmp_path: Path) -> None:
    assert open_own_catalog(settings(tmp_path, "mine", "mine")).library == "mine"


def test_a_catalog_of_another_library_is_one_line_that_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(CatalogError) as error:
        open_own_catalog(settings(tmp_path, "builtin", "mine"))
    assert str(error.value) == (
        f"{tmp_path / 'songs.csv'}: is a catalog of the library mine, and the run is for builtin: "
        "say --library mine, or name a catalog of builtin"
    )


def test_a_catalog_that_is_not_there_yet_is_one_line_that_says_how_to_make_it(tmp_path: Path) -> None:
    def said(task: str, library: str) -> str:
        with pytest.raises(CatalogError) as error:
            open_own_catalog(load_settings({"home": tmp_path, "task": task, "library": library}))
        return str(error.value)

    folder = tmp_path / "catalogs" / "builtin"
    assert said("tagging", "builtin") == (
        f"{folder / 'catalog.csv'}: there is no such catalog file; make it with: "
        f"./dacapo catalog build builtin --home {tmp_path}"
    )
    assert said("tagging", "mine").endswith("there is no such catalog file")
    assert "./dacapo catalog build builtin" in said("defects", "builtin")
    Catalog.write(folder / "catalog.csv", "builtin", [Recording(id="one", path="one.wav")])
    assert "./dacapo catalog damage builtin" in said("defects", "builtin")
    assert "./dacapo catalog noise builtin" in said("restoration", "builtin")


def test_neither_a_run_nor_a_step_of_one_begins_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from pipeline import run_command, run_node

    monkeypatch.setattr("pipeline.launch.DagRunner.run_with_ir", lambda *_: pytest.fail("it began"))
    monkeypatch.setattr("pipeline.launch.launch_node", lambda *_: pytest.fail("it began"))
    given = settings(tmp_path, "builtin", "mine")
    with pytest.raises(CatalogError, match="is a catalog of the library mine, and the run is for builtin"):
        run_command.run(given, verbose=False)
    step = ["--settings", given.model_dump_json(exclude_none=True), "--run-id", "one", "--node", "AudioExampleGen"]
    assert run_node.main(step) == 2
    (line,) = [line for line in capfd.readouterr().out.splitlines() if line.startswith("dacapo: ")]
    assert "is a catalog of the library mine, and the run is for builtin" in line
