"""Nine rows of everything that goes wrong in a catalog, and the one line that each of them gets."""

import re
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile as sf

from catalog.format import Catalog
from catalog.recording import Recording

LINES = (
    r'path: "corrupt\.mp3" is damaged .*',
    r'path: "cut\.mp3" is (damaged|cut).*',
    r'path: "text\.wav" is not audio .+',
    r'path: "empty\.wav" is empty \(0 bytes\)',
    r'path: "claims\.wav" is cut: its header promises .+',
    r'path: "absent.wav" does not exist',
    r'tags: "polka" is neither a tag of the vocabulary nor ignored by it',
    r'path: "\.\./outside\.wav" climbs out',
    r'id: ".+" was already used in row 1',
)
"""What the lines say behind the row's number, in the catalog's order."""


def write_hostile_catalog(folder: Path, library: str, good: Sequence[Recording]) -> Path:
    """Writes ``catalog.csv`` with the `good` recordings, whose files are there, and below them the nine wrong rows."""
    whole = _sound(folder / "whole.mp3", duration_s=20.0, sample_rate=44_100).read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2 : len(whole) // 2 + 3000] = np.random.default_rng(0).bytes(3000)
    contents = {
        "corrupt.mp3": bytes(damaged),
        "cut.mp3": whole[: len(whole) // 2],
        "text.wav": b"This is a letter, not a sound.\n" * 40,
        "empty.wav": b"",
        "claims.wav": _wav_header_of_ten_hours(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    for name in ("polka.wav", "again.wav", "../outside.wav"):
        _sound(folder / name)
    wrong = [Recording(id=name.split(".")[0], path=name) for name in (*contents, "absent.wav")]
    polka = Recording(id="polka", path="polka.wav", tags=("polka",))
    path = Catalog.write(folder / "catalog.csv", library, [*good, *wrong, polka]).path
    columns = path.read_text().splitlines()[2].count(",") + 1
    with path.open("a") as file:  # Catalog.write refuses these two
        file.writelines(f"{row}{',' * (columns - 2)}\n" for row in ("climbs,../outside.wav", f"{good[0].id},again.wav"))
    return path


def check_lines(lines: Iterable[str], rows: int) -> None:
    """Compares what was said of the wrong rows with what each should get; `rows` is the number of good ones."""
    for row, (line, pattern) in enumerate(zip(lines, LINES, strict=True), start=rows + 1):
        assert re.fullmatch(rf"catalog\.csv: row {row}, column {pattern}.*", line), line


def _sound(path: Path, *, duration_s: float = 1.0, sample_rate: int = 8000) -> Path:
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, round(duration_s * sample_rate))
    sf.write(path, noise, sample_rate)
    return path


def _wav_header_of_ten_hours() -> bytes:
    """1 KB of a wav whose header promises ten hours."""
    rate, size = 8000, 36000 * 8000 * 2
    form = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16, b"data", size
    )
    return form.ljust(1024, b"\0")
