"""A catalog of everything that goes wrong: each gets its one clear line, the rest of the run is right."""

import re
import struct

import numpy as np
import pytest

from catalog.recording import Recording

GOOD = 6
# Catalog.write refuses these two: they are put into the file as text.
CLIMBS = "climbs,../outside.wav"
TWICE = "good-0,again.wav"
LINES = {
    "absent": r'path: "absent.wav" does not exist',
    "climbs": r'path: "\.\./outside\.wav" climbs out',
    "good-0": r'id: "good-0" was already used in row 1',
    "polka": r'tags: "polka" is neither a tag of the vocabulary nor ignored by it',
    "corrupt": r'path: "corrupt\.mp3" is damaged .*',
    "cut": r'path: "cut\.mp3" is (damaged|cut).*',
    "text": r'path: "text\.wav" is not audio .+',
    "empty": r'path: "empty\.wav" is empty \(0 bytes\)',
    "claims": r'path: "claims\.wav" is cut: its header promises .+',
}


def wav_header_of_ten_hours() -> bytes:
    """1 KB of a wav whose header promises ten hours."""
    rate, size = 8000, 36000 * 8000 * 2
    form = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16, b"data", size
    )
    return form.ljust(1024, b"\0")


@pytest.fixture
def hostile(library):
    library.root.mkdir()
    for number in range(GOOD):
        library.add(f"good-{number}", tags=("rock",), split="train")
    library.sound("again.wav", 1.0)
    library.sound("../outside.wav", 1.0)
    whole = library.sound("whole.mp3", 20.0, sample_rate=44100).read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2 : len(whole) // 2 + 3000] = np.random.default_rng(0).bytes(3000)
    contents = {
        "corrupt.mp3": bytes(damaged),
        "cut.mp3": whole[: len(whole) // 2],
        "text.wav": b"This is a letter, not a sound.\n" * 40,
        "empty.wav": b"",
        "claims.wav": wav_header_of_ten_hours(),
    }
    for name, content in contents.items():
        (library.root / name).write_bytes(content)
        library.recordings.append(Recording(id=name.split(".")[0], path=name))
    library.recordings.append(Recording(id="absent", path="absent.wav"))
    library.add("polka", tags=("polka",))
    path = library.write()
    columns = path.read_text().splitlines()[2].count(",") + 1
    with path.open("a") as file:
        file.writelines(f"{row}{',' * (columns - 2)}\n" for row in (CLIMBS, TWICE))
    return path


def test_each_wrong_recording_gets_one_clear_line_and_the_rest_is_right(hostile, ingest):
    output = ingest(hostile, max_set_aside_share=1.0, descriptors="cheap")
    assert {example["id"][0].decode() for example in output.all()} == {f"good-{number}" for number in range(GOOD)}
    assert all(example["labels"] == [0, 0, 1] for example in output.all())
    lines = {cell.recording_id: cell.line for cell in output.report.set_aside}
    assert len(output.report.set_aside) == output.report.set_aside_rows == len(lines) == len(LINES)
    for recording_id, pattern in LINES.items():
        assert re.fullmatch(rf"catalog\.csv: row \d+, column {pattern}.*", lines[recording_id]), lines[recording_id]
        assert str(hostile.parent) not in lines[recording_id]
    assert output.report.splits["train"].recordings == GOOD


def test_lines_come_in_the_order_of_the_catalog(hostile, ingest):
    rows = [cell.row for cell in ingest(hostile, max_set_aside_share=1.0).report.set_aside]
    assert rows == sorted(rows) == list(range(GOOD + 1, GOOD + 1 + len(LINES)))
