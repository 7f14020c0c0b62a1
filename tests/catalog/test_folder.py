"""A folder that is written to is made, or its fault is one line that names what is in the way."""

import os
from pathlib import Path

import pytest

from audio.errors import DaCapoError
from catalog.errors import CatalogError
from catalog.folder import alone, make_folder


def test_a_folder_is_made_with_those_above_it_and_one_that_is_there_is_taken(tmp_path: Path) -> None:
    for _ in range(2):
        assert make_folder(tmp_path / "a" / "b").is_dir()


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("mine")
    for folder in (tmp_path / "home", tmp_path / "home" / "logs" / "more"):
        with pytest.raises(DaCapoError) as error:
            make_folder(folder)
        assert str(error.value) == f"{tmp_path / 'home'}: is a file, where a folder is wanted"
    assert (tmp_path / "home").read_text() == "mine"


def test_a_folder_that_this_user_may_not_make_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(DaCapoError, match=r"home: cannot be made: Permission denied"):
        make_folder(tmp_path / "home")


def test_a_folder_that_this_user_may_not_write_to_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(DaCapoError, match="cannot be written to: permission denied"):
        make_folder(tmp_path)


def test_one_build_at_a_time_has_a_folder(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(CatalogError, match="another build is at work there"), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass
