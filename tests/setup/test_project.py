"""The settings of the linters name every package of the project: a new floor cannot be forgotten."""

import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = {path.parent.name for path in PROJECT.glob("[a-z]*/__init__.py")} - {"tests"}


@pytest.fixture(scope="module")
def tool():
    return tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]


def test_mypy_checks_every_package(tool):
    assert set(tool["mypy"]["files"]) >= PACKAGES


def test_import_linter_knows_every_package(tool):
    assert set(tool["importlinter"]["root_packages"]) == PACKAGES


def test_every_floor_has_its_place_in_a_contract(tool):
    contracts = tool["importlinter"]["contracts"]
    placed = {layer for c in contracts for layer in c.get("layers", ())} | {
        s for c in contracts for s in c.get("source_modules", ())
    }
    assert placed >= PACKAGES


def test_ci_runs_the_readmes_test_command_and_nothing_else():
    lines = [line for line in (PROJECT / ".ci" / "run").read_text().splitlines() if not line.startswith("#")]
    assert lines == ['cd "$(dirname "$0")/.." && exec make test']
