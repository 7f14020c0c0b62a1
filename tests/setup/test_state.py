import os
import shutil
from pathlib import Path

import pytest

from setup.state import State

PROJECT = '[project]\nname = "p"\ndependencies = ["a==1"]\n[tool.uv]\npackage = false\n[tool.ruff]\nline-length = 120\n'


def make_environment(state):
    (state.environment / "bin").mkdir(parents=True, exist_ok=True)
    (state.environment / "bin" / "python").symlink_to("/bin/sh")
    (state.environment / "bin" / "activate").write_text(f"VIRTUAL_ENV='{state.environment}'\n")


@pytest.fixture
def state(tmp_path):
    root = tmp_path / "project"
    (root / "setup").mkdir(parents=True)
    (root / "setup" / "shim.py").write_text("version = 1\n")
    (root / "uv.lock").write_text("a==1\n")
    (root / "pyproject.toml").write_text(PROJECT)
    return State(root)


@pytest.fixture
def ready(state):
    state.begin()
    make_environment(state)
    state.written()
    state.finish()
    return state


def test_a_finished_environment_is_ready(ready):
    assert ready.is_ready()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("uv.lock", "a==2\n"),
        ("setup/shim.py", "version = 2\n"),
        ("setup/new.py", ""),
        ("pyproject.toml", PROJECT.replace("a==1", "a==2")),
    ],
)
def test_a_changed_source_of_the_environment_makes_it_out_of_date(ready, file, text):
    (ready.root / file).write_text(text)
    assert not ready.is_ready()


def test_a_linters_setting_does_not(ready):
    (ready.root / "pyproject.toml").write_text(PROJECT.replace("120", "100"))
    assert ready.is_ready()


def test_an_environment_whose_python_went_away_is_not_ready(ready):
    python = ready.environment / "bin" / "python"
    python.unlink()
    python.symlink_to("/nonexistent/python3.11")
    assert not ready.is_ready()


def test_packages_that_were_whole_are_kept_by_the_next_set_up(ready):
    (ready.environment / "package.py").touch()
    ready.begin()
    assert (ready.environment / "package.py").exists()
    assert not ready.is_ready()


def test_packages_half_written_by_a_killed_set_up_are_thrown_away(state):
    state.begin()
    make_environment(state)
    (state.environment / "package.py").touch()
    assert not state.is_ready()
    state.begin()
    assert not state.environment.exists()
    assert not list(state.folder.glob("discarded-*"))


def test_a_set_up_killed_after_the_packages_were_written_keeps_them(state):
    state.begin()
    make_environment(state)
    state.written()
    assert not state.is_ready()
    state.begin()
    assert state.environment.exists()


def test_a_moved_project_gets_a_new_environment(ready, tmp_path):
    moved = State(Path(shutil.move(ready.root, tmp_path / "elsewhere")))
    assert not moved.is_ready()
    moved.begin()
    assert not moved.environment.exists()


def test_a_project_moved_to_the_end_of_its_own_path_gets_a_new_environment(ready):
    """As from /mnt/srv/x to /srv/x: the old path holds the new one."""
    activate = ready.environment / "bin" / "activate"
    activate.write_text(f"VIRTUAL_ENV='/mnt{ready.environment}'\n")
    ready.begin()
    assert not ready.environment.exists()


def test_the_lock_is_kept_by_a_process_that_inherits_it(state):
    waited = []
    with state.lock(lambda: waited.append("first")) as descriptor:
        inherited = os.dup(descriptor)  # an orphaned tool holds the same open file
    try:
        child = os.fork()
        if child == 0:
            with state.lock(lambda: os._exit(0)):
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        os.close(inherited)
    with state.lock(lambda: waited.append("second")):
        pass
    assert waited == []
