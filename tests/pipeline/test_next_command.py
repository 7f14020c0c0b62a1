"""The command that a command prints as the next one works as typed."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from catalog.format import Catalog, Recording
from pipeline import main
from pipeline.settings import HOME, Settings
from pipeline.terminal import typed


def dacapo(*arguments: object) -> str:
    return CliRunner().invoke(main.app, [str(argument) for argument in arguments]).output


def next_command(output: str) -> list[str]:
    """Arguments of the command that `output` ends with."""
    last = output.splitlines()[-1]
    assert last.startswith("Next: ./dacapo ")
    return shlex.split(last)[2:]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "my home"


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Settings of the runs that the commands start, in place of the runs."""
    started: list[Settings] = []
    monkeypatch.setattr(main, "_run", lambda settings, verbose: started.append(settings) or 0)
    return started


def write_catalog(path: Path, library: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return Catalog.write(path, library, [Recording(id="one", path="one.wav")]).path


@pytest.fixture(autouse=True)
def builders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Builders that write nothing but a catalog."""

    def builtin(folder: Path, **_: Any) -> Path:
        return write_catalog(folder / "catalog.csv", "builtin")

    def derived(name: str) -> Any:
        return lambda source, **_: write_catalog(source.with_name(name), "songs")

    monkeypatch.setattr("catalog.builtin.build_builtin", builtin)
    monkeypatch.setattr("catalog.damage.build_damaged", derived("damaged.csv"))
    monkeypatch.setattr("catalog.noise.build_noisy", derived("noisy.csv"))


def test_a_home_is_named_unless_it_is_the_default_and_quoted(home: Path) -> None:
    assert typed("runs", home=HOME) == "./dacapo runs"
    assert typed("runs", home=home) == f"./dacapo runs --home '{home}'"


def test_the_demo_names_its_home(home: Path, ran: list[Settings]) -> None:
    arguments = next_command(dacapo("demo", "--home", home))
    assert [settings.home for settings in ran] == [home] * 4
    assert str(home) in dacapo(*arguments)


def test_without_a_run_the_error_names_the_home(home: Path, ran: list[Settings]) -> None:
    line = dacapo("runs", "--home", home)
    dacapo(*shlex.split(line.partition("./dacapo ")[2]))
    assert ran[0].home == home


def test_the_built_in_library_is_retrained_where_it_was_made(home: Path, ran: list[Settings]) -> None:
    dacapo(*next_command(dacapo("catalog", "build", "builtin", "--home", home)))
    assert ran[0].catalog_path == home / "catalogs" / "builtin" / "catalog.csv"


@pytest.mark.parametrize(("command", "name"), [("damage", "damaged.csv"), ("noise", "noisy.csv")])
def test_what_is_made_beside_a_library_is_what_runs_next(
    home: Path, ran: list[Settings], command: str, name: str
) -> None:
    made = write_catalog(home / "catalogs" / "songs" / "catalog.csv", "songs").with_name(name)
    arguments = next_command(dacapo("catalog", command, "songs", "--home", home))
    assert "--catalog" not in arguments
    dacapo(*arguments)
    assert (ran[0].library, ran[0].catalog_path) == ("songs", made)


@pytest.mark.parametrize(("command", "name"), [("damage", "damaged.csv"), ("noise", "noisy.csv")])
def test_what_is_made_beside_another_catalog_is_what_runs_next(
    tmp_path: Path, home: Path, ran: list[Settings], command: str, name: str
) -> None:
    source = write_catalog(tmp_path / "songs" / "catalog.csv", "songs")
    dacapo(*next_command(dacapo("catalog", command, "--catalog", source, "--home", home)))
    assert (ran[0].library, ran[0].catalog_path, ran[0].home) == ("songs", source.with_name(name), home)
