from pathlib import Path

import pytest

from benchmarks.report import BenchmarkError, Table, one_line_errors, show


def test_a_page_is_printed_and_written_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("A title", ["name", "value"], [["pop|piano", "1.0"]], "A caption.")
    show("Heading", [table], tmp_path / "results" / "page.md")
    page = (tmp_path / "results" / "page.md").read_text()
    assert capsys.readouterr().out.strip() == page.strip()
    assert "| pop\\|piano | 1.0 |" in page
    assert "A caption." in page


def test_a_users_error_is_one_line_and_exit_code_two(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"), one_line_errors():
        raise BenchmarkError("home: holds no run")
    assert capsys.readouterr().err == "benchmark: home: holds no run\n"
