import os
import subprocess
import sys
from pathlib import Path

import pytest

from audio.errors import DaCapoError
from pipeline.console import quiet

PROGRAM = """
import os, sys
from pathlib import Path
from pipeline.console import quiet
with quiet(Path(sys.argv[1]), verbose=sys.argv[2] == "verbose") as console:
    console.print("for the person")
    print("python chatter")
    os.system("echo chatter of a child process")
print("after")
"""

FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here plays a full disk")


def run(log: Path, mode: str) -> str:
    program = [sys.executable, "-c", PROGRAM, str(log), mode]
    return subprocess.run(program, capture_output=True, text=True, check=True).stdout


def test_the_terminal_shows_the_person_and_the_log_keeps_the_chatter(tmp_path: Path) -> None:
    assert run(tmp_path / "logs" / "run.log", "quiet").split("\n") == ["for the person", "after", ""]
    assert (tmp_path / "logs" / "run.log").read_text().split("\n") == [
        "python chatter",
        "chatter of a child process",
        "",
    ]


@FULL
def test_a_log_that_takes_no_more_hides_nothing_from_the_person_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "run.log").symlink_to("/dev/full")
    shown = run(tmp_path / "run.log", "quiet")
    assert [line for line in shown.splitlines() if not line.startswith("sh:")] == ["for the person", "after"]


@FULL
def test_a_terminal_that_takes_no_more_does_not_end_the_work(tmp_path: Path) -> None:
    program = [sys.executable, "-c", PROGRAM.replace('print("after")', ""), str(tmp_path / "run.log"), "quiet"]
    with open("/dev/full", "w") as full:
        subprocess.run(program, stdout=full, check=True)
    assert "python chatter" in (tmp_path / "run.log").read_text()


def test_a_log_in_whose_place_something_else_stands_is_one_line_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("mine")
    (tmp_path / "run.log").mkdir()
    for log, line in (
        (tmp_path / "home" / "logs" / "run.log", f"{tmp_path / 'home'}: is a file, where a folder is wanted"),
        (tmp_path / "run.log", f"{tmp_path / 'run.log'}: the log cannot be written: Is a directory"),
    ):
        with pytest.raises(DaCapoError) as error, quiet(log, verbose=False):
            pass
        assert str(error.value) == line


def test_verbose_shows_everything_and_writes_no_log(tmp_path: Path) -> None:
    shown = run(tmp_path / "run.log", "verbose")
    assert "python chatter" in shown
    assert "for the person" in shown
    assert not (tmp_path / "run.log").exists()


def test_a_file_name_that_is_not_utf_8_is_shown_with_its_bytes(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"M\xf6t.csv")).write_text("# dacapo-catalog: 1\n# library: mine\nid,path\n")
    program = [sys.executable, "-m", "pipeline", "catalog", "check"]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8:strict"}
    there, gone = (
        subprocess.run([*program, tmp_path / os.fsdecode(name)], capture_output=True, text=True, env=environment)
        for name in (b"M\xf6t.csv", b"M\xf6.csv")
    )
    assert there.stdout == f"{tmp_path}/M\\xf6t.csv: library mine, 0 recordings, 0 problems\n"
    assert gone.stderr == f"dacapo: {tmp_path}/M\\xf6.csv: there is no such catalog file\n"
