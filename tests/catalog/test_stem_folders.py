"""Plain folders of stems become a catalog, and a mixture is written where there is none."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from audio.files import read, write
from catalog.errors import CatalogError
from catalog.format import Problem, Recording, open_catalog
from catalog.stem_folders import import_stem_folders

RATE = 8_000


def stem(path: Path, seed: int, samples: int = RATE, channels: int = 2, rate: int = RATE) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    y = 0.4 * np.random.default_rng(seed).uniform(-1, 1, (channels, samples)).astype(np.float32)
    write(path, y, sample_rate=rate)
    return read(path)[0]


def song(folder: Path, seed: int, suffix: str = ".wav") -> np.ndarray:
    return stem(folder / f"vocals{suffix}", seed) + stem(folder / f"accompaniment{suffix}", seed + 1)


def rows(catalog: Path) -> list[Recording]:
    found = list(open_catalog(catalog).rows(check_files=True))
    assert not [row for row in found if isinstance(row, Problem)]
    return [row for row in found if isinstance(row, Recording)]


def test_every_song_is_a_recording_with_two_stems_that_sum_to_its_mixture(tmp_path: Path) -> None:
    mixture = song(tmp_path / "Duo - One", 0)
    song(tmp_path / "untitled", 2, ".flac")
    imported = import_stem_folders(tmp_path)
    assert (imported.recordings, imported.problems) == (2, ())
    one, other = rows(tmp_path / "catalog.csv")
    assert (one.id, one.artist, one.title, one.split) == ("Duo - One", "Duo", "One", None)
    assert (other.artist, other.title) == (None, "untitled")
    assert one.stems == {"vocals": "Duo - One/vocals.wav", "accompaniment": "Duo - One/accompaniment.wav"}
    assert other.stems["vocals"] == "untitled/vocals.flac"
    np.testing.assert_allclose(read(tmp_path / one.path)[0], mixture, atol=1e-6)


def test_a_mixture_that_is_there_is_kept_and_a_second_import_changes_nothing(tmp_path: Path) -> None:
    song(tmp_path / "song", 0)
    stem(tmp_path / "song" / "mixture.flac", 9)
    import_stem_folders(tmp_path)
    assert rows(tmp_path / "catalog.csv")[0].path == "song/mixture.flac"
    before = (tmp_path / "catalog.csv").read_bytes()
    assert import_stem_folders(tmp_path).kept is None
    assert (tmp_path / "catalog.csv").read_bytes() == before
    assert not list(tmp_path.glob("catalog-before-*"))


def test_a_mixture_is_written_again_when_a_stem_has_changed_and_only_then(tmp_path: Path) -> None:
    song(tmp_path / "song", 0)
    import_stem_folders(tmp_path)
    mixture = tmp_path / "song" / "mixture.wav"
    before = mixture.stat().st_mtime_ns
    import_stem_folders(tmp_path)
    assert mixture.stat().st_mtime_ns == before
    vocals = stem(tmp_path / "song" / "vocals.wav", 7)
    import_stem_folders(tmp_path)
    np.testing.assert_allclose(read(mixture)[0], vocals + read(tmp_path / "song" / "accompaniment.wav")[0], atol=1e-6)


def test_a_mixture_that_the_user_brought_is_never_overwritten(tmp_path: Path) -> None:
    for name in ("before", "later"):
        song(tmp_path / name, 0)
    mixtures = {"before": stem(tmp_path / "before" / "mixture.wav", 8)}
    import_stem_folders(tmp_path)
    mixtures["later"] = stem(tmp_path / "later" / "mixture.wav", 9)
    for name in mixtures:
        stem(tmp_path / name / "vocals.wav", 7)
    import_stem_folders(tmp_path)
    for name, mixture in mixtures.items():
        np.testing.assert_array_equal(read(tmp_path / name / "mixture.wav")[0], mixture)


def test_a_catalog_that_somebody_worked_on_is_kept_beside_the_new_one(tmp_path: Path) -> None:
    song(tmp_path / "song", 0)
    import_stem_folders(tmp_path)
    new = (tmp_path / "catalog.csv").read_bytes()
    for number in (1, 2):
        mine = new + f"another,{number}.wav\n".encode()
        (tmp_path / "catalog.csv").unlink()
        (tmp_path / "catalog.csv").write_bytes(mine)
        (tmp_path / "catalog.csv").chmod(0o444)
        imported = import_stem_folders(tmp_path)
        assert imported.kept == tmp_path / f"catalog-before-{number}.csv"
        assert f"is kept as {imported.kept}" in str(imported)
        assert imported.kept.read_bytes() == mine
        assert imported.kept.stat().st_mode & 0o200
        assert (tmp_path / "catalog.csv").read_bytes() == new


def test_folders_named_like_splits_say_the_split(tmp_path: Path) -> None:
    for number, place in enumerate(("train/A - a", "validation/B - b", "eval/C - c", "test/D - d", "more/E - e")):
        song(tmp_path / place, number)
    import_stem_folders(tmp_path)
    splits = {row.id.split("/")[0]: row.split for row in rows(tmp_path / "catalog.csv")}
    assert splits == {"train": "train", "validation": "validation", "eval": "eval", "test": "test", "more": None}


def test_songs_that_cannot_be_used_are_left_out_and_told(tmp_path: Path) -> None:
    song(tmp_path / "good", 0)
    stem(tmp_path / "alone" / "vocals.wav", 1)
    stem(tmp_path / "short" / "vocals.wav", 2, samples=RATE)
    stem(tmp_path / "short" / "accompaniment.wav", 3, samples=RATE // 2)
    stem(tmp_path / "slow" / "vocals.wav", 4)
    stem(tmp_path / "slow" / "accompaniment.wav", 5, rate=RATE // 2)
    imported = import_stem_folders(tmp_path)
    assert imported.recordings == 1
    told = [str(problem) for problem in imported.problems]
    assert "holds no accompaniment.wav" in told[0]
    assert "lasts 0.500 s and the others 1.000 s" in told[1]
    assert "has 4000 Hz and 2 channels, vocals.wav has 8000 Hz" in told[2]


def test_nothing_is_written_through_a_link_that_leads_out(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "library", tmp_path / "elsewhere"
    song(root / "good", 0)
    song(elsewhere / "Ada - X", 2)
    (root / "Ada - X").symlink_to(elsewhere / "Ada - X")
    stem(root / "linked stem" / "accompaniment.wav", 4)
    (root / "linked stem" / "vocals.wav").symlink_to(elsewhere / "Ada - X" / "vocals.wav")
    song(root / "linked mixture", 5)
    (root / "linked mixture" / "mixture.wav").symlink_to(elsewhere / "mixture.wav")
    imported = import_stem_folders(root)
    assert [row.id for row in rows(root / "catalog.csv")] == ["good"]
    assert [str(problem).partition(": ")[2] for problem in imported.problems] == [
        f'row {row}, column stems: "{place}" leads out of the catalog\'s folder'
        for row, place in enumerate(
            ("Ada - X/mixture.wav", None, "linked mixture/mixture.wav", "linked stem/vocals.wav"), 1
        )
        if place
    ]
    assert not list(elsewhere.rglob("mixture*"))
    assert not (root / "linked stem" / "mixture.wav").exists()


def test_a_library_of_links_that_lead_out_is_one_line(tmp_path: Path) -> None:
    song(tmp_path / "elsewhere", 0)
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "song").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CatalogError, match=r"holds no recording that can be used; .*leads out of the catalog's folder"):
        import_stem_folders(tmp_path / "library")


def test_links_inside_the_library_and_one_to_it_are_followed(tmp_path: Path) -> None:
    song(tmp_path / "library" / "songs" / "one", 0)
    (tmp_path / "library" / "two").symlink_to(tmp_path / "library" / "songs" / "one")
    (tmp_path / "link").symlink_to(tmp_path / "library")
    assert import_stem_folders(tmp_path / "link").recordings == 2


def test_an_empty_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"no folder in it holds vocals\.wav"):
        import_stem_folders(tmp_path)
    with pytest.raises(CatalogError, match="is not a folder"):
        import_stem_folders(tmp_path / "nowhere")


def test_a_folder_of_broken_songs_is_one_line_that_says_why(tmp_path: Path) -> None:
    for number in range(5):
        stem(tmp_path / f"song {number}" / "vocals.wav", number)
    with pytest.raises(CatalogError) as told:
        import_stem_folders(tmp_path)
    first, *reasons, more = str(told.value).split("; ")
    assert first == f"{tmp_path}: holds no recording that can be used"
    assert [reason.split(", ", 1)[1] for reason in reasons] == [
        f'column stems: "song {n}" holds no accompaniment.wav' for n in range(3)
    ]
    assert more == "and 2 problems more"
    assert not (tmp_path / "catalog.csv").exists()


@pytest.mark.parametrize("barred", ["listing", "entering"])
def test_a_folder_that_this_user_may_not_look_into_is_left_out_and_told(
    tmp_path: Path, barred: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    song(tmp_path / "good", 0)
    song(tmp_path / "lost+found", 2)
    module, name = {"listing": (os, "scandir"), "entering": (Path, "stat")}[barred]
    usual = getattr(module, name)

    def refuse(path: Path, *arguments: object, **options: object) -> object:
        if "lost+found" in str(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return usual(path, *arguments, **options)

    monkeypatch.setattr(module, name, refuse)
    imported = import_stem_folders(tmp_path)
    assert [str(problem).partition(": ")[2] for problem in imported.problems] == [
        'row 2: "lost+found" cannot be read: Permission denied'
    ]
    assert imported.recordings == 1
    with pytest.raises(CatalogError, match=r"holds vocals\.wav .*; .*lost\+found: cannot be read: Permission denied"):
        import_stem_folders(song_less(tmp_path))


def song_less(folder: Path) -> Path:
    shutil.rmtree(folder / "good")
    return folder
