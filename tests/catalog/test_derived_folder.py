"""A folder of derived audio: only what we wrote is ever removed."""

from pathlib import Path

import pytest

from catalog.derived.folder import claim, sweep
from catalog.errors import CatalogError
from catalog.format import Catalog
from catalog.recording import Recording


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != ".dacapo"}


@pytest.mark.parametrize("there", [False, True])
def test_a_new_or_an_empty_folder_becomes_ours_once(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "noisy"
    if there:
        folder.mkdir()
    claim(folder, tmp_path / "noisy.csv")
    mark = folder / ".dacapo"
    before = mark.stat().st_mtime_ns
    (folder / "000000-0.flac").touch()
    claim(folder, tmp_path / "noisy.csv")
    assert mark.stat().st_mtime_ns == before


def test_a_folder_that_was_made_before_there_were_marks_is_known_by_its_catalog(tmp_path: Path) -> None:
    folder = tmp_path / "noisy"
    folder.mkdir()
    for name in ("000000-0.clean.flac", "000000-0.json", "000001-0.json"):
        (folder / name).touch()
    with pytest.raises(CatalogError, match=r"noisy: holds 000000-0\.clean\.flac.* remove the folder if Da Capo made"):
        claim(folder, tmp_path / "noisy.csv")
    Catalog.write(tmp_path / "noisy.csv", "tones", [Recording(id="song~000000-0", path="noisy/000000-0.clean.flac")])
    claim(folder, tmp_path / "noisy.csv")
    (folder / ".dacapo").unlink()
    (folder / "original.wav").touch()
    with pytest.raises(CatalogError, match=r"noisy: holds original\.wav"):
        claim(folder, tmp_path / "noisy.csv")


def test_what_is_swept_has_names_of_ours(tmp_path: Path) -> None:
    (tmp_path / "000003-0").mkdir()
    ours = {"000000-0.clean.flac", "000000-0.json"}
    kept = {*ours, "mine.wav", ".hidden", "000003-0"}
    halves = {"000000-0.json-0123abcd.part", ".000000-0.clean-0123456789abcdef.part"}
    for name in {*kept, *halves, "000001-0.clean.flac", "000000-0.noisy.flac"} - {"000003-0"}:
        (tmp_path / name).touch()
    sweep(tmp_path, ours)
    assert names(tmp_path) == kept
