import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audio import files
from audio.errors import AudioError
from tests.audio.signals import song
from tests.full_disk import files_of_at_most


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "aif", "caf", "au", "w64"])
def test_16_bit_samples_come_back_as_they_were(suffix: str, tmp_path: Path) -> None:
    y = np.random.default_rng(0).integers(-32768, 32768, (2, 5000)).astype(np.float32) / 32768
    files.write(tmp_path / f"x.{suffix}", y, sample_rate=44_100)
    again, sample_rate = files.read(tmp_path / f"x.{suffix}")
    assert sample_rate == 44_100
    np.testing.assert_array_equal(again, y)


@pytest.mark.parametrize(("suffix", "sample_rate"), [("mp3", 44_100), ("ogg", 44_100), ("opus", 48_000)])
def test_lossy_files_keep_their_length_even_when_long(suffix: str, sample_rate: int, tmp_path: Path) -> None:
    y = np.tile(song(1.0), 12)
    files.write(tmp_path / f"x.{suffix}", y, sample_rate=sample_rate)
    assert files.read(tmp_path / f"x.{suffix}")[0].shape == y.shape


def test_float_files_keep_what_lies_beyond_full_scale(tmp_path: Path) -> None:
    y = np.array([[0.1, -3.0, 2.5]], np.float32)
    files.write(tmp_path / "x.wav", y, sample_rate=8000, subtype="FLOAT")
    np.testing.assert_array_equal(files.read(tmp_path / "x.wav")[0], y)
    files.write(tmp_path / "x.wav", y, sample_rate=8000)
    np.testing.assert_allclose(files.read(tmp_path / "x.wav")[0], [[0.1, -1.0, 1.0]], atol=1 / 32768)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    samples=st.integers(1, 100_000), channels=st.integers(1, 8), sample_rate=st.sampled_from([8000, 44_100, 192_000])
)
def test_every_shape_comes_back(samples: int, channels: int, sample_rate: int, tmp_path: Path) -> None:
    y = np.random.default_rng(samples).integers(-99, 99, (channels, samples)).astype(np.float32) / 32768
    files.write(tmp_path / "x.wav", y, sample_rate=sample_rate)
    again, rate = files.read(tmp_path / "x.wav")
    assert rate == sample_rate
    np.testing.assert_array_equal(again, y)


def test_a_failure_on_the_way_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write(tmp_path / "x.wav", song(0.5), sample_rate=44_100)
    old = (tmp_path / "x.wav").read_bytes()
    writes = []

    def fail_later(self: soundfile.SoundFile, data: np.ndarray) -> None:
        writes.append(len(data))
        if len(writes) == 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(soundfile.SoundFile, "write", fail_later)
    with pytest.raises(OSError, match="No space left on device"):
        files.write(tmp_path / "x.wav", song(4.0, seed=1), sample_rate=44_100)
    assert (tmp_path / "x.wav").read_bytes() == old
    assert os.listdir(tmp_path) == ["x.wav"]


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "caf", "au", "w64", "mp3", "ogg", "opus"])
@pytest.mark.parametrize("frames", [3000, 100_000])
def test_a_full_disk_leaves_no_half_file_and_is_told(suffix: str, frames: int, tmp_path: Path) -> None:
    path = tmp_path / f"x.{suffix}"
    y = np.random.default_rng(0).uniform(-1, 1, (2, frames)).astype(np.float32)
    files.write(path, y, sample_rate=48_000)
    size = path.stat().st_size
    path.unlink()
    for room in (0, 1, size // 2, size - 1):  # libsndfile writes the last of a file when it closes it
        with files_of_at_most(room), pytest.raises(OSError, match="File too large") as error:
            files.write(path, y, sample_rate=48_000)
        assert error.value.filename == str(path)
        assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_a_signal_on_the_way_stops_it_and_leaves_nothing(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = soundfile.SoundFile.write

    def interrupted(self: soundfile.SoundFile, data: np.ndarray) -> None:
        write(self, data)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(soundfile.SoundFile, "write", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background may ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            files.write(tmp_path / f"x.{suffix}", song(1.0), sample_rate=44_100)
    finally:
        signal.signal(signal.SIGINT, before)
    assert os.listdir(tmp_path) == []


def test_the_new_file_appears_whole_and_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (events.append("fsync"), sync(descriptor)))

    def watched(source: Path, target: Path) -> None:
        events.append("replace")
        assert files.read(source)[0].shape == (2, 44_100)
        assert Path(source).parent == Path(target).parent
        replace(source, target)

    monkeypatch.setattr(os, "replace", watched)
    files.write(tmp_path / "x.wav", song(1.0), sample_rate=44_100)
    assert events == ["fsync", "replace"]


def test_a_name_as_long_as_names_may_be_is_written(tmp_path: Path) -> None:
    for name in ("x" * 251, "\u97f3" * 83):  # 255 and 253 bytes with their suffix
        files.write(tmp_path / f"{name}.wav", np.ones((1, 8)) / 2, sample_rate=8000)
        assert files.probe(tmp_path / f"{name}.wav").frames == 8


def test_a_written_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "reference").touch()
    files.write(tmp_path / "x.wav", song(0.1), sample_rate=44_100)
    expected = stat.S_IMODE((tmp_path / "reference").stat().st_mode)
    assert stat.S_IMODE((tmp_path / "x.wav").stat().st_mode) == expected


@pytest.mark.parametrize(
    ("name", "y", "options", "line"),
    [
        ("x.xyz", song(0.1), {}, "has the suffix '.xyz'; audio is written as .wav"),
        ("x.mp3", song(0.1), {"subtype": "PCM_24"}, "cannot hold subtype='PCM_24'"),
        ("x.wav", song(0.1)[0], {}, r"cannot hold an array of shape \(4410,\); \[channels, samples\] is expected"),
        ("x.wav", np.full((1, 10), np.nan, np.float32), {}, "was not written: a sample is not a number"),
        ("nowhere/x.wav", song(0.1), {}, "cannot be written: No such file or directory"),
        ("x.opus", song(0.1), {}, "cannot be written"),  # 44.1 kHz is no rate of Opus
    ],
)
def test_what_cannot_be_written_gets_one_line(
    name: str, y: np.ndarray, options: dict[str, str], line: str, tmp_path: Path
) -> None:
    with pytest.raises(AudioError, match=line) as caught:
        files.write(tmp_path / name, y, sample_rate=44_100, **options)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_blocks_make_the_file_that_the_whole_makes_and_a_failure_among_them_none(tmp_path: Path) -> None:
    y = song(1.0)
    files.write(tmp_path / "whole.flac", y, sample_rate=44_100)
    files.write_blocks(tmp_path / "x.flac", (y[:, n : n + 999] for n in range(0, y.shape[1], 999)),
                       sample_rate=44_100, channels=2)  # fmt: skip
    before = (tmp_path / "x.flac").read_bytes()
    assert before == (tmp_path / "whole.flac").read_bytes()

    def broken() -> Iterator[np.ndarray]:
        yield y
        raise AudioError("source.wav", "is damaged")

    with pytest.raises(AudioError, match=r"source\.wav: is damaged"):
        files.write_blocks(tmp_path / "x.flac", broken(), sample_rate=44_100, channels=2)
    with pytest.raises(AudioError, match="cannot hold a block of shape"):
        files.write_blocks(tmp_path / "x.flac", [y, y[:1]], sample_rate=44_100, channels=2)
    assert (tmp_path / "x.flac").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["whole.flac", "x.flac"]
