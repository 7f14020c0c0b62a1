"""The two shell scripts, ``dacapo`` and ``setup/run``, run in a copy of the project with a stand-in for Python."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
TELL = '#!/bin/sh\necho "$0|$*|$PWD|$PYTHONPATH|$KERAS_BACKEND|$KERAS_HOME|$MPLCONFIGDIR"\n'


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def run(command, cwd, **environment):
    environment.setdefault("PATH", "/usr/bin:/bin")
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "a project"
    shutil.copytree(PROJECT / "setup", root / "setup", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(PROJECT / "dacapo", root)
    return root


@pytest.fixture
def complete(root):
    script(root / ".venv" / "bin" / "python", TELL)
    (root / ".venv" / "dacapo-setup").touch()
    return root


def test_dacapo_without_set_up_says_in_one_line_what_to_run(root, tmp_path):
    done = run([root / "dacapo", "runs"], tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "setup` first" in done.stderr


def test_dacapo_runs_the_pipeline_in_the_folder_of_its_caller(complete, tmp_path):
    done = run([complete / "dacapo", "run", "my songs.csv"], tmp_path, PYTHONPATH="/mine")
    python, arguments, folder, python_path, backend, *caches = done.stdout.strip().split("|")
    assert python == str(complete / ".venv" / "bin" / "python")
    assert arguments == "-P -m pipeline run my songs.csv"
    assert folder == str(tmp_path)
    assert python_path == f"{complete}:/mine"
    assert backend == "tensorflow"
    assert caches == [f"{complete}/.cache/keras", f"{complete}/.cache/matplotlib"]


def test_dacapo_works_through_a_link(complete, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "dacapo").symlink_to(complete / "dacapo")
    done = run(["dacapo"], tmp_path, PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert done.stdout.startswith(str(complete))


def test_a_module_in_the_callers_folder_does_not_stand_in_for_ours(complete, tmp_path):
    (complete / ".venv" / "bin" / "python").unlink()
    (complete / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (complete / "pipeline").mkdir()
    (complete / "pipeline" / "__main__.py").write_text("import catalog; print(catalog.__file__)")
    (complete / "catalog.py").touch()
    (tmp_path / "catalog.py").touch()
    assert run([complete / "dacapo"], tmp_path).stdout.strip() == str(complete / "catalog.py")


def tools_only(tmp_path, **pythons):
    """A PATH with `dirname` and the named stand-ins for Python."""
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "dirname").symlink_to(shutil.which("dirname") or "/usr/bin/dirname")
    for name, text in pythons.items():
        script(folder / name, text)
    return str(folder)


def test_set_up_without_python_3_11_says_what_to_install(root, tmp_path):
    path = tools_only(tmp_path, python3="#!/bin/sh\nexit 1\n")
    done = run(["/bin/sh", root / "setup" / "run"], tmp_path, PATH=path)
    assert done.returncode == 1
    assert done.stderr.startswith("setup: Python 3.11 was not found: install it")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["python3.11", "python3"])
def test_set_up_takes_the_interpreter_behind_a_command(root, tmp_path, name):
    real = script(tmp_path / "real", TELL)
    path = tools_only(tmp_path, **{name: f"#!/bin/sh\necho {real}\n"})
    done = run(["/bin/sh", root / "setup" / "run"], tmp_path, PATH=path, VIRTUAL_ENV="/other")
    assert done.stdout.startswith(f"{real}|-E -m setup|{root}|")


def test_set_up_takes_a_python_that_uv_manages(root, tmp_path):
    real = script(tmp_path / "real", f'#!/bin/sh\n[ "$1" = -I ] && echo {tmp_path / "real"} || echo set up\n')
    path = tools_only(tmp_path, uv=f"#!/bin/sh\necho {real}\n")
    assert run(["/bin/sh", root / "setup" / "run"], tmp_path, PATH=path).stdout == "set up\n"


def test_set_up_keeps_the_python_of_an_existing_environment(root, tmp_path):
    real, other = script(tmp_path / "real", TELL), script(tmp_path / "other", TELL)
    script(root / ".venv" / "bin" / "python", f"#!/bin/sh\necho {real}\n")
    path = tools_only(tmp_path, **{"python3.11": f"#!/bin/sh\necho {other}\n"})
    assert run(["/bin/sh", root / "setup" / "run"], tmp_path, PATH=path).stdout.startswith(f"{real}|")


def test_make_and_sh_give_commands_the_same_environment():
    lines = (PROJECT / "setup" / "environment").read_text().splitlines()
    names = [line.partition("=")[0] for line in lines if not line.startswith("#")]
    by_sh = run(["sh", "-c", "root=$PWD; set -a; . setup/environment; env"], PROJECT)
    makefile = "include Makefile\ntell:\n\t@env\n"
    by_make = subprocess.run(["make", "-f", "-", "tell"], cwd=PROJECT, input=makefile, capture_output=True, text=True)
    sh, make = (
        dict(line.split("=", 1) for line in said.stdout.splitlines() if "=" in line) for said in (by_sh, by_make)
    )
    assert {name: make[name] for name in names} == {name: sh[name] for name in names}
