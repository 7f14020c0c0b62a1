"""``dacapo scan`` as a person types it, with tiny models."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from catalog.format import Catalog
from pipeline.main import app
from tests.serving.tiny_models import Shelf, save_model, tone


def dacapo(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    shelf = Shelf(tmp_path / "shelf")
    shelf.add("one", tone(1))
    shelf.add("two", tone(1)).unlink()
    return shelf.write()


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("tagger") / "model", "tagging")


@pytest.fixture
def home(tmp_path: Path, tagger: Path) -> Path:
    """A home that serves two versions of a tagger, while a third is being pushed."""
    for version in ("9", "10"):
        shutil.copytree(tagger, tmp_path / "home" / "serving" / "tagging-builtin-quick" / version)
    (tmp_path / "home" / "serving" / "tagging-builtin-quick" / ".staging-11").mkdir()
    return tmp_path / "home"


def test_the_newest_served_model_answers_and_bad_recordings_are_lines(
    home: Path, catalog: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    done = dacapo("scan", "tagging", "--catalog", catalog, "--home", home)
    printed = capfd.readouterr().out.splitlines()
    output = home / "scans" / "tagging-builtin-quick" / "10"
    assert done.exit_code == 0, done.output
    assert printed[0] == f"tagging-builtin-quick (synthetic): version 10, {catalog}"
    assert printed[1].strip() == 'catalog.csv: row 2, column path: "1.wav" does not exist'
    assert printed[3].startswith("1 answered, 1 set aside")
    assert printed[4:] == [str(output / "answers.jsonl"), str(output / "set-aside.jsonl")]
    assert json.loads((output / "answers.jsonl").read_text())["model"] == "10"


def test_where_no_recording_can_be_answered_the_exit_code_is_2(home: Path, catalog: Path) -> None:
    (catalog.parent / "0.wav").unlink()
    assert dacapo("scan", "tagging", "--catalog", catalog, "--home", home).exit_code == 2


def test_without_a_served_model_there_is_one_line_that_says_how_to_make_one(tmp_path: Path, catalog: Path) -> None:
    done = dacapo("scan", "separation", "--library", "mine", "--catalog", catalog, "--home", tmp_path)
    (line,) = done.stderr.splitlines()
    assert done.exit_code == 2
    assert line.startswith(f"dacapo: {tmp_path}/serving/separation-mine-quick: no model is in service; make one with: ")
    assert "--catalog" not in line  # it is of the library tiny
    assert "./dacapo run separation --library mine --profile quick" in line
    line = dacapo("scan", "separation", "--library", "tiny", "--catalog", catalog, "--home", tmp_path).stderr
    assert f"--library tiny --profile quick --catalog {catalog}" in line


def test_a_model_of_another_profile_is_named(home: Path, catalog: Path) -> None:
    (line,) = dacapo("scan", "tagging", "--profile", "full", "--catalog", catalog, "--home", home).stderr.splitlines()
    assert "no model is in service, of profile quick one is: add --profile quick; make one with: " in line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["defects", "--model", "{home}/serving/tagging-builtin-quick/9"],
            "is a model of the task tagging, not of defects",
        ),
        (["tagging", "--model", "{home}/gone"], "holds no saved_model.pb, so it is no exported model"),
        (["tagging", "--catalog", "{home}/gone.csv"], "there is no such catalog file"),
        (["tagging", "--output", "gs://bucket/answers"], "--output gs:/bucket/answers: is a URL"),
        (["tagging", "--output", "~nobody-here/x"], "--output ~nobody-here/x: begins with a user whom"),
        (["tagging", "--model", "~nobody-here/x"], "--model ~nobody-here/x: begins with a user whom"),
        (["tagging", "--set", "beam.runner=dask"], "beam.runner='dask'"),
        (["tagging", "--set", "beam.runner=dataflow"], "beam.runner=dataflow needs the options beam.dataflow"),
        (["tagging", "--set", "train.steps=5"], "--set 'train.steps=5': a scan does not read train.steps, but task,"),
        (
            ["tagging", "--catalog", "{home}/empty.csv"],
            "empty.csv: the catalog has no rows: there is nothing to answer",
        ),
        (["tagging", "--catalog", "{home}/serving.csv"], "serving.csv: is a folder, not a catalog file"),
        (["tagger"], "task='tagger' is not one of"),
    ],
)
def test_a_wrong_choice_is_one_line(home: Path, catalog: Path, options: list[str], words: str) -> None:
    (home / "serving.csv").mkdir()
    Catalog.write(home / "empty.csv", "tiny", [])
    given = [option.format(home=home) for option in options]
    done = dacapo("scan", "--catalog", catalog, *given, "--home", home)
    (line,) = done.stderr.splitlines()
    assert done.exit_code == 2
    assert words in line


def test_an_output_that_is_a_file_is_one_line(
    home: Path, catalog: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "answers").write_text("mine")
    done = dacapo("scan", "tagging", "--catalog", catalog, "--output", tmp_path / "answers", "--home", home)
    assert done.exit_code == 2
    line = capfd.readouterr().out.splitlines()[-1]
    assert line == f"dacapo: {tmp_path / 'answers'}: is a file, where a folder is wanted"
