"""Debian packages made by the tests: ``ar`` archives of tar archives, written by hand so that they may be hostile."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile

RATE = 8000


def music(folder: Path, seed: int, *, seconds: float = 11.0, **metadata: str) -> bytes:
    """An ogg file of noise with the given title, artist, ..."""
    path = folder / "music.ogg"
    with soundfile.SoundFile(path, "w", RATE, 1, format="OGG", subtype="VORBIS") as file:
        for name, text in metadata.items():
            setattr(file, name, text)
        file.write(0.1 * np.random.default_rng(seed).standard_normal(int(seconds * RATE)).astype(np.float32))
    return path.read_bytes()


def zip_of(files: dict[str, bytes]) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    return buffer.getvalue()


def tar_of(members: Mapping[str, bytes | tarfile.TarInfo]) -> bytes:
    """A gzipped tar archive of files, and of whatever a TarInfo says."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            data = b"" if isinstance(content, tarfile.TarInfo) else content
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def link(name: str, target: str) -> tarfile.TarInfo:
    """A symbolic link as a member of a tar archive."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


def package(path: Path, members: Mapping[str, bytes | tarfile.TarInfo]) -> Path:
    """A Debian package at `path` with `members` as its files."""
    control = "Package: test\nVersion: 1\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: test\n"
    parts = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": tar_of({"./control": control.encode()}),
        "data.tar.gz": tar_of(members),
    }
    content = b"!<arch>\n"
    for name, data in parts.items():
        content += (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
