import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audio import files
from audio.errors import AudioError
from audio.files import Limits
from tests.audio.signals import FORMATS, song

SUFFIXES = list(FORMATS)
LOSSLESS = ["wav", "flac"]


def joined(path: Path, **options: object) -> np.ndarray:
    return np.concatenate(list(files.blocks(path, **options)), axis=1)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_probe_tells_what_the_file_holds(suffix: str, recordings: dict[str, Path], clean: np.ndarray) -> None:
    info = files.probe(recordings[suffix])
    rate = FORMATS[suffix][2]
    assert (info.sample_rate, info.channels, info.frames) == (rate, 2, clean.shape[1])
    assert info.duration_s == pytest.approx(clean.shape[1] / rate)
    assert info.container == ("ogg" if suffix == "opus" else suffix)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_blocks_give_exactly_the_frames_that_the_header_promises(suffix: str, recordings: dict[str, Path]) -> None:
    y = joined(recordings[suffix], block_s=0.7)
    assert y.dtype == np.float32
    assert y.shape == (2, files.probe(recordings[suffix]).frames)


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_lossless_formats_decode_to_what_was_written(
    suffix: str, recordings: dict[str, Path], clean: np.ndarray
) -> None:
    np.testing.assert_allclose(joined(recordings[suffix]), clean, atol=1 / 32768)


@pytest.mark.parametrize("suffix", ["mp3", "ogg"])
def test_lossy_formats_decode_in_time_with_what_was_written(
    suffix: str, recordings: dict[str, Path], clean: np.ndarray
) -> None:
    y = joined(recordings[suffix])
    assert np.corrcoef(y.ravel(), clean.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("block_s", [0.01, 0.35, 100.0])
def test_the_block_length_changes_nothing(block_s: float, recordings: dict[str, Path]) -> None:
    whole = joined(recordings["mp3"], sample_rate=16_000, channels=1)
    np.testing.assert_array_equal(joined(recordings["mp3"], sample_rate=16_000, channels=1, block_s=block_s), whole)


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 48_000])
def test_streamed_resampling_equals_resampling_at_once(sample_rate: int, recordings: dict[str, Path]) -> None:
    at_once = soxr.resample(soundfile.read(recordings["flac"], dtype="float32")[0], 44_100, sample_rate)
    np.testing.assert_allclose(joined(recordings["flac"], sample_rate=sample_rate, block_s=0.3), at_once.T, atol=1e-6)


def test_mixing_down_is_the_mean_of_the_channels(recordings: dict[str, Path]) -> None:
    stereo, mono = joined(recordings["wav"]), joined(recordings["wav"], channels=1)
    np.testing.assert_allclose(mono[0], stereo.mean(axis=0), atol=1e-7)


def test_a_mono_file_is_copied_to_every_channel_asked_for(tmp_path: Path) -> None:
    files.write(tmp_path / "mono.wav", song(0.2, channels=1), sample_rate=44_100)
    y = joined(tmp_path / "mono.wav", channels=2)
    assert y.shape[0] == 2
    np.testing.assert_array_equal(y[0], y[1])


def test_three_channels_cannot_become_two(tmp_path: Path) -> None:
    files.write(tmp_path / "three.wav", song(0.2, channels=3), sample_rate=44_100)
    with pytest.raises(AudioError, match="has 3 channels, from which 2 cannot be made"):
        joined(tmp_path / "three.wav", channels=2)


def test_read_gives_the_whole_file_and_its_rate(recordings: dict[str, Path]) -> None:
    y, sample_rate = files.read(recordings["ogg"])
    assert sample_rate == 44_100
    assert y.flags.c_contiguous
    np.testing.assert_array_equal(y, joined(recordings["ogg"]))
    resampled, sample_rate = files.read(recordings["ogg"], sample_rate=16_000, channels=1)
    assert sample_rate == 16_000
    assert resampled.shape == (1, 64_000)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    suffix=st.sampled_from(SUFFIXES),
    sample_rate=st.sampled_from([None, 16_000, 22_050]),
    offset_s=st.floats(0, 3.5),
    duration_s=st.one_of(st.none(), st.floats(0.01, 5)),
)
def test_an_excerpt_is_that_stretch_of_the_whole_file(
    suffix: str, sample_rate: int | None, offset_s: float, duration_s: float | None, recordings: dict[str, Path]
) -> None:
    whole, rate = files.read(recordings[suffix], sample_rate=sample_rate)
    begin = round(offset_s * rate)
    expected = whole[:, begin:] if duration_s is None else whole[:, begin : begin + round(duration_s * rate)]
    excerpt, _ = files.read(recordings[suffix], sample_rate=sample_rate, offset_s=offset_s, duration_s=duration_s)
    assert excerpt.shape == expected.shape
    np.testing.assert_allclose(excerpt, expected, atol=1e-6)


def test_an_excerpt_behind_the_end_is_an_error(recordings: dict[str, Path]) -> None:
    with pytest.raises(AudioError, match=r"lasts 4\.00 s; offset_s=4\.5 lies behind its end"):
        files.read(recordings["wav"], offset_s=4.5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, 20_000.0])
def test_a_sample_that_is_no_audio_is_reported_with_its_time(value: float, tmp_path: Path) -> None:
    y = song(1.0)
    y[1, 22_050] = value
    soundfile.write(tmp_path / "bad.wav", y.T, 44_100, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"holds the sample .* at 0\.500 s"):
        joined(tmp_path / "bad.wav")


@pytest.mark.parametrize(
    ("limits", "line"),
    [
        (Limits(max_duration_s=3.9), "says it lasts 4 s; at most 4 s are read"),
        (Limits(max_channels=1), "has 2 channels; it must have from 1 to 1"),
        (Limits(min_sample_rate=48_000), "has a sample rate of 44100 Hz; it must be from 48000 to 384000 Hz"),
        (Limits(max_sample_rate=22_050), "has a sample rate of 44100 Hz; it must be from 4000 to 22050 Hz"),
        (Limits(max_bytes=1000), "at most 1000 are read"),
    ],
)
def test_a_file_beyond_a_limit_is_refused(limits: Limits, line: str, recordings: dict[str, Path]) -> None:
    for attempt in (files.probe, joined):
        with pytest.raises(AudioError, match=line):
            attempt(recordings["wav"], limits=limits)


def test_memory_stays_flat_over_two_hours(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros(8000, np.int16), 8000)
    data_bytes = 2 * 3600 * 8000 * 2
    header = bytearray(path.read_bytes()[:44])
    header[4:8] = (data_bytes + 36).to_bytes(4, "little")
    header[40:44] = data_bytes.to_bytes(4, "little")
    path.write_bytes(header)
    with path.open("r+b") as file:
        file.truncate(44 + data_bytes)  # sparse: silence
    tracemalloc.start()
    try:
        samples = sum(block.shape[1] for block in files.blocks(path, sample_rate=4000))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert samples == 2 * 3600 * 4000
    assert peak_bytes < 4 << 20


def test_files_are_decoded_side_by_side_in_threads(recordings: dict[str, Path]) -> None:
    expected = {suffix: joined(path).sum() for suffix, path in recordings.items()}
    found: dict[str, float] = {}
    threads = [
        threading.Thread(target=lambda s=suffix, p=path: found.update({s: joined(p, block_s=0.1).sum()}))
        for suffix, path in recordings.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == pytest.approx(expected, rel=1e-3)
