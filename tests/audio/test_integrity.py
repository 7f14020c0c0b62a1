import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audio import files, mpeg
from audio.errors import AudioError
from tests.audio.signals import FORMATS, encode, patched, song

SUFFIXES = list(FORMATS)


def decode(path: Path) -> int:
    return sum(block.shape[1] for block in files.blocks(path))


def cut(path: Path, source: Path, share: float) -> Path:
    content = source.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    return path


def without_xing(path: Path, source: Path) -> Path:
    """An mp3 as older encoders wrote them: frames alone."""
    with source.open("rb") as file:
        stream = mpeg.walk(file)
        assert stream is not None
    path.write_bytes(source.read_bytes()[stream.audio :])
    return path


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_cut_in_the_middle_is_reported(
    suffix: str, share: float, recordings: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(AudioError, match=r"cut|damaged"):
        decode(cut(tmp_path / f"cut.{suffix}", recordings[suffix], share))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("suffix", ["flac", "mp3", "ogg", "opus"])
def test_300_damaged_bytes_in_the_middle_are_reported(
    suffix: str, seed: int, recordings: dict[str, Path], tmp_path: Path
) -> None:
    middle = recordings[suffix].stat().st_size // 2
    noise = np.random.default_rng(seed).bytes(300)
    with pytest.raises(AudioError, match="damaged"):
        decode(patched(tmp_path / f"damaged.{suffix}", recordings[suffix], middle, noise))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.05, 0.95), size=st.integers(1, 3000), seed=st.integers(0, 2**32 - 1))
def test_a_damaged_mp3_is_never_shortened_in_silence(
    share: float, size: int, seed: int, recordings: dict[str, Path], tmp_path: Path
) -> None:
    source = recordings["mp3"]
    noise = np.random.default_rng(seed).bytes(size)
    path = patched(tmp_path / "damaged.mp3", source, round(share * source.stat().st_size), noise)
    try:
        frames = decode(path)
    except AudioError:
        return
    assert frames >= files.probe(source).frames - 1152


def test_the_message_says_where_an_mp3_is_damaged(recordings: dict[str, Path], tmp_path: Path) -> None:
    middle = recordings["mp3"].stat().st_size // 2
    with pytest.raises(AudioError, match=r"is damaged at byte \d+ \(2\.\d s\): its header promises 4\.\d s"):
        decode(patched(tmp_path / "damaged.mp3", recordings["mp3"], middle, b"\0" * 2000))


@pytest.mark.parametrize("attempt", [files.probe, decode])
def test_a_cut_wav_and_a_cut_mp3_are_seen_before_decoding(
    attempt: Callable[[Path], object], recordings: dict[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        AudioError, match=r"is cut: its header promises \d+ bytes \(4\.0 s\), the file holds \d+ \(2\.0 s\)"
    ):
        attempt(cut(tmp_path / "cut.wav", recordings["wav"], 0.5))
    with pytest.raises(AudioError, match=r"is cut: its header promises 4\.0 s"):
        attempt(cut(tmp_path / "cut.mp3", recordings["mp3"], 0.5))
    assert capfd.readouterr().err == ""  # libmpg123 would complain there


def wav_of_ten_hours(path: Path) -> None:
    data_bytes = 36_000 * 32_000
    form = struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)
    riff = b"RIFF" + struct.pack("<I", data_bytes + 36) + b"WAVEfmt " + form + b"data" + struct.pack("<I", data_bytes)
    path.write_bytes(riff + bytes(1000))


def flac_of_ten_hours(path: Path) -> None:
    soundfile.write(path, np.zeros((44_100, 2)), 44_100, format="FLAC")
    content = bytearray(path.read_bytes())
    fields = int.from_bytes(content[18:26], "big")
    content[18:26] = (fields >> 36 << 36 | 36_000 * 44_100).to_bytes(8, "big")
    path.write_bytes(content)


def mp3_of_ten_hours(path: Path) -> None:
    header = b"\xff\xfb\x90\x00" + bytes(32) + b"Xing" + struct.pack(">II", 1, 36_000 * 44_100 // 1152)
    path.write_bytes(header.ljust(417, b"\0") + (b"\xff\xfb\x90\x00" + bytes(413)) * 2)


@pytest.mark.parametrize("attempt", [files.probe, decode])
@pytest.mark.parametrize("make", [wav_of_ten_hours, flac_of_ten_hours, mp3_of_ten_hours])
def test_a_header_that_claims_ten_hours_in_a_kilobyte_is_refused(
    make: Callable[[Path], None], attempt: Callable[[Path], object], tmp_path: Path
) -> None:
    make(tmp_path / "liar")
    assert (tmp_path / "liar").stat().st_size < 2000
    with pytest.raises(AudioError, match=r"promises"):
        attempt(tmp_path / "liar")


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000])
def test_a_wav_written_to_a_pipe_has_no_length_and_is_no_lie(
    size: int, recordings: dict[str, Path], tmp_path: Path
) -> None:
    path = patched(tmp_path / "piped.wav", recordings["wav"], 4, size.to_bytes(4, "little"))
    path = patched(path, path, 40, size.to_bytes(4, "little"))
    assert decode(path) == files.probe(recordings["wav"]).frames


def test_a_flac_without_a_length_is_counted(recordings: dict[str, Path], tmp_path: Path) -> None:
    fields = int.from_bytes(recordings["flac"].read_bytes()[18:26], "big")
    path = patched(tmp_path / "piped.flac", recordings["flac"], 18, (fields >> 36 << 36).to_bytes(8, "big"))
    frames = files.probe(recordings["flac"]).frames
    assert files.probe(path).frames == frames
    assert decode(path) == frames


def test_a_flac_without_a_length_is_counted_no_further_than_it_may_last(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.flac", np.zeros(8000 * 300, np.int16), 8000)
    fields = int.from_bytes((tmp_path / "long.flac").read_bytes()[18:26], "big")
    path = patched(tmp_path / "piped.flac", tmp_path / "long.flac", 18, (fields >> 36 << 36).to_bytes(8, "big"))
    with pytest.raises(files.AudioError, match=r"says it lasts (1\d|2\d) s"):
        files.probe(path, limits=files.Limits(max_duration_s=10))


def test_an_mp3_of_variable_rate_without_a_header_keeps_its_length(tmp_path: Path) -> None:
    y = song(6.0)
    y[:, : y.shape[1] // 2] = 0  # silence first: libsndfile's estimate from the first frames is far too long or short
    source = encode(tmp_path / "with.mp3", y, "mp3", bitrate_mode="VARIABLE", compression_level=0.2)
    path = without_xing(tmp_path / "without.mp3", source)
    estimate = soundfile.info(path).frames
    assert abs(estimate - y.shape[1]) > 44_100
    assert decode(path) == files.probe(path).frames == pytest.approx(y.shape[1], abs=3 * 1152)


def test_two_joined_mp3_files_are_read_to_the_end(recordings: dict[str, Path], tmp_path: Path) -> None:
    content = recordings["mp3"].read_bytes()
    path = tmp_path / "joined.mp3"
    path.write_bytes(content + content)
    frames = files.probe(recordings["mp3"]).frames
    assert decode(path) == files.probe(path).frames == pytest.approx(2 * frames, abs=6 * 1152)


def test_two_joined_ogg_files_are_refused_not_halved(recordings: dict[str, Path], tmp_path: Path) -> None:
    content = recordings["ogg"].read_bytes()
    (tmp_path / "joined.ogg").write_bytes(content + content)
    with pytest.raises(AudioError, match="chains 2 Ogg streams"):
        decode(tmp_path / "joined.ogg")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"ID3\x03\0\0" + bytes([0, 0, 16, 0]) + b"\xff\xfb\x90\x00" * 512, b""),
        (b"", b"TAG" + bytes(125)),
        (b"", b"APETAGEX" + struct.pack("<IIII", 2000, 5000, 1, 0) + bytes(8 + 5000)),
        (b"", b"\0" * 3000),
    ],
)
def test_tags_and_padding_around_an_mp3_are_harmless(
    before: bytes, after: bytes, recordings: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "tagged.mp3"
    path.write_bytes(before + recordings["mp3"].read_bytes() + after)
    assert decode(path) == files.probe(recordings["mp3"]).frames


def test_a_tag_behind_an_ogg_is_harmless(recordings: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "tagged.ogg"
    path.write_bytes(recordings["ogg"].read_bytes() + b"TAG" + bytes(125))
    assert decode(path) == files.probe(recordings["ogg"]).frames


@pytest.mark.parametrize("container", ["AIFF", "AU", "W64", "RF64", "CAF"])
def test_other_containers_with_a_length_are_held_to_it(container: str, clean: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "song"
    soundfile.write(path, clean.T, 44_100, format=container, subtype="PCM_16")
    assert decode(path) == clean.shape[1]
    with pytest.raises(AudioError, match=r"cut|damaged"):
        decode(cut(tmp_path / "cut", path, 0.6))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(suffix=st.sampled_from(SUFFIXES), offset=st.integers(0, 300), data=st.binary(min_size=1, max_size=8))
def test_a_header_of_any_bytes_is_audio_or_one_line(
    suffix: str, offset: int, data: bytes, recordings: dict[str, Path], tmp_path: Path
) -> None:
    path = patched(tmp_path / "any", recordings[suffix], offset, data)
    line = ""
    try:
        assert decode(path) >= files.probe(path).frames - 8192
    except AudioError as error:
        line = str(error)
    assert "\n" not in line
