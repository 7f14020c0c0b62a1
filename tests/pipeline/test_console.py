import subprocess
import sys
from pathlib import Path

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


def test_verbose_shows_everything_and_writes_no_log(tmp_path: Path) -> None:
    shown = run(tmp_path / "run.log", "verbose")
    assert "python chatter" in shown
    assert "for the person" in shown
    assert not (tmp_path / "run.log").exists()
