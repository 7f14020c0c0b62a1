"""A catalog of everything that goes wrong: each gets its one clear line, the rest of the run is right."""

import pytest

from tests.components.audio_example_gen.hostile_catalog import LINES, check_lines, write_hostile_catalog

GOOD = 6


@pytest.fixture
def hostile(library):
    for number in range(GOOD):
        library.add(f"good-{number}", tags=("rock",), split="train")
    return write_hostile_catalog(library.root, "tiny", library.recordings)


def test_each_wrong_recording_gets_one_clear_line_and_the_rest_is_right(hostile, ingest):
    output = ingest(hostile, max_set_aside_share=1.0, descriptors="cheap")
    assert {example["id"][0].decode() for example in output.all()} == {f"good-{number}" for number in range(GOOD)}
    assert all(example["labels"] == [0, 0, 1] for example in output.all())
    lines = [cell.line for cell in output.report.set_aside]
    check_lines(lines, rows=GOOD)
    assert output.report.set_aside_rows == len(LINES)
    assert not any(str(hostile.parent) in line for line in lines)
    assert output.report.splits["train"].recordings == GOOD
