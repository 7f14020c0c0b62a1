"""What the machine must have before anything is installed; each lack is one line that says what to install."""

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from setup.steps import SetupError

WHEELS_GLIBC = (2, 39)  # ml-metadata 1.21 and tensorflow-data-validation 1.21 are tagged manylinux_2_39
COMPILERS = ("g++", "c++", "clang++")


def check_platform(system: str | None = None, processor: str | None = None, libc: str | None = None) -> None:
    """Accepts Linux x86_64 with glibc and macOS arm64: elsewhere ml-metadata and TFX have no wheels.

    Parameters
    ----------
    system, processor, libc : as `platform.system`, `platform.machine` and `platform.libc_ver` say; asked of this
        machine if None.

    Raises
    ------
    SetupError
        On any other platform.
    """
    system = system or platform.system()
    processor = processor or platform.machine()
    libc = platform.libc_ver()[0] if libc is None else libc
    if (system, processor) == ("Darwin", "arm64"):
        return
    if (system, processor) == ("Linux", "x86_64"):
        if libc == "glibc":
            return
        raise SetupError(
            "Linux without glibc is not supported (TensorFlow has no wheels for it): use Debian, Ubuntu or Fedora"
        )
    hint = "Linux x86_64 or macOS arm64 is needed"
    if (system, processor) == ("Darwin", "x86_64"):
        hint += " (on Apple silicon this is a Python for Intel: install one for arm64)"
    raise SetupError(f"{system} {processor} is not supported (ml-metadata has no wheels for it): {hint}")


def glibc_version(libc: tuple[str, str] | None = None) -> tuple[int, int] | None:
    """Version of glibc (major, minor), or None where there is none (macOS). `libc` is as `platform.libc_ver` says."""
    name, version = libc or platform.libc_ver()
    if name != "glibc":
        return None
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def compiler() -> Path:
    """The C++ compiler: ``$CXX``, g++, c++ or clang++.

    Raises
    ------
    SetupError
        If there is none.
    """
    for name in (os.environ.get("CXX", ""), *COMPILERS):
        if name and (found := shutil.which(name)):
            return Path(found)
    raise SetupError(
        "a C++ compiler was not found: install one (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++; "
        "macOS: xcode-select --install)"
    )


def check_headers(include: Path | None = None) -> None:
    """Python's own C headers, which the one dependency without wheels (pyfarmhash, of TFDV) is compiled against.

    Raises
    ------
    SetupError
        If ``Python.h`` is missing.
    """
    include = include or Path(sysconfig.get_path("include"))
    if not (include / "Python.h").is_file():
        raise SetupError(
            f"{include / 'Python.h'} was not found: install Python's headers "
            "(Debian, Ubuntu: apt install python3.11-dev; Fedora: dnf install python3.11-devel)"
        )


def python_with_pip(candidates: Sequence[str] = (sys.executable, "python3.11", "python3")) -> str:
    """The first of `candidates` that has pip; any version will do, since pip only unpacks uv's wheel.

    Raises
    ------
    SetupError
        If none has.
    """
    for python in candidates:
        try:
            asked = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
        except OSError:
            continue
        if asked.returncode == 0:
            return python
    raise SetupError(
        f"neither uv nor pip was found: install one of them (Debian, Ubuntu: apt install python3-pip; "
        f"elsewhere: {sys.executable} -m ensurepip)"
    )
