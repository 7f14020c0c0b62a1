import subprocess
import sys
from pathlib import Path

import pytest

from catalog.served import newest_version, versions


@pytest.fixture
def served(tmp_path: Path) -> Path:
    for name in ("9", "10", "1764000000", ".staging-1764000001", "10-old", "latest"):
        (tmp_path / name).mkdir()
    (tmp_path / "1764000002").touch()
    (tmp_path / ".push.lock").touch()
    return tmp_path


def test_versions_are_the_folders_with_a_number_for_a_name_in_its_order(served: Path) -> None:
    assert versions(served) == [served / "9", served / "10", served / "1764000000"]


def test_the_newest_is_the_highest_number(served: Path) -> None:
    assert newest_version(served) == served / "1764000000"


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_without_a_version_has_no_newest_one(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "served"
    if there:
        folder.mkdir()
    assert versions(folder) == []
    assert newest_version(folder) is None


def test_looking_for_a_version_loads_neither_tensorflow_nor_tfx() -> None:
    code = "import sys, catalog.served; print(sorted({'tensorflow', 'tfx', 'keras'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
