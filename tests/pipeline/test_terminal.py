import errno
from pathlib import Path

import pytest
import typer

from catalog.errors import WorkerKilledError
from pipeline.terminal import one_line_errors
from tests.full_disk import files_of_at_most


def test_a_full_disk_is_one_line_that_names_the_file_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, one_line_errors():
        raise OSError(errno.ENOSPC, "No space left on device", "home/catalogs/x.csv")
    assert ended.value.exit_code == 1
    line = "dacapo: home/catalogs/x.csv: No space left on device; with room, the same command goes on where it was\n"
    assert capsys.readouterr().err == line


def test_a_full_disk_is_told_where_the_system_names_no_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(typer.Exit), one_line_errors(), files_of_at_most(10):
        (tmp_path / "x").write_bytes(bytes(11))
    assert capsys.readouterr().err == "dacapo: File too large; with room, the same command goes on where it was\n"


def test_a_worker_that_was_killed_is_one_line_and_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, one_line_errors():
        raise WorkerKilledError
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err == (
        "dacapo: a process of this build ended before its work did (killed, most often for memory); the same "
        "command goes on where it was\n"
    )


def test_a_disk_that_fails_is_one_line_and_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, one_line_errors():
        raise OSError(errno.ESTALE, "Stale file handle", "music/a.wav")
    assert ended.value.exit_code == 1
    line = "dacapo: music/a.wav: Stale file handle; the same command goes on where it was\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), PermissionError(errno.EPERM, "No")])
def test_what_the_user_cannot_mend_is_no_line(error: OSError) -> None:
    with pytest.raises(type(error)), one_line_errors():
        raise error
