"""Files out of a Debian package, and out of the zip archives inside it, with bounds: nothing in a package is trusted.

A package is read as a stream and only what is wanted is written, as a regular file under a checked relative path in a
new folder. Links, devices and everything else of the archive never reach the disk.
"""

import stat
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self, cast

from audio.errors import FULL
from catalog.errors import CatalogError
from catalog.problem import printable
from catalog.recording import check_path

ZIP_SUFFIXES = (".pk3", ".zip")
CHUNK = 1 << 20
MAX_NAME_BYTES = 1 << 16


@dataclass(frozen=True)
class Bounds:
    """What one package may hold at most.

    Attributes
    ----------
    file_bytes : of one file that is written.
    written_bytes : of all of them.
    stream_bytes : of the package's whole content, wanted or not.
    members : files, folders and links, in the package or in one zip archive.
    """

    file_bytes: int = 1 << 30
    written_bytes: int = 4 << 30
    stream_bytes: int = 16 << 30
    members: int = 500_000


BOUNDS = Bounds()
Wanted = Callable[[str], str | None]
Opened = Callable[[str], bool]


class _BoundedTarInfo(tarfile.TarInfo):
    """Refuses the headers that tarfile would read into memory whatever their size."""

    _IN_MEMORY = (
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
    )

    def _proc_member(self, tar: tarfile.TarFile) -> Self:
        if self.type in self._IN_MEMORY and self.size > MAX_NAME_BYTES:
            raise tarfile.ReadError(f"a name of {self.size} bytes")
        member: Self = super()._proc_member(tar)  # type: ignore[misc]
        return member


def unpack(deb: Path, into: Path, wanted: Wanted, opened: Opened, *, bounds: Bounds = BOUNDS) -> dict[str, str]:
    """Write the wanted files of a Debian package below the folder `into`, which must not hold any of them yet.

    Parameters
    ----------
    deb : the package.
    wanted : from the path of a file in the package (``usr/share/...``; a zip archive counts as a folder) to the
        relative path that it gets, or None.
    opened : whether the zip archive at a path is to be looked into.

    Returns
    -------
    dict
        Relative path to path in the package.

    Raises
    ------
    CatalogError
        If the package is damaged, crosses a bound, or wants a file outside of `into`; what was written by then stays in
        `into`.
    """
    command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    writer = _Writer(deb.name, into, wanted, bounds)
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            stream = _Counted(process.stdout, deb.name, bounds.stream_bytes)
            with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|", tarinfo=_BoundedTarInfo) as tar:
                _members(tar, writer, opened)
            while stream.read(CHUNK):
                pass
        except (tarfile.TarError, EOFError) as error:
            raise CatalogError(f"{deb.name}: is not a whole Debian package: {printable(str(error))}") from error
        except OSError as error:
            if error.errno in FULL:
                raise
            raise CatalogError(f"{deb.name}: cannot be unpacked into {into}: {error.strerror}") from error
    if process.returncode:
        raise CatalogError(f"{deb.name}: is not a whole Debian package: dpkg-deb ended with {process.returncode}")
    return writer.written


def _members(tar: tarfile.TarFile, writer: "_Writer", opened: Opened) -> None:
    for number, member in enumerate(tar):
        tar.members = []  # type: ignore[attr-defined]
        if number >= writer.bounds.members:
            raise CatalogError(f"{writer.package}: holds more than {writer.bounds.members} files")
        if not member.isreg():
            continue
        path = member.name.removeprefix("./")
        content = tar.extractfile(member)
        if content is None:
            continue
        if path.endswith(ZIP_SUFFIXES) and opened(path):
            archive = writer.into / ".archive"
            writer.copy(content, archive, path)
            _zip_members(archive, path, writer)
            archive.unlink()
        else:
            writer.offer(path, content)


def _zip_members(archive: Path, path: str, writer: "_Writer") -> None:
    try:
        with zipfile.ZipFile(archive) as bundle:
            if len(bundle.infolist()) > writer.bounds.members:
                raise CatalogError(f"{writer.package}: {printable(path)} holds more than {writer.bounds.members} files")
            for info in bundle.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                if not info.is_dir() and kind in (0, stat.S_IFREG):
                    with bundle.open(info) as content:
                        writer.offer(f"{path}/{info.filename}", content)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise CatalogError(
            f"{writer.package}: {printable(path)} is not a whole zip archive: {printable(str(error))}"
        ) from error


class _Counted:
    """A stream that ends in an error after so many bytes."""

    def __init__(self, stream: IO[bytes], package: str, limit: int) -> None:
        self._stream, self._package, self._limit, self._left = stream, package, limit, limit

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise CatalogError(f"{self._package}: unpacks to more than {self._limit} bytes")
        return data


class _Writer:
    """Writes the wanted files and keeps the bounds."""

    def __init__(self, package: str, into: Path, wanted: Wanted, bounds: Bounds) -> None:
        self.package, self.into, self.bounds, self._wanted = package, into, bounds, wanted
        self.written: dict[str, str] = {}
        self._bytes = 0

    def offer(self, path: str, content: IO[bytes]) -> None:
        """Write `content`, if `path` is wanted."""
        target = self._wanted(path)
        if target is None:
            return
        try:
            check_path(path)
            check_path(target)
        except ValueError as error:
            raise CatalogError(f'{self.package}: file "{printable(path)}" {error}') from error
        if target in self.written:
            raise CatalogError(f'{self.package}: file "{printable(path)}" and {self.written[target]} have one name')
        place = self.into / target
        place.parent.mkdir(parents=True, exist_ok=True)
        self.copy(content, place, path)
        self.written[target] = path

    def copy(self, content: IO[bytes], place: Path, path: str) -> None:
        """Copy a stream into a new file, counting what really comes rather than what a header says."""
        size = 0
        with open(place, "xb") as handle:
            while chunk := content.read(CHUNK):
                size += len(chunk)
                self._bytes += len(chunk)
                if size > self.bounds.file_bytes or self._bytes > self.bounds.written_bytes:
                    raise CatalogError(f'{self.package}: file "{printable(path)}" unpacks beyond the bounds')
                handle.write(chunk)
