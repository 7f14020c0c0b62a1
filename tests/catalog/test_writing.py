import os
import stat
from pathlib import Path

import pytest

from catalog.writing import PART, staged, whole
from tests.full_disk import files_of_at_most


def write(path: Path, text: str) -> None:
    with whole(path) as file:
        file.write(text)


def test_what_was_written_is_there_in_utf_8_and_nothing_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "x.json", "naïve ✓")
    assert (tmp_path / "x.json").read_text("utf-8") == "naïve ✓"
    assert os.listdir(tmp_path) == ["x.json"]


def test_an_error_on_the_way_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    write(tmp_path / "x.json", "old")

    def break_off() -> None:
        with whole(tmp_path / "x.json") as file:
            file.write("half a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert (tmp_path / "x.json").read_text() == "old"
    assert os.listdir(tmp_path) == ["x.json"]


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    write(tmp_path / "x.json", "old")
    with files_of_at_most(10), pytest.raises(OSError, match="File too large") as error:
        write(tmp_path / "x.json", "more than ten")
    assert error.value.filename == str(tmp_path / "x.json")
    assert (tmp_path / "x.json").read_text() == "old"
    assert os.listdir(tmp_path) == ["x.json"]


def test_until_the_end_the_content_stands_beside_the_path(tmp_path: Path) -> None:
    with whole(tmp_path / "x.json") as file:
        file.write("new")
        assert [path.suffix for path in tmp_path.iterdir()] == [PART]


def test_the_file_is_complete_and_synced_before_it_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        events.append(f"fsync {os.fstat(descriptor).st_size}")
        sync(descriptor)

    def replaced(part: Path, target: Path) -> Path:
        events.append("replace")
        return replace(part, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    write(tmp_path / "x.json", "four")
    assert events == ["fsync 4", "replace"]


def test_a_written_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "reference").touch()
    write(tmp_path / "x.json", "")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("reference", "x.json")}
    assert len(modes) == 1


@pytest.mark.parametrize("name", ["x" * 255, "音" * 85])
def test_a_name_may_be_as_long_as_a_file_system_takes(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, "there")
    assert os.listdir(tmp_path) == [name]


def test_a_staged_path_is_for_writers_that_open_it_themselves(tmp_path: Path) -> None:
    with staged(tmp_path / "x.bin") as part:
        part.write_bytes(b"\x00\xff")
    assert (tmp_path / "x.bin").read_bytes() == b"\x00\xff"
    assert os.listdir(tmp_path) == ["x.bin"]
