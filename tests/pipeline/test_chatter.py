"""What the libraries may say, as `dacapo run` leaves it to what it loads."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.format import Catalog, Recording

PROGRAM = """
import json, logging, os, subprocess, sys, types, warnings

def session(settings, console, log):
    warnings.warn("a warning")
    logging.getLogger("absl").info("a line of TFX")
    child = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]
    loaded = sorted({"tensorflow", "apache_beam", "grpc", "tfx"} & set(sys.modules))
    told = json.dumps({"environment": json.loads(subprocess.check_output(child)), "loaded": loaded})
    console.print(told, markup=False, soft_wrap=True)
    return 0

sys.modules["pipeline.session"] = types.SimpleNamespace(session=session)
from pipeline.__main__ import main
main()
"""


def run(home: Path, *options: str) -> tuple[dict, str]:  # type: ignore[type-arg]
    """What a run whose session only looks around finds, and what else the terminal shows."""
    Catalog.write(home / "catalogs" / "builtin" / "catalog.csv", "builtin", [Recording(id="one", path="one.wav")])
    program = [sys.executable, "-c", PROGRAM, "run", "--home", str(home), *options]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    done = subprocess.run(program, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


@pytest.mark.parametrize(("options", "level", "grpc"), [((), "3", "ERROR"), (("--verbose",), "0", "INFO")])
def test_the_environment_is_set_before_the_libraries_are_loaded(
    tmp_path: Path, options: tuple[str, ...], level: str, grpc: str
) -> None:
    found, _ = run(tmp_path, *options)
    assert found["loaded"] == []
    assert (found["environment"]["TF_CPP_MIN_LOG_LEVEL"], found["environment"]["GRPC_VERBOSITY"]) == (level, grpc)


def test_verbose_shows_warnings_and_log_lines_of_the_libraries(tmp_path: Path) -> None:
    _, shown = run(tmp_path, "--verbose")
    assert "UserWarning: a warning" in shown
    assert "a line of TFX" in shown


def test_by_default_the_terminal_shows_neither_and_the_log_no_warning(tmp_path: Path) -> None:
    _, shown = run(tmp_path)
    assert shown == ""
    assert "a warning" not in (tmp_path / "logs" / "tagging-builtin-quick.log").read_text()
