"""A package of the debian library on this disk: its audio, and what was learnt of every file when it was unpacked."""

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import soundfile
from pydantic import BaseModel, ConfigDict

from audio.errors import AudioError
from audio.files import pcm16_bytes, probe, read, write
from catalog.debian.archives import BOUNDS, Bounds, unpack
from catalog.debian.copyright import AUDIO_SUFFIXES, Copyright
from catalog.debian.mapping import Source
from catalog.derived.folder import check_ours, claim

MANIFEST = "package.json"
FINGERPRINT_S = 10.0
FFMPEG_SUFFIXES = (".g722",)

_COPYRIGHT = re.compile(r"usr/share/doc/[^/]+/copyright")
_COPYRIGHT_PLACE = "copyright"
_UNPRINTABLE = re.compile(r"[^\w\s.,:;!?'\"()&/+*#@–—-]+|[\x00-\x1f]")


class MusicFile(BaseModel):
    """What is known of one file without the mapping.

    Attributes
    ----------
    sha256 : of its bytes.
    fingerprint : of its first 10 s as decoded and its length: equal for one recording with other metadata.
    title, artist, album, metadata_licence : as the file itself says.
    holder, licence : as the package's copyright file says of this file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    fingerprint: str
    duration_s: float
    title: str | None
    artist: str | None
    album: str | None
    holder: str | None
    licence: str | None
    metadata_licence: str | None


class Package(BaseModel):
    """The manifest, written last: a folder that has one is whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    package: str
    version: str
    licence: str | None
    folders: tuple[str, ...]
    selection: str | None = None
    files: Mapping[str, MusicFile]
    unreadable: tuple[str, ...] = ()


def load_package(folder: Path, source: Source) -> Package | None:
    """The package unpacked in `folder`, None if it is not there or was unpacked for another mapping."""
    package = _manifest(folder)
    made_for = None if package is None else (package.folders, package.selection)
    return package if made_for == (source.folders, source.selection) else None


def _manifest(folder: Path) -> Package | None:
    try:
        return Package.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None


def unpack_package(deb: Path, source: Source, folder: Path, *, bounds: Bounds = BOUNDS) -> Package:
    """Unpack the music of `deb` into `folder`, which appears with one rename when all of it is there.

    Raises
    ------
    CatalogError
        If the package is damaged or crosses a bound, or `folder` holds what others wrote.
    OSError
        If the disk is full.
    """
    if _manifest(folder) is None:  # packages that were unpacked before there were marks are ours by it
        check_ours(folder)
    staging = folder.with_name(f".{folder.name}.unpacking")
    _remove(staging)
    claim(staging)

    def wanted(path: str) -> str | None:
        if _COPYRIGHT.fullmatch(path):
            return _COPYRIGHT_PLACE
        place = source.place(path)
        suffixes = FFMPEG_SUFFIXES if source.needs_ffmpeg else AUDIO_SUFFIXES
        return place if place and place.lower().endswith(suffixes) and source.is_wanted(place) else None

    try:
        written = unpack(deb, staging, wanted, source.reaches_into, bounds=bounds)
        package = _describe(deb, source, staging, written)
        (staging / MANIFEST).write_text(package.model_dump_json(indent=1), encoding="utf-8")
    except OSError:  # what keeps a disk full is in the way of everybody
        _remove(staging)
        raise
    for path in (staging / MANIFEST, staging):
        _sync(path)
    _remove(folder)
    os.replace(staging, folder)
    return package


def _remove(folder: Path) -> None:
    """Takes away a folder, or a link to one that somebody has put on another disk."""
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _describe(deb: Path, source: Source, staging: Path, written: Mapping[str, str]) -> Package:
    """The manifest of what was written; what is no audio or too short is removed."""
    told = staging / _COPYRIGHT_PLACE
    copyright_file = Copyright(told.read_text(encoding="utf-8", errors="replace") if told.exists() else "")
    files: dict[str, MusicFile] = {}
    unreadable: list[str] = []
    for relative, origin in sorted(written.items()):
        if relative == _COPYRIGHT_PLACE:
            continue
        place = relative
        try:
            if source.needs_ffmpeg:
                place = _as_flac(staging, relative)
            music = _music_file(staging / place, _without_archives(origin), copyright_file, source.min_duration_s)
        except AudioError:
            unreadable.append(relative)
            music = None
        if music is None:
            (staging / place).unlink()
        else:
            files[place] = music
    name, version, *_ = (*deb.name.split("_"), "", "")
    return Package(
        package=name,
        version=version,
        licence=copyright_file.package_licence,
        folders=source.folders,
        selection=source.selection,
        files=files,
        unreadable=tuple(unreadable),
    )


def _as_flac(staging: Path, relative: str) -> str:
    """The new relative path of a file once it is kept in a format that libsndfile reads."""
    place = f"{os.path.splitext(relative)[0]}.flac"
    y, sample_rate = read(staging / relative)
    write(staging / place, y, sample_rate=sample_rate)
    (staging / relative).unlink()
    return place


def _music_file(path: Path, origin: str, copyright_file: Copyright, min_duration_s: float) -> MusicFile | None:
    info = probe(path)
    if info.duration_s < min_duration_s:
        return None
    # What is read whole is also walked for damage; a long file is left to whoever decodes it to its end.
    start, _rate = read(path, duration_s=FINGERPRINT_S if info.duration_s > FINGERPRINT_S else None)
    fingerprint = hashlib.sha256(pcm16_bytes(start) + f"{info.frames}/{info.sample_rate}".encode())
    with open(path, "rb") as handle:
        sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
    tags = _metadata(path)
    return MusicFile(
        sha256=sha256,
        fingerprint=fingerprint.hexdigest(),
        duration_s=round(info.duration_s, 3),
        title=tags["title"],
        artist=tags["artist"],
        album=tags["album"],
        holder=copyright_file.holder(origin),
        licence=copyright_file.licence(origin),
        metadata_licence=tags["license"],
    )


def _metadata(path: Path) -> dict[str, str | None]:
    """Texts that libsndfile finds in a file; None for those that are missing or hold nothing readable."""
    try:
        with soundfile.SoundFile(path) as file:
            found = {name: getattr(file, name) for name in ("title", "artist", "album", "license")}
    except soundfile.LibsndfileError:
        found = dict.fromkeys(("title", "artist", "album", "license"), "")
    return {name: _UNPRINTABLE.sub("", text)[:200].strip() or None for name, text in found.items()}


def _without_archives(path: str) -> str:
    """`path` without the zip archives on its way: what the copyright file calls the file."""
    return "/".join(part for part in path.split("/") if not part.endswith((".pk3", ".zip")))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
