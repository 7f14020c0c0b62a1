"""What tests of several packages need."""

import os
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]
import pytest


@pytest.fixture
def ffmpeg(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """ffmpeg on PATH for one test: the program that the development dependency imageio-ffmpeg carries."""
    program = tmp_path_factory.mktemp("ffmpeg") / "ffmpeg"
    program.symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program
