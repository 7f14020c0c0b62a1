import json
from dataclasses import replace
from pathlib import Path

from components.audio_example_gen.report import CatalogSummary, SetAsideCell, write_report
from pipeline.findings import MOST, notes
from pipeline.lineage import Run
from tests.pipeline.past_run import RUN


def run(folder: Path, *, set_aside: int = 0, torn: int = 0) -> Run:
    """A run whose report says so."""
    cells = tuple(SetAsideCell(row=n, recording_id=None, column="path", line=f"row {n}") for n in range(set_aside))
    summary = CatalogSummary(
        library="tiny",
        catalog="catalog.csv",
        rows=100,
        set_aside_rows=set_aside,
        set_aside=cells,
        split_units={"split": 100 - set_aside},
        torn=torn,
        splits={},
        tags={},
        duration_s=200.0,
        decode_x_real_time=400.0,
    )
    write_report(str(folder), summary)
    return replace(RUN, report=folder)


def test_a_run_without_findings_says_nothing(tmp_path: Path) -> None:
    assert list(notes(run(tmp_path))) == []


def test_of_many_recordings_that_are_set_aside_the_first_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    lines = list(notes(run(tmp_path, set_aside=MOST + 3)))
    assert lines[:2] == ["set aside: row 0", "set aside: row 1"]
    assert lines[MOST:] == [f"set aside: 3 more, all in {tmp_path / 'report.json'}"]


def test_recordings_in_another_split_than_their_artist_are_one_warning(tmp_path: Path) -> None:
    warning = "warning: 2 recordings have another split than an earlier one of the same artist or package"
    assert list(notes(run(tmp_path, torn=2))) == [warning]
    assert list(notes(run(tmp_path, torn=1))) == [warning.replace("2 recordings have", "1 recording has")]


def test_a_report_from_before_they_were_counted_is_read(tmp_path: Path) -> None:
    past = run(tmp_path, set_aside=1)
    report = tmp_path / "report.json"
    older = json.loads(report.read_text())
    del older["torn"]
    report.write_text(json.dumps(older))
    assert list(notes(past)) == ["set aside: row 0"]
