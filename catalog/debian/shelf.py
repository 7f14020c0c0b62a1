"""The folder of the debian library: packages are fetched into it when they are not there."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from audio.ffmpeg import find_ffmpeg
from catalog.debian.apt import Apt
from catalog.debian.mapping import Source
from catalog.debian.package import Package, load_package, unpack_package
from catalog.errors import CatalogError
from catalog.folder import WORK_FOLDER

Say = Callable[[str], None]


class Repository(Protocol):
    """Where packages come from; `catalog.debian.apt.Apt` is one."""

    def newest(self, pattern: str) -> str | None:
        """Name of the newest package that matches a shell pattern."""

    def download(self, name: str, into: Path) -> Path:
        """The archive of a package, whole and checked, in the folder `into`."""


class Shelf:
    """The packages below a folder of the library.

    Parameters
    ----------
    root : folder of the library, which also holds the work folder.
    repository : apt, unless given.
    say : gets a line for a package that is left out, and why.
    place : folder below `root` that gets a folder for each source; empty for `root` itself.

    Attributes
    ----------
    missing : patterns of packages that the repository does not have.
    """

    def __init__(self, root: Path, repository: Repository | None, say: Say, place: str = "") -> None:
        self._root, self._repository, self._say, self._place = root, repository, say, place
        self.missing: list[str] = []

    def package(self, source: Source) -> Package | None:
        """The unpacked package of a source; None if it cannot be had, which was said then."""
        folder = self._root / self._place / source.name
        package = load_package(folder, source)
        if package is not None:
            return package
        if source.needs_ffmpeg and find_ffmpeg() is None:
            self._say(f"{source.name} is left out: its recordings need ffmpeg, which is not on PATH")
            return None
        self._repository = self._repository or Apt(self._root / WORK_FOLDER / "apt")
        name = self._repository.newest(source.package)
        if name is None:
            self.missing.append(source.package)
            return None
        try:
            deb = self._repository.download(name, self._root / WORK_FOLDER / "packages")
            package = unpack_package(deb, source, folder)
        except CatalogError as error:
            self._say(f"{name} is left out: {error}")
            return None
        deb.unlink()
        if package.unreadable:
            self._say(f"{name}: cannot be read as audio: {', '.join(package.unreadable)}")
        return package

    def say_missing(self) -> None:
        """One line about the packages that the repository does not have, if there are such."""
        if self.missing:
            self._say(f"packages that this machine's sources do not have: {', '.join(self.missing)}")
