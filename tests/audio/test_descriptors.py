import dataclasses
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soxr

from audio import files
from audio.descriptors import Descriptors, DescriptorSet, describe
from audio.errors import AudioError
from tests.audio.signals import SAMPLE_RATE, encode, sine, song


def measured(y: np.ndarray, sample_rate: int, block: int = 50_000, **options: object) -> Descriptors:
    descriptors = DescriptorSet(sample_rate, y.shape[0], **{"tempo_and_key": False, **options})
    for begin in range(0, y.shape[1], block):
        descriptors.update(y[:, begin : begin + block])
    return descriptors.result()


def numbers(descriptors: Descriptors) -> list[float]:
    return [value for value in dataclasses.astuple(descriptors) if isinstance(value, int | float)]


def noise(duration_s: float, sample_rate: int, level: float = 0.1, channels: int = 2) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (level * rng.standard_normal((channels, round(duration_s * sample_rate)))).astype(np.float32)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "opus"])
def test_every_format_is_described_alike(suffix: str, recordings: dict[str, Path]) -> None:
    found = describe(recordings[suffix], tempo_and_key=False)
    info = files.probe(recordings[suffix])
    assert found.duration_s == pytest.approx(info.duration_s)
    assert (found.original_sample_rate, found.channels) == (info.sample_rate, 2)
    reference = describe(recordings["wav"], tempo_and_key=False)
    assert found.loudness_lufs == pytest.approx(reference.loudness_lufs, abs=0.5)
    assert found.peak_dbfs == pytest.approx(reference.peak_dbfs, abs=1.0)


def test_the_length_of_the_blocks_does_not_matter() -> None:
    y = song(2.0)
    short, long = measured(y, SAMPLE_RATE, block=1234), measured(y, SAMPLE_RATE, block=10**6)
    assert numbers(short) == pytest.approx(numbers(long), rel=1e-4, abs=1e-6)


def test_the_order_of_the_samples_in_memory_does_not_matter() -> None:
    y = song(1.0)
    one, other = measured(y, SAMPLE_RATE), measured(np.asfortranarray(y), SAMPLE_RATE)
    assert numbers(one) == pytest.approx(numbers(other), rel=1e-4, abs=1e-6)


def test_silence_has_the_lowest_value_of_everything() -> None:
    found = measured(np.zeros((2, 44_100), np.float32), SAMPLE_RATE)
    assert found == Descriptors(1.0, SAMPLE_RATE, 2, -70.0, -120.0, 0.0, 0.0, 1.0, 0.0, None, None)
    with_music = measured(np.zeros((2, 44_100), np.float32), SAMPLE_RATE, tempo_and_key=True)
    assert (with_music.tempo_bpm, with_music.key) == (0.0, None)


@pytest.mark.parametrize("level_dbfs", [-40.0, -6.0, 0.0, 3.0])
def test_peak_is_the_largest_sample(level_dbfs: float) -> None:
    y = song(1.0)
    y *= 10 ** (level_dbfs / 20) / np.abs(y).max()
    assert measured(y, SAMPLE_RATE).peak_dbfs == pytest.approx(level_dbfs, abs=1e-3)


def test_clipped_share_counts_the_samples_at_full_scale() -> None:
    y = noise(1.0, SAMPLE_RATE, level=0.5)
    clipped = files.pcm16_array(files.pcm16_bytes(y), channels=2)
    share = np.mean(np.abs(y) >= 32767 / 32768)
    assert measured(clipped, SAMPLE_RATE).clipped_share == pytest.approx(share, rel=1e-3)
    assert share > 0.01
    assert measured(0.9 * y / np.abs(y).max(), SAMPLE_RATE).clipped_share == 0


def test_dc_offset_is_that_of_the_worse_channel() -> None:
    y = sine(441, 1.0, SAMPLE_RATE).repeat(2, axis=0) + np.array([[0.01], [-0.05]], np.float32)
    assert measured(y, SAMPLE_RATE).dc_offset == pytest.approx(-0.05, abs=1e-4)


@pytest.mark.parametrize("silent_s", [0, 1, 3])
def test_silence_share_is_the_share_of_quiet_frames(silent_s: int) -> None:
    y = noise(4.0, SAMPLE_RATE)
    y[:, : silent_s * SAMPLE_RATE] *= 1e-4
    y += 0.1  # a DC offset is no sound
    assert measured(y, SAMPLE_RATE).silence_share == pytest.approx(silent_s / 4, abs=0.06)


@pytest.mark.parametrize("old_rate", [8_000, 16_000, 32_000])
def test_bandwidth_shows_the_old_rate_of_an_upsampled_file(old_rate: int, tmp_path: Path) -> None:
    y = soxr.resample(noise(4.0, old_rate).T, old_rate, SAMPLE_RATE).T
    files.write(tmp_path / "upsampled.wav", y, sample_rate=SAMPLE_RATE)
    assert describe(tmp_path / "upsampled.wav", tempo_and_key=False).bandwidth_hz == pytest.approx(
        old_rate / 2, abs=500
    )


def test_bandwidth_shows_the_lowpass_of_an_mp3(tmp_path: Path) -> None:
    y = song(4.0) + noise(4.0, SAMPLE_RATE, level=0.02)
    assert measured(y, SAMPLE_RATE).bandwidth_hz > 21_500
    path = encode(tmp_path / "narrow.mp3", y, "mp3", bitrate_mode="CONSTANT", compression_level=0.9)
    narrow = describe(path, tempo_and_key=False).bandwidth_hz
    assert 3000 < narrow < 17_000


@pytest.mark.parametrize("frequency", [300, 3_300, 15_100])
def test_bandwidth_of_a_sine_is_the_band_that_holds_it(frequency: int) -> None:
    found = measured(sine(frequency, 2.0, SAMPLE_RATE), SAMPLE_RATE).bandwidth_hz
    assert frequency < found <= frequency + 500


def test_bandwidth_does_not_depend_on_the_level(tmp_path: Path) -> None:
    y = soxr.resample(noise(3.0, 16_000).T, 16_000, SAMPLE_RATE).T
    for level in (1.0, 0.03):
        files.write(tmp_path / "x.wav", level * y, sample_rate=SAMPLE_RATE)
        assert describe(tmp_path / "x.wav", tempo_and_key=False).bandwidth_hz == pytest.approx(8000, abs=500)


def test_tempo_and_key_are_taken_from_the_middle_of_a_long_recording() -> None:
    rate = 16_000
    beat = noise(0.5, rate, channels=1)[0] * np.exp(-12 * np.arange(rate // 2) / rate)  # 120 a minute
    middle = np.tile(beat, 60) + sine(440, 30, rate)[0]
    silence = np.zeros(20 * rate)
    y = np.concatenate([silence, middle, silence]).astype(np.float32)[np.newaxis]
    found = measured(y, rate, tempo_and_key=True, frames=y.shape[1])
    assert found.tempo_bpm == pytest.approx(120, rel=0.04)
    assert found.key is not None
    assert found.key.startswith("A")
    without_frames = measured(y[:, : 18 * rate], rate, tempo_and_key=True)
    assert (without_frames.tempo_bpm, without_frames.key) == (0.0, None)


def test_memory_stays_flat() -> None:
    def peak(minutes: int) -> int:
        block = noise(10.0, 8000, channels=1)
        descriptors = DescriptorSet(8000, 1, frames=minutes * 60 * 8000, tempo_and_key=True)
        tracemalloc.start()
        try:
            for _ in range(6 * minutes):
                descriptors.update(block)
            descriptors.result()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2)  # caches
    assert peak(16) < peak(4) + (1 << 20)


def test_a_damaged_file_is_not_described(recordings: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "cut.mp3").write_bytes(recordings["mp3"].read_bytes()[:30_000])
    with pytest.raises(AudioError, match="is cut"):
        describe(tmp_path / "cut.mp3")


@pytest.mark.parametrize("samples", [1, 2, 100, 5000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_the_shortest_recordings_have_finite_descriptors(samples: int, channels: int) -> None:
    found = measured(noise(1.0, SAMPLE_RATE, channels=channels)[:, :samples], SAMPLE_RATE, tempo_and_key=True)
    assert np.all(np.isfinite(numbers(found)))


def test_no_samples_are_an_error() -> None:
    with pytest.raises(ValueError, match="no samples"):
        DescriptorSet(44_100, 2).result()
