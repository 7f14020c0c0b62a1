import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from audio import files
from audio.errors import AudioError, DaCapoError

NOBODY = 65534


def decode(path: Path) -> None:
    for _ in files.blocks(path):
        pass


def missing(folder: Path) -> Path:
    return folder / "missing.wav"


def folder_called_wav(folder: Path) -> Path:
    (folder / "folder.wav").mkdir()
    return folder / "folder.wav"


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.wav")
    return folder / "pipe.wav"


def device(folder: Path) -> Path:
    (folder / "zero.wav").symlink_to("/dev/zero")
    return folder / "zero.wav"


def empty(folder: Path) -> Path:
    (folder / "empty.wav").touch()
    return folder / "empty.wav"


def text(folder: Path) -> Path:
    (folder / "text.wav").write_text("These are the words of a song.\n" * 50)
    return folder / "text.wav"


def text_with_an_extension_of_headerless_audio(folder: Path) -> Path:
    (folder / "text.vox").write_text("These are the words of a song.\n" * 50)
    return folder / "text.vox"


def raw(folder: Path) -> Path:
    (folder / "samples.raw").write_bytes(bytes(1000))
    return folder / "samples.raw"


def loop_of_links(folder: Path) -> Path:
    (folder / "loop.wav").symlink_to(folder / "loop.wav")
    return folder / "loop.wav"


def null_byte(folder: Path) -> Path:
    return folder / "a\0b.wav"


@pytest.mark.usefixtures("no_ffmpeg")
@pytest.mark.parametrize("attempt", [files.probe, decode])
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (missing, "does not exist"),
        (folder_called_wav, "is a folder, not an audio file"),
        (fifo, "is not a regular file"),
        (device, "is not a regular file"),
        (empty, "is empty (0 bytes)"),
        (text, "is not audio that libsndfile reads (Format not recognised); ffmpeg, which reads more, is not on PATH"),
        (text_with_an_extension_of_headerless_audio, "is not audio"),
        (raw, "is not audio"),
        (loop_of_links, "cannot be opened: "),
        (null_byte, "cannot be opened: embedded null byte"),
    ],
)
def test_what_is_no_audio_file_gets_one_line(
    make: Callable[[Path], Path], reason: str, attempt: Callable[[Path], object], tmp_path: Path
) -> None:
    path = make(tmp_path)
    with pytest.raises(AudioError) as caught:
        attempt(path)
    assert caught.value.reason.startswith(reason)
    assert caught.value.path == str(path)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("no_ffmpeg")
def test_a_line_break_in_a_name_stays_out_of_the_message(tmp_path: Path) -> None:
    path = tmp_path / "two\nlines.wav"
    path.write_text("no audio")
    with pytest.raises(AudioError) as caught:
        files.probe(path)
    assert "two\\nlines.wav: is not audio" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@contextmanager
def nobody() -> Iterator[None]:
    """Another user than root, whom every file would be open to, while the block runs."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_file_without_permission_is_an_audio_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write(tmp_path / "open.wav", np.ones((1, 800)) / 2, sample_rate=8000)
    (tmp_path / "closed.wav").write_bytes((tmp_path / "open.wav").read_bytes())
    (tmp_path / "closed.wav").chmod(0)
    (tmp_path / "open.wav").chmod(0o644)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)  # the folders above belong to whoever runs the tests
    with nobody():
        assert files.probe("open.wav").frames == 800
        with pytest.raises(AudioError, match=r"closed\.wav: cannot be opened: Permission denied"):
            files.probe("closed.wav")


def test_the_errors_are_value_errors_for_callers_who_catch_those() -> None:
    assert issubclass(AudioError, DaCapoError)
    assert issubclass(DaCapoError, ValueError)


def test_no_file_stays_open_after_an_error(tmp_path: Path) -> None:
    with (tmp_path / "control").open("wb"):
        assert opened_below(tmp_path) == ["control"]
    for make in (missing, empty, text, fifo):
        with pytest.raises(AudioError):
            files.probe(make(tmp_path))
    assert opened_below(tmp_path) == []


def opened_below(folder: Path) -> list[str]:
    """Names of the files in a folder that this process holds open (Linux tells)."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # others are closed meanwhile
            target = descriptor.readlink()
            if target.parent == folder.resolve():
                found.append(target.name)
    return found
