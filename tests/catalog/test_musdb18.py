"""MUSDB18 in both published layouts becomes a catalog of vocals and accompaniment."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from audio.files import read, write
from catalog.errors import CatalogError
from catalog.format import Problem, Recording, open_catalog
from catalog.musdb18 import VALIDATION, import_musdb18

RATE = 44_100
TRAINED = "A Classic Education - NightOwl"
VALIDATED = "Leaf - Summerghost"
TESTED = "AM Contra - Heart Peripheral"
PARTS = {"drums": 200.0, "bass": 80.0, "other": 1000.0, "vocals": 400.0}


def tone(frequency: float, seconds: float = 0.6) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return np.tile(0.2 * np.sin(2 * np.pi * frequency * t), (2, 1)).astype(np.float32)


def wav_folder(folder: Path, **frequencies: float) -> None:
    folder.mkdir(parents=True)
    parts = {name: tone(frequency) for name, frequency in (PARTS | frequencies).items()}
    for name, y in (parts | {"mixture": sum(parts.values())}).items():
        write(folder / f"{name}.wav", y, sample_rate=RATE)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """MUSDB18-HQ: three songs as folders of wav files."""
    for place in (f"train/{TRAINED}", f"train/{VALIDATED}", f"test/{TESTED}"):
        wav_folder(tmp_path / place)
    return tmp_path


@pytest.fixture
def ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A real ffmpeg on PATH."""
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return str(program)


def stem_file(program: str, path: Path, scratch: Path, **frequencies: float) -> None:
    """Five AAC streams in one mp4, in the published order."""
    wav_folder(scratch, **frequencies)
    names = ("mixture", "drums", "bass", "other", "vocals")
    inputs = [option for name in names for option in ("-i", str(scratch / f"{name}.wav"))]
    maps = [option for number in range(len(names)) for option in ("-map", f"{number}:a")]
    path.parent.mkdir(parents=True)
    subprocess.run(
        [program, "-v", "error", *inputs, *maps, "-c:a", "aac", "-b:a", "256k", str(path)], check=True, timeout=60
    )


def rows(root: Path) -> list[Recording]:
    found = list(open_catalog(root / "catalog.csv").rows(check_files=True))
    assert not [row for row in found if isinstance(row, Problem)]
    return [row for row in found if isinstance(row, Recording)]


def loudest(path: Path) -> list[float]:
    """Frequencies of the spectrum's peaks, Hz."""
    y, rate = read(path)
    magnitude = np.abs(np.fft.rfft(y[0] * np.hanning(y.shape[1])))
    bins = np.flatnonzero(magnitude > 0.3 * magnitude.max())
    peaks = [b for b in bins if magnitude[b] == magnitude[max(b - 5, 0) : b + 6].max()]
    return [round(float(b) * rate / y.shape[1], -1) for b in peaks]


def test_a_wav_folder_gets_its_accompaniment(published: Path) -> None:
    imported = import_musdb18(published)
    assert (imported.recordings, imported.problems) == (3, ())
    first = rows(published)[0]
    assert (first.id, first.artist, first.title) == (f"train/{TRAINED}", "A Classic Education", "NightOwl")
    assert first.path == f"train/{TRAINED}/mixture.wav"
    accompaniment, _ = read(published / first.stems["accompaniment"])
    expected = sum(read(published / f"train/{TRAINED}/{part}.wav")[0] for part in ("drums", "bass", "other"))
    np.testing.assert_allclose(accompaniment, expected, atol=1e-6)


def test_an_accompaniment_is_written_again_when_a_part_has_changed(published: Path) -> None:
    import_musdb18(published)
    folder = published / "train" / TRAINED
    write(folder / "bass.wav", tone(120.0), sample_rate=RATE)
    import_musdb18(published)
    expected = sum(read(folder / f"{part}.wav")[0] for part in ("drums", "bass", "other"))
    np.testing.assert_allclose(read(folder / "accompaniment.wav")[0], expected, atol=1e-6)


def test_a_song_whose_parts_were_deleted_keeps_its_accompaniment(published: Path) -> None:
    import_musdb18(published)
    for part in ("drums", "bass", "other"):
        (published / "train" / TRAINED / f"{part}.wav").unlink()
    assert import_musdb18(published).recordings == 3


def test_the_splits_are_the_published_ones(published: Path) -> None:
    assert len(VALIDATION) == 14
    import_musdb18(published)
    assert [row.split for row in rows(published)] == ["train", "validation", "test"]
    import_musdb18(published, test_split="eval")
    assert [row.split for row in rows(published)] == ["train", "validation", "eval"]


def test_a_stem_file_is_decoded_stream_by_stream(tmp_path: Path, ffmpeg: str) -> None:
    root = tmp_path / "musdb18"
    stem_file(ffmpeg, root / "train" / f"{TRAINED}.stem.mp4", tmp_path / "scratch")
    done: list[tuple[int, int]] = []
    assert import_musdb18(root, progress=lambda *count: done.append(count)).recordings == 1
    assert done == [(1, 1)]
    (row,) = rows(root)
    assert row.id == f"train/{TRAINED}"
    assert loudest(root / row.stems["vocals"]) == [400]
    assert loudest(root / row.stems["accompaniment"]) == [80, 200, 1000]
    written = (root / row.stems["vocals"]).stat().st_mtime_ns
    assert import_musdb18(root).recordings == 1
    assert (root / row.stems["vocals"]).stat().st_mtime_ns == written


def test_a_stem_file_that_was_replaced_is_decoded_again(tmp_path: Path, ffmpeg: str) -> None:
    root = tmp_path / "musdb18"
    stem_file(ffmpeg, root / "train" / f"{TRAINED}.stem.mp4", tmp_path / "scratch")
    import_musdb18(root)
    (root / "train" / f"{TRAINED}.stem.mp4").unlink()
    stem_file(ffmpeg, tmp_path / "new" / "new.stem.mp4", tmp_path / "scratch2", vocals=600.0)
    (tmp_path / "new" / "new.stem.mp4").rename(root / "train" / f"{TRAINED}.stem.mp4")
    import_musdb18(root)
    (row,) = rows(root)
    assert loudest(root / row.stems["vocals"]) == [600]
    assert loudest(root / row.path) == [80, 200, 600, 1000]


def test_stem_files_without_ffmpeg_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / f"{TRAINED}.stem.mp4").write_bytes(b"mp4")
    with pytest.raises(CatalogError, match=r"ffmpeg, which is not on PATH; install it, or use the wav folders"):
        import_musdb18(tmp_path)


def test_a_song_with_a_part_missing_is_left_out_and_told(published: Path) -> None:
    (published / "train" / TRAINED / "bass.wav").unlink()
    imported = import_musdb18(published)
    assert imported.recordings == 2
    assert "bass.wav" in str(imported.problems[0])


def test_a_song_whose_name_is_as_long_as_a_name_can_be_is_left_out_and_told(published: Path) -> None:
    """With .stem.mp4 behind it, it is longer than any file's."""
    wav_folder(published / "train" / (250 * "x"))
    imported = import_musdb18(published)
    assert imported.recordings == 3
    (problem,) = map(str, imported.problems)
    assert problem.endswith('xxx..." has more than 200 characters')


def test_nothing_is_written_through_a_link_that_leads_out(
    published: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / TESTED
    (published / "test" / TESTED).rename(elsewhere)
    (published / "test" / TESTED).symlink_to(elsewhere)
    imported = import_musdb18(published)
    assert imported.recordings == 2
    (problem,) = map(str, imported.problems)
    assert problem.endswith(f'column stems: "test/{TESTED}/mixture.wav" leads out of the catalog\'s folder')
    assert not (elsewhere / "accompaniment.wav").exists()


def test_an_empty_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="holds no song in train/ or test/"):
        import_musdb18(tmp_path)
