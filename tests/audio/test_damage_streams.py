"""Real streams, damaged and decoded: what comparison finds is what was done."""

import io
from itertools import pairwise
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from audio import mpeg, ogg
from audio.damage import streams
from audio.damage.comparison import differences
from audio.damage.streams import Codec, codecs
from audio.damage.transmission import SKIP, coded, garbled, lossy, lossy_pcm
from audio.errors import DaCapoError
from tests.audio.signals import SAMPLE_RATE, song

LIBSNDFILE = ("mp3", "ogg", "opus")


@pytest.fixture(scope="module")
def y() -> np.ndarray:
    return song(4.0, channels=1, seed=1)[0]


@pytest.fixture
def ffmpeg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize("name", LIBSNDFILE)
def test_units_follow_each_other_without_a_gap_and_can_be_put_together_again(y: np.ndarray, name: str) -> None:
    codec = Codec(name, SAMPLE_RATE, 0.5)
    data = codec.encode(codec.to_coded(y))
    stream = codec.stream(data)
    assert stream.units > 50
    assert stream.without([]) == data
    assert stream.garbled([], np.random.default_rng(0)) == data


def test_frames_of_an_mp3_begin_with_headers(y: np.ndarray) -> None:
    data = Codec("mp3", SAMPLE_RATE, 0.5).encode(y)
    bounds = streams.mpeg_frames(data)
    assert all((frame := mpeg.parse(data[a : a + 4])) and frame.size == b - a for a, b in pairwise(bounds))


def test_pages_without_a_packet_are_whole_pages(y: np.ndarray) -> None:
    codec = Codec("ogg", SAMPLE_RATE, 0.5)
    data = codec.encode(y)
    damaged = codec.stream(data).without([30, 31])
    assert len(damaged) < len(data)
    pages, whole = ogg.walk(io.BytesIO(damaged)), ogg.walk(io.BytesIO(data))
    assert (pages.pages, pages.broken_offset) == (whole.pages, None)


@pytest.mark.parametrize("name", LIBSNDFILE)
def test_lost_packets_shrink_the_timeline_by_what_was_lost(y: np.ndarray, name: str) -> None:
    codec = Codec(name, SAMPLE_RATE, 0.3)
    reference = codec.decode(data := codec.encode(codec.to_coded(y)))
    stream = codec.stream(data)
    first = stream.units // 2
    lost = range(first, first + stream.units // 20)
    damaged = codec.decode(stream.without(lost))
    (difference,) = differences(reference, damaged, codec.coded_rate)
    expected = len(lost) * len(reference) / stream.units
    assert difference.removed == pytest.approx(expected, rel=0.35)
    assert difference.start / codec.coded_rate == pytest.approx(2.0, abs=0.25)
    behind = difference.stop + codec.coded_rate // 4
    np.testing.assert_allclose(
        damaged[behind : behind + 8192],
        reference[behind + difference.removed : behind + difference.removed + 8192],
        atol=0.03,
    )


@pytest.mark.parametrize("name", LIBSNDFILE)
def test_garbled_frames_are_found_where_they_are_and_keep_the_time(y: np.ndarray, name: str) -> None:
    codec = Codec(name, SAMPLE_RATE, 0.3)
    damaged = garbled(y, codec, np.random.default_rng(4))
    assert len(damaged.y) == len(y)
    assert damaged.removals == ()
    healthy = coded(y, codec)
    marks = np.zeros(len(y), bool)
    for region in damaged.regions:
        assert region.name == "codec"
        marks[max(0, region.start - 256) : region.stop + 2048] = True
    error = np.square(damaged.y - healthy)
    assert error[marks].mean() > 30 * error[~marks].mean()


@pytest.mark.parametrize("lost", [441, 2205, 11_025])
def test_samples_that_are_gone_are_found_to_the_sample(y: np.ndarray, lost: int) -> None:
    at = 70_000
    (difference,) = differences(y, np.concatenate([y[:at], y[at + lost :]]), SAMPLE_RATE)
    assert difference.removed == lost
    assert at - 256 <= difference.start <= at <= difference.stop <= at + 5 * 256


@pytest.mark.parametrize("seed", range(3))
def test_bare_packets_that_are_lost_are_skips_and_add_up(y: np.ndarray, seed: int) -> None:
    damaged = lossy_pcm(y, SAMPLE_RATE, np.random.default_rng(seed))
    assert damaged.regions
    assert {region.name for region in damaged.regions} == {SKIP}
    assert sum(removal.count for removal in damaged.removals) == len(y) - len(damaged.y)


def test_an_undamaged_decode_has_no_differences(y: np.ndarray) -> None:
    assert differences(y, y.copy(), SAMPLE_RATE) == ()


def test_a_healthy_codec_keeps_length_and_place(y: np.ndarray) -> None:
    for name in LIBSNDFILE:
        heard = coded(y, Codec(name, SAMPLE_RATE, 0.1))
        assert len(heard) == len(y)
        assert np.corrcoef(heard, y)[0, 1] > 0.97, name


@pytest.mark.usefixtures("ffmpeg")
def test_aac_goes_through_ffmpeg_in_place_and_loses_what_it_is_made_to_lose(y: np.ndarray) -> None:
    assert "aac" in codecs()
    codec = Codec("aac", SAMPLE_RATE, 0.3)
    assert np.corrcoef(coded(y, codec), y)[0, 1] > 0.97
    damaged = lossy(y, codec, np.random.default_rng(0))
    assert SKIP in {region.name for region in damaged.regions}
    assert len(y) - len(damaged.y) == sum(removal.count for removal in damaged.removals)


def test_without_ffmpeg_there_is_no_aac(no_ffmpeg: None) -> None:
    assert codecs() == LIBSNDFILE
    with pytest.raises(DaCapoError, match="aac needs ffmpeg"):
        Codec("aac", SAMPLE_RATE, 0.3).encode(np.zeros(100, np.float32))


@pytest.mark.parametrize("name", LIBSNDFILE)
@pytest.mark.parametrize("rate", [88_200, 96_000, 192_000, 384_000, 37_800])
def test_every_codec_takes_every_rate_and_keeps_length_and_place(name: str, rate: int) -> None:
    music = song(1.0, rate, channels=1)[0]
    heard = coded(music, Codec(name, rate, 0.1))
    assert len(heard) == len(music)
    assert np.corrcoef(heard, music)[0, 1] > 0.97


@pytest.mark.usefixtures("ffmpeg")
def test_aac_of_a_rate_that_it_has_not_keeps_its_place() -> None:
    music = song(1.0, 192_000, channels=1)[0]
    assert np.corrcoef(coded(music, Codec("aac", 192_000, 0.1)), music)[0, 1] > 0.97


def test_a_codec_that_fails_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DaCapoError, match="codec=mp3 at 44100 Hz: "):
        Codec("mp3", SAMPLE_RATE, 0.1).decode(b"no mp3" * 1000)
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nexec /bin/sleep 5\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(streams, "_STALL_S", 0.2)
    with pytest.raises(DaCapoError, match=r"codec=aac: ffmpeg did not end in 0\.2 s"):
        Codec("aac", SAMPLE_RATE, 0.1).encode(np.zeros(100, np.float32))
