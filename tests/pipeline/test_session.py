"""What a retraining says on the terminal, and the code with which it ends, without a training."""

import errno
import io
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from rich.console import Console

from audio.errors import DaCapoError
from pipeline import session
from pipeline.retrain import Exit, Outcome
from pipeline.settings import load_settings
from pipeline.verdict import Verdict


class FullDisk(io.StringIO):
    """A log on a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def run(monkeypatch: pytest.MonkeyPatch, home: Path, became: object, log: Path | None = None) -> tuple[int, str]:
    """The exit code, and what the terminal shows, of a run that ends with an outcome or an exception."""

    def retrain(*_: object) -> object:
        if isinstance(became, BaseException):
            raise became
        return became

    monkeypatch.setattr(session, "retrain", retrain)
    output = io.StringIO()
    code = session.session(load_settings({"home": home}), Console(file=output, width=140), log)
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


@pytest.mark.parametrize("shown_all", [False, True])
def test_the_log_is_told_of_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shown_all: bool
) -> None:
    log = None if shown_all else tmp_path / "run.log"
    _, shown = run(monkeypatch, tmp_path, RuntimeError("oh"), log)
    assert "dacapo: start: RuntimeError: oh" in shown
    assert ("the whole story is in" in shown) == (not shown_all)


def refuse(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOENT, "No such file or directory")


@pytest.mark.parametrize("broken", ["notes", "verdict_table"])
@pytest.mark.parametrize(("served", "code"), [(True, Exit.SERVED), (False, Exit.NOT_BLESSED)])
def test_a_report_that_breaks_off_is_a_warning_and_changes_no_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: str, served: bool, code: Exit
) -> None:
    monkeypatch.setattr(session, "notes", lambda run: [])
    monkeypatch.setattr(session, broken, refuse)
    version = tmp_path / "serving" / "1764000000" if served else None
    outcome = Outcome(None, Verdict({}, frozenset(), 0, blessed=served), version)
    ended, shown = run(monkeypatch, tmp_path, outcome)
    assert ended == code
    assert "  warning: the report is not whole: FileNotFoundError: [Errno 2] No such file or directory" in shown
    assert (f"blessed, served as {version}" if served else "not blessed, the served folder is as it was") in shown


def test_a_terminal_that_is_gone_changes_no_exit_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(session, "notes", lambda run: [])
    monkeypatch.setattr(session, "_print", refuse)
    ended, _ = run(monkeypatch, tmp_path, Outcome(None, Verdict({}, frozenset(), 0, blessed=True), tmp_path / "1"))
    assert ended == Exit.SERVED
