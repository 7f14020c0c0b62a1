"""What a retraining says on the terminal, and the code with which it ends, without a training."""

import errno
import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from audio.errors import DaCapoError
from pipeline import session
from pipeline.retrain import Exit
from pipeline.settings import load_settings


class FullDisk(io.StringIO):
    """A log on a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def run(monkeypatch: pytest.MonkeyPatch, home: Path, became: object) -> tuple[int, str]:
    """The exit code, and what the terminal shows, of a run that ends with an outcome or an exception."""

    def retrain(*_: object) -> object:
        if isinstance(became, BaseException):
            raise became
        return became

    monkeypatch.setattr(session, "retrain", retrain)
    output = io.StringIO()
    code = session.session(load_settings({"home": home}), Console(file=output, width=140), home / "run.log")
    return code, output.getvalue()


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (DaCapoError("catalog.csv: is no catalog"), Exit.BAD_INPUT, "dacapo: catalog.csv: is no catalog"),
        (RuntimeError("oh\nno"), Exit.FAILED, "dacapo: start: RuntimeError: oh"),
    ],
)
def test_a_full_disk_under_the_log_hides_no_line_of_what_went_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, code: Exit, line: str
) -> None:
    monkeypatch.setattr(sys, "stderr", FullDisk())
    ended, shown = run(monkeypatch, tmp_path, error)
    assert ended == code
    assert line in shown.splitlines()
