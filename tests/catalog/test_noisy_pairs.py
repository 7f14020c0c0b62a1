"""Published and home-made pairs of clean and noisy recordings become catalogs; the noise is what they differ by."""

import os
from pathlib import Path

import numpy as np
import pytest

from audio.files import read, write
from catalog.errors import CatalogError
from catalog.format import Recording, open_catalog
from catalog.noisy_pairs import import_noisy_pairs
from catalog.voicebank_demand import import_voicebank_demand

RATE = 48_000


def write_pair(clean: Path, noisy: Path, snr_db: float, *, samples: int = RATE // 4, cut: int = 0) -> None:
    rng = np.random.default_rng(len(str(clean)))
    for path in (clean, noisy):
        path.parent.mkdir(parents=True, exist_ok=True)
    y = 0.1 * rng.standard_normal((1, samples))
    noise = 0.1 * 10 ** (-snr_db / 20) * rng.standard_normal((1, samples))
    write(clean, y.astype(np.float32), sample_rate=RATE)
    write(noisy, (y + noise)[:, : samples - cut].astype(np.float32), sample_rate=RATE)


def rows_of(path: Path) -> dict[str, Recording]:
    rows = list(open_catalog(path).rows())
    assert all(isinstance(row, Recording) for row in rows), rows
    return {row.id: row for row in rows}  # type: ignore[union-attr,misc]


def check_sum(root: Path, row: Recording) -> None:
    clean, noise, noisy = (read(root / path)[0] for path in (row.stems["clean"], row.stems["noise"], row.path))
    np.testing.assert_allclose(clean + noise, noisy, atol=1e-6)


def test_a_folder_of_pairs_is_a_catalog_whose_noise_is_the_difference(tmp_path: Path) -> None:
    for name, level in (("band/one.wav", 4.0), ("band/two.flac", 14.0), ("three.wav", 90.0)):
        write_pair(tmp_path / "clean" / name, tmp_path / "noisy" / name, level)
    imported = import_noisy_pairs(tmp_path)
    assert (imported.recordings, imported.problems) == (3, ())
    rows = rows_of(imported.catalog.path)
    assert {name: (row.tags, row.artist) for name, row in rows.items()} == {
        "band/one.wav": (("snr 5",), "band"),
        "band/two.flac": (("snr 15",), "band"),
        "three.wav": (("clean",), None),
    }
    for row in rows.values():
        check_sum(tmp_path, row)


def test_names_that_differ_in_their_suffix_have_noises_of_their_own(tmp_path: Path) -> None:
    for suffix, level in (("wav", 4.0), ("flac", 14.0)):
        write_pair(tmp_path / f"clean/song.{suffix}", tmp_path / f"noisy/song.{suffix}", level)
    for row in rows_of(import_noisy_pairs(tmp_path).catalog.path).values():
        check_sum(tmp_path, row)


def test_a_noise_is_written_again_when_what_it_was_made_of_has_changed_and_only_then(tmp_path: Path) -> None:
    clean, noisy = tmp_path / "clean" / "song.wav", tmp_path / "noisy" / "song.wav"
    write_pair(clean, noisy, 4.0)
    (row,) = rows_of(import_noisy_pairs(tmp_path).catalog.path).values()
    noise = tmp_path / row.stems["noise"]
    before = noise.stat().st_mtime_ns
    os.utime(clean)
    assert rows_of(import_noisy_pairs(tmp_path).catalog.path)[row.id] == row
    assert noise.stat().st_mtime_ns == before
    write_pair(clean, noisy, 14.0)
    for path in (clean, noisy):
        os.utime(path, (0, 0))  # as files have that were unpacked from an archive
    (row,) = rows_of(import_noisy_pairs(tmp_path).catalog.path).values()
    assert row.tags == ("snr 15",)
    check_sum(tmp_path, row)


def test_what_is_no_pair_is_left_out_and_told(tmp_path: Path) -> None:
    write_pair(tmp_path / "clean" / "good.wav", tmp_path / "noisy" / "good.wav", 5.0)
    write_pair(tmp_path / "clean" / "short.wav", tmp_path / "noisy" / "short.wav", 5.0, cut=100)
    write_pair(tmp_path / "clean" / "alone.wav", tmp_path / "elsewhere" / "alone.wav", 5.0)
    imported = import_noisy_pairs(tmp_path)
    assert list(rows_of(imported.catalog.path)) == ["good.wav"]
    assert [str(problem).partition(": ")[2] for problem in imported.problems] == [
        'row 1: "alone.wav" is not in noisy/',
        'row 3, column path: "noisy/short.wav" has 1 channel of 11900 samples at 48000 Hz, '
        "its clean recording has 1 channel of 12000 samples at 48000 Hz: they do not match",
    ]
    with pytest.raises(CatalogError, match="clean: is missing"):
        import_noisy_pairs(tmp_path / "elsewhere")


def test_nothing_is_written_through_a_link_that_leads_out(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "library", tmp_path / "elsewhere"
    write_pair(root / "clean" / "song.wav", root / "noisy" / "song.wav", 5.0)
    elsewhere.mkdir()
    (root / "noise").symlink_to(elsewhere)
    with pytest.raises(CatalogError, match=r'"noise/song\.wav\.flac" leads out of the catalog\'s folder'):
        import_noisy_pairs(root)
    assert not list(elsewhere.iterdir())


def test_a_pair_whose_noise_would_have_too_long_a_name_is_left_out_and_told(tmp_path: Path) -> None:
    for name in ("good", 251 * "x"):
        write_pair(tmp_path / "clean" / f"{name}.wav", tmp_path / "noisy" / f"{name}.wav", 5.0)
    imported = import_noisy_pairs(tmp_path)
    assert list(rows_of(imported.catalog.path)) == ["good.wav"]
    (problem,) = map(str, imported.problems)
    assert 'row 2, column path: "noise/xxx' in problem
    assert problem.endswith('xxx..." cannot be reached: File name too long')


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Four training speakers and the two of the test set, two sentences each."""
    for name, speakers in (("trainset_28spk", ("p226", "p227", "p286", "p287")), ("testset", ("p232", "p257"))):
        for speaker in speakers:
            for sentence in ("001", "002"):
                file = f"{speaker}_{sentence}.wav"
                write_pair(tmp_path / f"clean_{name}_wav" / file, tmp_path / f"noisy_{name}_wav" / file, 10.0)
    return tmp_path


def test_voicebank_demand_keeps_speakers_apart(published: Path) -> None:
    imported = import_voicebank_demand(published)
    rows = rows_of(imported.catalog.path)
    assert (len(rows), imported.problems) == (12, ())
    splits = {row.artist: row.split for row in rows.values()}
    assert splits == {
        "p226": "train", "p227": "train", "p286": "validation", "p287": "validation", "p232": "eval", "p257": "eval",
    }  # fmt: skip
    row = rows["testset/p232_001"]
    assert (row.tags, row.licence) == (("background", "snr 10"), "CC-BY-4.0")
    check_sum(published, row)
    rows = rows_of(import_voicebank_demand(published, test_split="test").catalog.path)
    assert rows["testset/p232_001"].split == "test"


def test_half_of_voicebank_demand_is_one_line(published: Path) -> None:
    (published / "noisy_testset_wav").rename(published / "lost")
    with pytest.raises(CatalogError, match="noisy_testset_wav is missing beside clean_testset_wav"):
        import_voicebank_demand(published)
    with pytest.raises(CatalogError, match="holds no clean_trainset_28spk_wav"):
        import_voicebank_demand(published / "lost")
