"""Brings uv, and with it the packages of ``uv.lock`` into ``.venv``."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from setup.machine import WHEELS_GLIBC, glibc_version, python_with_pip
from setup.steps import Steps

OLDEST_UV = (0, 8)  # reads uv.lock and knows `sync --python-platform`
# One environment for the demo and the tests: the extra and the development tools are 4 % of its size, and `make demo`
# after `make test` has nothing to take out or put back.
EXTRAS = ("musicnn",)


def find_uv(steps: Steps, root: Path) -> tuple[Path, str]:
    """A uv on PATH that is new enough, else the one in ``.tools``, brought there by pip if need be.

    Returns
    -------
    Its path and a few words on where it came from.

    Raises
    ------
    SetupError
        If there is neither uv nor pip, or pip fails.
    """
    on_path = shutil.which("uv")
    if on_path and (version := _version(on_path)) and tuple(map(int, version.split(".")[:2])) >= OLDEST_UV:
        return Path(on_path), f"{version} found on PATH"
    requirement = root / "setup" / "uv.txt"
    version = requirement.read_text(encoding="utf-8").partition("uv==")[2].split()[0]
    uv = root / ".tools" / f"uv-{version}" / "bin" / "uv"
    if uv.is_file():
        return uv, f"{version} in .tools"
    _bring_uv(steps, requirement, root / ".tools" / f"uv-{version}")
    return uv, f"{version} brought by pip"


def _bring_uv(steps: Steps, requirement: Path, folder: Path) -> None:
    """Installs `requirement` into `folder`, which appears only when it is whole."""
    partial = folder.with_name(f"{folder.name}.partial")
    for leftover in (partial, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    quiet = ["--quiet", "--no-input", "--no-cache-dir", "--no-compile"]
    exact: list[str | Path] = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", requirement]
    steps.run(
        [python_with_pip(), "-m", "pip", "install", *quiet, *exact, "--target", partial],
        failure="pip could not bring uv",
        # --target excludes --user, and needs neither a virtual environment nor leave of an externally managed Python.
        PIP_USER="0",
        PIP_REQUIRE_VIRTUALENV="0",
        PIP_ROOT_USER_ACTION="ignore",
        PIP_DISABLE_PIP_VERSION_CHECK="1",
    )
    os.replace(partial, folder)


def sync(steps: Steps, root: Path, uv: Path, compiler: Path) -> int:
    """Makes ``.venv`` hold exactly the packages of ``uv.lock``, and their byte-code: TFX loads in 9 s instead of 23 s.

    Returns
    -------
    The number of packages there.

    Raises
    ------
    SetupError
        If uv fails.
    """
    command: list[str | Path] = [uv, "sync", "--project", root, "--python", sys.executable]
    command += ["--frozen", "--compile-bytecode", "--no-progress"]
    for extra in EXTRAS:
        command += ["--extra", extra]
    glibc = glibc_version()
    if glibc is not None and glibc < WHEELS_GLIBC:
        # uv would refuse the wheels by their tag alone; setup/shim.py then checks what they really need.
        command += ["--python-platform", "x86_64-manylinux_{}_{}".format(*WHEELS_GLIBC)]
    steps.run(
        command,
        failure="uv could not install the packages",
        UV_CACHE_DIR=str(root / ".cache" / "uv"),
        UV_PROJECT_ENVIRONMENT=str(root / ".venv"),
        UV_PYTHON_DOWNLOADS="never",
        # For pyfarmhash, which has no wheels; Python would take the compiler that it was itself built with.
        CC=os.environ.get("CC", str(compiler)),
        CXX=str(compiler),
    )
    return sum(1 for _ in site_packages(root).glob("*.dist-info"))


def site_packages(root: Path) -> Path:
    """Where the packages of the environment lie."""
    return root / ".venv" / "lib" / "python3.11" / "site-packages"


def _version(uv: str) -> str | None:
    """Version of the command `uv`, or None if it does not run (a shim without a version behind it)."""
    try:
        asked = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    said = re.match(r"uv (\d+\.\d+\S*)", asked.stdout)
    return said[1] if said and asked.returncode == 0 else None
