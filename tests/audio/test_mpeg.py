import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audio import mpeg


def walked(content: bytes) -> mpeg.Stream:
    stream = mpeg.walk(io.BytesIO(content))
    assert stream is not None
    return stream


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_frames_of_every_rate_are_counted(sample_rate: int, channels: int, tmp_path: Path) -> None:
    path = tmp_path / "noise.mp3"
    noise = 0.1 * np.random.default_rng(0).standard_normal((sample_rate, channels))
    soundfile.write(path, noise, sample_rate, format="MP3", subtype="MPEG_LAYER_III")
    stream = walked(path.read_bytes())
    assert stream.frames == stream.promised_frames
    assert stream.promised_bytes == path.stat().st_size
    assert (stream.frame.sample_rate, stream.frame.channels) == (sample_rate, channels)
    assert stream.break_offset is None
    assert sample_rate <= stream.frames * stream.frame.samples <= sample_rate + 4 * stream.frame.samples


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.05, 1.0))
def test_a_cut_stream_has_the_frames_that_are_whole(share: float, recordings: dict[str, Path]) -> None:
    content = recordings["mp3"].read_bytes()
    ends, at = [], walked(content).audio
    while frame := mpeg.parse(content[at : at + 4]):
        at += frame.size
        ends.append(at)
    kept = max(round(share * len(content)), ends[2])
    assert walked(content[:kept]).frames == sum(end <= kept for end in ends)


def test_windows_do_not_change_the_count(recordings: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(recordings["mp3"].read_bytes())
    content[20_000:20_500] = bytes(500)
    expected = walked(bytes(content))
    monkeypatch.setattr(mpeg, "WINDOW_BYTES", 1 << 12)
    assert walked(bytes(content)) == expected
    assert expected.break_offset is not None
    assert abs(expected.break_offset - 20_000) < 500
    assert 1 <= expected.lost_frames < 4


def test_a_counted_header_tells_its_frames(recordings: dict[str, Path]) -> None:
    stream = walked(recordings["mp3"].read_bytes())
    header = mpeg.counted_header(stream)
    again = walked(header + recordings["mp3"].read_bytes()[stream.audio :])
    assert again.promised_frames == again.frames == stream.frames


NO_MP3 = [b"", b"\xff", b"text" * 100, bytes(5000), b"\xff\xfb\x90\x00" * 300, b"ID3\x03\0\0\0\0\0\0"]


@pytest.mark.parametrize("content", NO_MP3)
def test_what_is_no_mp3_has_no_frames(content: bytes) -> None:
    assert mpeg.walk(io.BytesIO(content)) is None
