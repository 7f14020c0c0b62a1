"""Where files of a catalog may lie, before they are read or written."""

import errno
import os
from pathlib import Path

import pytest

from audio.errors import AudioError
from catalog.places import check_places, file_fault, is_file, lasting_fault


def test_a_missing_file_is_a_fault_that_may_pass(tmp_path: Path) -> None:
    assert file_fault(str(tmp_path), "a/b.wav") == "does not exist"
    assert lasting_fault(str(tmp_path), "a/b.wav") is None
    check_places(tmp_path, tmp_path / "a" / "b.wav")


@pytest.mark.parametrize("missing", ["", "/", "/later.wav", "/later/later.wav"])
def test_a_link_that_leads_out_is_told_though_nothing_is_there_yet(tmp_path: Path, missing: str) -> None:
    root = tmp_path / "library"
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "library-of-another")
    assert file_fault(str(root), f"link{missing}") == "leads out of the catalog's folder"
    with pytest.raises(AudioError, match="leads out of the catalog's folder"):
        check_places(root, root / f"link{missing}")


def test_links_in_a_circle_and_folders_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    assert file_fault(str(tmp_path), "circle") == "cannot be reached: Too many levels of symbolic links"
    assert lasting_fault(str(tmp_path), ".") == "is not a file"


def test_a_name_longer_than_any_file_is_no_file(tmp_path: Path) -> None:
    assert not is_file(tmp_path / (300 * "x"))
    assert lasting_fault(str(tmp_path), 300 * "x") == "cannot be reached: File name too long"


def test_a_disk_that_fails_is_no_finding_about_a_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "stat", fail)
    for fault in (file_fault, lasting_fault):
        with pytest.raises(OSError, match="Input/output error"):
            fault(str(tmp_path), "a.wav")
