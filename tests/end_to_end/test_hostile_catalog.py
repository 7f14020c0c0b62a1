"""A catalog with nine wrong rows, run by a user: each is told in one line, and above the allowed share nothing runs."""

from pathlib import Path

import pytest

from catalog.format import Recording, open_catalog
from tests.components.audio_example_gen.hostile_catalog import LINES, check_lines, write_hostile_catalog
from tests.end_to_end.workbench import Workbench

pytestmark = pytest.mark.e2e


def lines_after(prefix: str, output: str) -> list[str]:
    return [line.partition(prefix)[2] for line in output.splitlines() if prefix in line]


def test_wrong_rows_are_told_one_by_one_and_stop_the_run_above_the_allowed_share(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    good = [row for row in open_catalog(bench.catalog).rows() if isinstance(row, Recording)]
    write_hostile_catalog(bench.library, "tiny", good)
    stopped = bench.run()
    assert stopped.exit_code == 2, stopped.output
    assert f"{len(LINES)} of {len(good) + len(LINES)} recordings (11.1 %) were set aside" in stopped.output
    told = [line for line in lines_after("dacapo: ", stopped.output) if line.startswith("catalog.csv")]
    check_lines(told, rows=len(good))
    assert bench.executed() == set()
    assert bench.served() == []

    done = bench.run("ingest.max_set_aside_share=0.2")
    assert done.exit_code == 0, done.output
    check_lines(lines_after("set aside: ", done.output), rows=len(good))
    assert len(bench.served()) == 1
