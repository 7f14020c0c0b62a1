import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from audio import ffmpeg, files
from audio.errors import AudioError
from audio.files import Limits
from tests.audio.signals import song

HEADER = r"printf '.snd\000\000\000\040\377\377\377\377\000\000\000\006\000\000\037\100\000\000\000\001'"  # 8 kHz, mono
INFO = "echo 'Input #0, mov,mp4, from it:' >&2; echo '  Duration: 00:00:01.00, start: 0' >&2"


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a shell script in ffmpeg's place: what it does at the first look (``-t 0``) and what it does to decode."""

    def install(look: str, decode: str) -> Path:
        program = tmp_path / "bin" / "ffmpeg"
        program.parent.mkdir()
        program.write_text(
            f"#!/bin/sh\nprintf '%s\\n' \"$@\" >> {tmp_path}/arguments\n"
            f'case "$*" in *"-f au"*) {look};; *) {decode};; esac\n'
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        (tmp_path / "song.m4a").write_bytes(b"not for libsndfile")
        return tmp_path / "song.m4a"

    return install


def test_what_libsndfile_does_not_know_goes_to_ffmpeg(stand_in, tmp_path: Path) -> None:
    path = stand_in(f"{INFO}; {HEADER}", "head -c 32000 /dev/zero")
    assert files.probe(path) == files.AudioInfo(8000, 1, 8000, 1.0, "mov")
    y, sample_rate = files.read(path)
    assert (y.shape, sample_rate) == ((1, 8000), 8000)
    y, _ = files.read(path, offset_s=0.25, duration_s=0.5)
    assert y.shape == (1, 4000)


def test_ffmpeg_opens_nothing_but_the_one_local_file(stand_in, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(f"{INFO}; {HEADER}", "head -c 32000 /dev/zero")
    (tmp_path / "-y.m4a").write_bytes(b"a name like an option")
    monkeypatch.chdir(tmp_path)
    files.probe("-y.m4a")
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert arguments[arguments.index("-protocol_whitelist") + 1] == "file"
    assert arguments[arguments.index("-i") + 1] == f"file:{tmp_path}/-y.m4a"
    demuxers = arguments[arguments.index("-format_whitelist") + 1].split(",")
    assert not {"hls", "concat", "dash", "image2", "lavfi"} & set(demuxers)
    assert "-nostdin" in arguments


def test_a_decode_shorter_than_promised_is_reported(stand_in) -> None:
    path = stand_in(f"{INFO}; {HEADER}", "head -c 16000 /dev/zero")
    with pytest.raises(AudioError, match=r"0\.50 s could be decoded of the 1\.00 s"):
        list(files.blocks(path))


def test_a_failure_in_the_middle_is_reported(stand_in) -> None:
    path = stand_in(f"{INFO}; {HEADER}", "head -c 16000 /dev/zero; exit 1")
    with pytest.raises(AudioError, match=r"is damaged: ffmpeg gave up after 0\.5 s"):
        list(files.blocks(path))


def test_what_ffmpeg_does_not_know_either_is_reported(stand_in) -> None:
    path = stand_in(
        "echo 'Error opening input files: Invalid data found when processing input' >&2; exit 183", "exit 1"
    )
    with pytest.raises(AudioError) as caught:
        files.probe(path)
    assert caught.value.reason == (
        "is not audio that libsndfile or ffmpeg reads (Invalid data found when processing input)"
    )


def test_a_program_that_hangs_is_given_up(stand_in, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "STALL_S", 0.3)
    path = stand_in(f"{INFO}; {HEADER}", "exec sleep 60")
    begin = time.monotonic()
    with pytest.raises(AudioError, match="was given up: ffmpeg gave nothing"):
        list(files.blocks(path))
    assert time.monotonic() - begin < 10


def test_output_without_end_stops_at_the_limit(stand_in) -> None:
    path = stand_in(f"{INFO}; {HEADER}", "exec cat /dev/zero")
    with pytest.raises(AudioError, match="lasts more than 5 s, the most that is read"):
        list(files.blocks(path, limits=Limits(max_duration_s=5)))


def test_leaving_early_ends_the_program(stand_in, tmp_path: Path) -> None:
    path = stand_in(f"{INFO}; {HEADER}", f"echo $$ > {tmp_path}/pid; exec cat /dev/zero")
    blocks = files.blocks(path)
    next(blocks)
    blocks.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_without_a_promise_the_frames_are_counted(stand_in) -> None:
    path = stand_in(f"echo 'Input #0, aac, from it:' >&2; {HEADER}", "head -c 32000 /dev/zero")
    assert files.probe(path).frames == 8000


@pytest.mark.usefixtures("ffmpeg")
@pytest.mark.parametrize("suffix", ["m4a", "mka", "wma", "aac"])
def test_real_files_of_other_formats_are_read(suffix: str, tmp_path: Path) -> None:
    files.write(tmp_path / "song.wav", song(2.0), sample_rate=44_100)
    path = tmp_path / f"song.{suffix}"
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "song.wav", path], check=True)
    y, sample_rate = files.read(path)
    assert sample_rate == 44_100
    assert y.shape[1] == pytest.approx(2 * 44_100, abs=4410)
    assert np.abs(y).max() > 0.2
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioError):
        files.read(path)


@pytest.mark.usefixtures("ffmpeg")
def test_telephone_sounds_without_a_header_are_read(tmp_path: Path) -> None:
    files.write(tmp_path / "song.wav", song(2.0), sample_rate=44_100)
    path = tmp_path / "song.g722"
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "song.wav", "-ac", "1", "-ar", "16000", path], check=True)
    assert files.probe(path) == files.AudioInfo(16_000, 1, 32_000, 2.0, "g722")
    assert np.abs(files.read(path)[0]).max() > 0.2


@pytest.mark.parametrize(
    ("says", "release"),
    [
        ("ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026", "5.1"),
        ("ffmpeg version n9.0.2-17-g2a571b6068", "9.0"),
        ("ffmpeg version N-118-gabcdef", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_release_is_told_without_the_number_that_every_update_changes(stand_in, says: str, release: str) -> None:
    stand_in("", f"echo '{says}'")
    assert ffmpeg.ffmpeg_release() == release


@pytest.mark.usefixtures("no_ffmpeg")
def test_without_ffmpeg_there_is_no_release() -> None:
    assert ffmpeg.ffmpeg_release() is None


def test_a_program_that_does_not_run_has_an_unknown_release(stand_in, tmp_path: Path) -> None:
    stand_in("", "")
    (tmp_path / "bin" / "ffmpeg").write_bytes(b"\x7fELF, but no more")
    assert ffmpeg.ffmpeg_release() == "unknown"
