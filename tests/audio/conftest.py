from pathlib import Path

import numpy as np
import pytest

from tests.audio.signals import FORMATS, encode, song


@pytest.fixture(scope="session")
def clean() -> np.ndarray:
    """What the recordings hold, before encoding: [2, samples] of 4 s at 44.1 kHz (opus takes them for 48 kHz)."""
    y = song()
    y.setflags(write=False)
    return y


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory, clean: np.ndarray) -> dict[str, Path]:
    """The same recording in every format that libsndfile writes."""
    folder = tmp_path_factory.mktemp("recordings")
    return {suffix: encode(folder / f"song.{suffix}", clean, suffix) for suffix in FORMATS}


@pytest.fixture
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without ffmpeg."""
    monkeypatch.setenv("PATH", str(tmp_path))
