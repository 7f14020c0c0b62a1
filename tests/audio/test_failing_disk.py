"""A disk that fails while audio is read: nothing that a file could be left out for."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio import files
from setup.machine import compiler

SOURCE = Path(__file__).with_name("failing_disk.cc")
DECODE = """
import sys
from audio import files
for path in sys.argv[1:]:
    try:
        print(sum(block.shape[1] for block in files.blocks(path)))
    except Exception as error:
        print(type(error).__name__, getattr(error, "errno", None), error)
"""


@pytest.fixture(scope="module")
def failing_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("shim") / "failing_disk.so"
    subprocess.run([compiler(), "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return library


def test_a_disk_that_fails_is_no_damage_of_the_file(failing_disk: Path, tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).normal(size=(400_000, 1))
    paths = [tmp_path / f"failing.{suffix}" for suffix in ("wav", "flac", "mp3", "ogg", "m4a")]
    for path in paths[:-1]:
        soundfile.write(path, noise, 44_100)
    paths[-1].write_bytes(b"not for libsndfile" + bytes(1 << 17))
    gives_up = tmp_path / "bin" / "ffmpeg"
    gives_up.parent.mkdir()
    gives_up.write_text("#!/bin/sh\nexit 1\n")
    gives_up.chmod(0o755)
    healthy = tmp_path / "healthy.wav"
    healthy.write_bytes(paths[0].read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", DECODE, healthy, *paths],
        env=os.environ | {"LD_PRELOAD": str(failing_disk), "PATH": str(gives_up.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    told = done.stdout.splitlines()
    assert told[0] == "400000"
    assert told[1:] == [f"OSError {errno.EIO} [Errno {errno.EIO}] Input/output error: '{path}'" for path in paths]


def test_a_machine_out_of_descriptors_is_no_fault_of_the_file(tmp_path: Path) -> None:
    files.write(tmp_path / "song.wav", np.ones((1, 800)) / 2, sample_rate=8000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(OSError) as caught:
            files.probe(tmp_path / "song.wav")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert caught.value.errno == errno.EMFILE
    assert files.probe(tmp_path / "song.wav").frames == 800
