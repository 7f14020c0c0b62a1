"""Packages from the machine's own apt sources, without root: every list and every archive lies in a private folder.

apt checks the signatures of the lists and, through them, the hash of every package that it downloads.
"""

import errno
import fnmatch
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from audio.errors import FULL
from catalog.errors import CatalogError

MAX_DEB_BYTES = 2 << 30
# Room for the lists while they are fetched (bookworm's take 19 MB). On a full disk apt tries again until `TIMEOUT_S`.
LISTS_BYTES = 200 << 20
TIMEOUT_S = 3600

# Hooks of the system's own configuration are not for us to run, nor are apt-file's lists, four times those of the
# packages, for us to fetch; proxies and keys are kept.
_CONFIGURATION = """\
#clear Acquire::IndexTargets::deb::Contents-deb;
#clear Acquire::IndexTargets::deb::Contents-deb-legacy;
#clear Acquire::IndexTargets::deb::Contents-udeb;
#clear Acquire::IndexTargets::deb-src::Contents-dsc;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Acquire::Retries "3";
"""
_UPDATED = "updated"
_NUMBER = re.compile(r"(\d+)")
_ERRNO = re.compile(r"\((\d+): ")  # "Write error - write (28: No space left on device)"
_URI_LINE = re.compile(r"'[^']*' (?P<file>[^/\s]+\.deb) (?P<bytes>\d+) \S+")


class Apt:
    """apt with its state in `folder`.

    Parameters
    ----------
    options : of apt's configuration, ``Name=value``, on top of the system's.

    Raises
    ------
    CatalogError
        On making, if the machine has no apt.
    """

    def __init__(self, folder: Path, *, options: Sequence[str] = ()) -> None:
        for program in ("apt-get", "apt-cache", "dpkg-deb"):
            if shutil.which(program) is None:
                raise CatalogError(f"{program} is not on PATH: the debian library needs a Debian or Ubuntu machine")
        self._folder = folder.resolve()
        self._options = tuple(options)
        for sub in ("state/lists/partial", "cache/archives/partial"):
            (self._folder / sub).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()
        (self._folder / "apt.conf").write_text(_CONFIGURATION, encoding="utf-8")

    def newest(self, pattern: str) -> str | None:
        """The package whose name matches the shell pattern; of several the one with the highest numbers in its name."""
        return max(fnmatch.filter(self._names, pattern), key=_natural, default=None)

    def download(self, name: str, into: Path) -> Path:
        """The archive of package `name` in the folder `into`; one that is already there whole is not fetched again.

        Raises
        ------
        CatalogError
            If it cannot be had or is larger than 2 GiB.
        OSError
            If it does not fit on the disk.
        """
        into.mkdir(parents=True, exist_ok=True)
        # apt may name no file when it is there already.
        line = _URI_LINE.search(self._run("apt-get", "-qq", "download", "--print-uris", name, at=into))
        size, free = int(line["bytes"]) if line else 0, shutil.disk_usage(into).free
        if size > MAX_DEB_BYTES:
            raise CatalogError(f"package {name}: has {size} bytes, at most {MAX_DEB_BYTES} are allowed")
        if 3 * size > free:
            raise _no_room(into, f"package {name} needs about {3 * size} bytes of disk, {free} are free")
        try:
            self._run("apt-get", "-qq", "download", name, at=into)
        except CatalogError:  # the mirror may have moved on since the lists were read
            self._update()
            self._run("apt-get", "-qq", "download", name, at=into)
        files = [into / line["file"]] if line else sorted(into.glob(f"{name}_*.deb"))
        if len(files) != 1:
            raise CatalogError(f"package {name}: {len(files)} archives of it lie in {into}, one is wanted")
        return files[0]

    @cached_property
    def _names(self) -> list[str]:
        if not (self._folder / _UPDATED).exists():
            self._update()
        names = self._run("apt-cache", "pkgnames").split()
        if not names:
            raise CatalogError("apt knows no package: are there sources in /etc/apt and a way to their mirror?")
        return names

    def _update(self) -> None:
        free = shutil.disk_usage(self._folder).free
        if free < LISTS_BYTES:
            raise _no_room(self._folder, f"apt's lists need {LISTS_BYTES} bytes of disk, {free} are free")
        self._run("apt-get", "-qq", "update")
        (self._folder / _UPDATED).touch()

    def _run(self, program: str, *arguments: str, at: Path | None = None) -> str:
        folder = self._folder
        places = [
            f"Dir::State={folder / 'state'}",
            f"Dir::Cache={folder / 'cache'}",
            f"Dir::State::status={folder / 'status'}",
        ]
        options = [
            "-c",
            str(folder / "apt.conf"),
            *(part for item in (*places, *self._options) for part in ("-o", item)),
        ]
        try:
            done = subprocess.run(
                [program, *options, *arguments],
                cwd=at or folder,
                env=os.environ | {"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise CatalogError(f"{program} {arguments[-1]}: no end after {TIMEOUT_S} s") from error
        if done.returncode:
            told = [line for line in done.stderr.splitlines() if line.startswith("E:")]
            reason = " ".join(told[0][2:].split()) if told else f"ended with {done.returncode}"
            number = _ERRNO.search(reason)
            if number and int(number[1]) in FULL:
                raise OSError(int(number[1]), reason, str(at or folder))
            raise CatalogError(f"{program} {arguments[-1]}: {reason}")
        return done.stdout


def _no_room(folder: Path, reason: str) -> OSError:
    return OSError(errno.ENOSPC, reason, str(folder))


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _NUMBER.split(name)]
