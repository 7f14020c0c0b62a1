"""The debian library is built from packages, goes on after a break, does nothing twice, and says what it lacks."""

import errno
import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from catalog.debian import build_debian
from catalog.debian import package as package_module
from catalog.debian.apt import Apt
from catalog.debian.mapping import LabelMap, load_mapping
from catalog.debian.package import unpack_package
from catalog.errors import CatalogError
from catalog.format import Recording, open_catalog
from tests.catalog.debian_packages import music, package, zip_of
from tests.catalog.debian_shop import Shop
from tests.full_disk import files_of_at_most

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not on this machine")

MAPPING = """
sources:
- name: game-music
  package: game-[0-9]*-music
  folders: [usr/share/game/*/music]
  licence: GPL-2+
  tags: [orchestral]
  artists:
    Ada: {battle: [battle], calm: [], retagged: []}
    Bob: {win/*: []}
  skip: [jingle*]
- name: racer-data
  package: racer-data
  folders: [usr/share/racer/music.pk3/tracks]
  tags: [electronic]
  artists:
    Ada: {remix: []}
    '?': {unknown: []}
- name: gone-data
  package: gone-*
  folders: [usr/share/gone]
  artists: {Cid: {'*': []}}
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("packages")
    calm = music(folder, 2, title="Calm")
    copyright_text = (
        "Format: 1.0\n\nFiles: *\nLicense: GPL-3\nCopyright: x\n\n"
        "Files: music/calm.ogg\nLicense: CC0-1.0\nCopyright: Ada\n"
    )
    game: dict[str, bytes] = {
        "usr/share/game/1.2/music/battle.ogg": music(folder, 1, title="The Battle", artist="A. Example", album="OST"),
        "usr/share/game/1.2/music/calm.ogg": calm,
        "usr/share/game/1.2/music/retagged.ogg": music(folder, 2, title="Calm, once more"),
        "usr/share/game/1.2/music/new.ogg": music(folder, 3),
        "usr/share/game/1.2/music/jingle1.ogg": music(folder, 4),
        "usr/share/game/1.2/music/short.ogg": music(folder, 5, seconds=3),
        "usr/share/game/1.2/music/broken.ogg": b"OggS, but no more",
        "usr/share/game/1.2/music/win/fanfare.ogg": music(folder, 6),
        "usr/share/doc/game-1.2-music/copyright": copyright_text.encode(),
    }
    racer = {"tracks/remix.ogg": music(folder, 7), "tracks/unknown.ogg": calm, "readme.txt": b"hi"}
    return {
        "game-1.2-music": package(folder / "game.deb", game),
        "racer-data": package(folder / "racer.deb", {"usr/share/racer/music.pk3": zip_of(racer)}),
    }


@pytest.fixture
def labels(tmp_path: Path) -> LabelMap:
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    return load_mapping(tmp_path / "mapping.yaml")


@pytest.fixture
def shop(tmp_path: Path, packages: dict[str, Path]) -> Shop:
    return Shop(tmp_path, packages)


def recordings(catalog: Path) -> list[Recording]:
    rows = list(open_catalog(catalog).rows())
    assert all(isinstance(row, Recording) for row in rows)
    return [row for row in rows if isinstance(row, Recording)]


def test_packages_become_recordings_with_all_that_is_known(tmp_path: Path, shop: Shop, labels: LabelMap) -> None:
    said: list[str] = []
    done: list[tuple[int, int]] = []
    catalog = build_debian(
        tmp_path / "debian",
        repository=shop,
        mapping=labels,
        say=said.append,
        progress=lambda so_far, total: done.append((so_far, total)),
    )
    rows = {row.id: row for row in recordings(catalog)}
    assert sorted(rows) == ["game-music/battle", "game-music/calm", "game-music/win/fanfare", "racer-data/remix"]
    battle = rows["game-music/battle"]
    assert (battle.artist, battle.title, battle.album) == ("Ada", "The Battle", "OST")
    assert (battle.package, battle.licence, battle.tags) == ("game-1.2-music", "GPL-2+", ("orchestral", "battle"))
    assert rows["game-music/calm"].licence == "CC0-1.0"
    assert rows["racer-data/remix"].split == battle.split is not None
    assert open_catalog(catalog).library == "debian"
    assert done[0] == (0, 3)
    assert done[-1] == (3, 3)
    assert said == [
        "game-1.2-music: cannot be read as audio: broken.ogg",
        "game-1.2-music: not in the mapping: new.ogg",
        "packages that this machine's sources do not have: gone-*",
    ]


def test_a_second_build_fetches_and_writes_nothing(tmp_path: Path, shop: Shop, labels: LabelMap) -> None:
    catalog = build_debian(tmp_path / "debian", repository=shop, mapping=labels, say=lambda line: None)
    before = catalog.stat()
    shop.downloads.clear()
    build_debian(tmp_path / "debian", repository=shop, mapping=labels, say=lambda line: None)
    assert shop.downloads == []
    assert (catalog.stat().st_mtime_ns, catalog.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert list((tmp_path / "debian" / ".build" / "packages").iterdir()) == []


def test_a_killed_build_goes_on_and_ends_the_same(
    tmp_path: Path, shop: Shop, labels: LabelMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = build_debian(tmp_path / "whole", repository=shop, mapping=labels, say=lambda line: None)
    shop.downloads.clear()

    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(package_module, "_music_file", killed)
        with pytest.raises(KeyboardInterrupt):
            build_debian(tmp_path / "cut", repository=shop, mapping=labels, say=lambda line: None)
    assert not (tmp_path / "cut" / "catalog.csv").exists()
    assert not (tmp_path / "cut" / "game-music").exists()
    with pytest.raises(KeyboardInterrupt):
        build_debian(
            tmp_path / "cut",
            repository=shop,
            mapping=labels,
            say=lambda line: None,
            progress=lambda done, total: killed() if done == 1 else None,
        )
    catalog = build_debian(tmp_path / "cut", repository=shop, mapping=labels, say=lambda line: None)
    assert catalog.read_bytes() == whole.read_bytes()
    assert shop.downloads == ["game-1.2-music", "game-1.2-music", "racer-data"]
    assert not list((tmp_path / "cut").glob(".*.unpacking"))


def test_what_others_wrote_in_a_package_s_place_is_left_alone(tmp_path: Path, shop: Shop, labels: LabelMap) -> None:
    own = tmp_path / "debian" / "game-music" / "mine.ogg"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    (tmp_path / "debian" / "racer-data").write_bytes(b"mine")
    said: list[str] = []
    with pytest.raises(CatalogError, match="no music could be had"):
        build_debian(tmp_path / "debian", repository=shop, mapping=labels, say=said.append)
    assert own.read_bytes() == (tmp_path / "debian" / "racer-data").read_bytes() == b"mine"
    assert "game-music: holds mine.ogg, which no build of ours wrote" in said[0]
    assert "racer-data: is a file, where a folder is wanted" in said[1]


def test_a_package_that_was_unpacked_before_there_were_marks_is_replaced(
    tmp_path: Path, shop: Shop, labels: LabelMap
) -> None:
    build_debian(tmp_path / "debian", repository=shop, mapping=labels, say=lambda line: None)
    folder = tmp_path / "debian" / "game-music"
    (folder / ".dacapo").unlink()
    folder.rename(tmp_path / "another disk")
    folder.symlink_to(tmp_path / "another disk")
    (tmp_path / "other.yaml").write_text(MAPPING.replace("game/*/music", "game/1.2/music"))
    shop.downloads.clear()
    other = load_mapping(tmp_path / "other.yaml")
    build_debian(tmp_path / "debian", repository=shop, mapping=other, say=lambda line: None)
    assert shop.downloads == ["game-1.2-music"]
    assert (folder / ".dacapo").is_file()
    assert not folder.is_symlink()
    assert [path.name for path in folder.parent.glob(".game-music*")] == []


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan"), float("inf")])
def test_minutes_that_are_no_number_above_0_are_one_line(
    tmp_path: Path, shop: Shop, labels: LabelMap, minutes: float
) -> None:
    with pytest.raises(CatalogError, match=rf"^minutes={minutes} must be a number above 0$"):
        build_debian(tmp_path / "debian", minutes=minutes, repository=shop, mapping=labels)
    assert not (tmp_path / "debian").exists()


def test_minutes_and_packages_bound_the_library(tmp_path: Path, shop: Shop, labels: LabelMap) -> None:
    few = build_debian(tmp_path / "few", minutes=0.3, repository=shop, mapping=labels, say=lambda line: None)
    assert {row.package for row in recordings(few)} == {"game-1.2-music"}
    one = build_debian(
        tmp_path / "one", packages=["racer-data"], repository=shop, mapping=labels, say=lambda line: None
    )
    assert [row.id for row in recordings(one)] == ["racer-data/remix", "racer-data/unknown"]
    split = {row.artist: row.split for row in recordings(few)}["Ada"]
    assert recordings(one)[0].split == split
    with pytest.raises(CatalogError, match='package "rasser" is not in the mapping'):
        build_debian(tmp_path / "none", packages=["rasser"], repository=shop, mapping=labels)


def test_a_damaged_package_is_told_and_the_rest_goes_on(tmp_path: Path, shop: Shop, labels: LabelMap) -> None:
    (tmp_path / "bad.deb").write_bytes(b"!<arch>\nnot really")
    shop.packages = {**shop.packages, "game-1.2-music": tmp_path / "bad.deb"}
    said: list[str] = []
    catalog = build_debian(tmp_path / "debian", repository=shop, mapping=labels, say=said.append)
    assert {row.package for row in recordings(catalog)} == {"racer-data"}
    assert said[0].startswith("game-1.2-music is left out: game-1.2-music_1.0_all.deb: is not a whole Debian package")


def test_without_any_music_there_is_no_catalog(tmp_path: Path, labels: LabelMap) -> None:
    with pytest.raises(CatalogError, match="no music could be had"):
        build_debian(tmp_path / "debian", repository=Shop(tmp_path, {}), mapping=labels, say=lambda line: None)
    assert not (tmp_path / "debian" / "catalog.csv").exists()


def test_a_machine_without_apt_is_told_in_one_line(
    tmp_path: Path, labels: LabelMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    with pytest.raises(
        CatalogError, match="apt-get is not on PATH: the debian library needs a Debian or Ubuntu machine"
    ):
        build_debian(tmp_path / "debian", mapping=labels)


def test_two_builds_do_not_meet_in_one_folder(tmp_path: Path, shop: Shop, labels: LabelMap) -> None:
    def again(done: int, total: int) -> None:
        build_debian(tmp_path / "debian", repository=shop, mapping=labels)

    with pytest.raises(CatalogError, match="another build is at work"):
        build_debian(tmp_path / "debian", repository=shop, mapping=labels, progress=again)


def test_a_full_disk_leaves_no_package_out_and_the_next_build_goes_on(
    tmp_path: Path, shop: Shop, labels: LabelMap
) -> None:
    folder = tmp_path / "debian" / "game-music"
    with files_of_at_most(10_000), pytest.raises(OSError, match="File too large"):
        unpack_package(shop.packages["game-1.2-music"], labels.sources[0], folder)
    assert not list(folder.parent.glob(".*"))
    assert not folder.exists()
    assert len(recordings(build_debian(tmp_path / "debian", repository=shop, mapping=labels))) == 4


def apt_of(folder: Path, packages: Mapping[str, bytes], hashes: Mapping[str, str]) -> Apt:
    """apt with one repository, which lies on this disk."""
    index = ""
    for name, content in packages.items():
        (folder / f"{name}.deb").write_bytes(content)
        fields = [f"Package: {name}", "Version: 1", "Architecture: all", f"Filename: ./{name}.deb"]
        index += "\n".join([*fields, f"Size: {len(content)}", f"SHA256: {hashes[name]}"]) + "\n\n"
    (folder / "Packages").write_text(index)
    (folder / "sources.list").write_text(f"deb [trusted=yes] copy:{folder} ./\n")
    options = [f"Dir::Etc::sourcelist={folder / 'sources.list'}", "Dir::Etc::sourceparts=-"]
    return Apt(folder / "apt", options=options)


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt is not on this machine")
def test_apt_brings_the_newest_package_and_checks_its_hash(tmp_path: Path, packages: dict[str, Path]) -> None:
    content = packages["game-1.2-music"].read_bytes()
    right = hashlib.sha256(content).hexdigest()
    names = ("game-1.9-music", "game-1.16-music", "forged")
    apt = apt_of(tmp_path, dict.fromkeys(names, content), dict.fromkeys(names, right) | {"forged": "0" * 64})
    assert apt.newest("game-[0-9]*-music") == "game-1.16-music"
    assert apt.newest("nothing-*") is None
    assert apt.download("game-1.16-music", tmp_path / "downloads").read_bytes() == content
    for name in ("forged", "nothing-data"):
        with pytest.raises(CatalogError, match=name):
            apt.download(name, tmp_path / "downloads")
    assert not (tmp_path / "downloads" / "forged_1_all.deb").exists()


def test_a_disk_that_fills_under_apt_leaves_no_package_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = "E: Failed to fetch copy:/game.deb  Write error - write (28: No space left on device)"
    for program in ("apt-get", "apt-cache", "dpkg-deb"):
        (tmp_path / program).write_text(f"#!/bin/sh\necho '{told}' >&2\nexit 100\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(OSError, match="No space left on device") as error:
        Apt(tmp_path / "apt").download("game", tmp_path / "downloads")
    assert error.value.errno == errno.ENOSPC


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt is not on this machine")
def test_apt_is_not_asked_for_lists_that_the_disk_does_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.debian.apt.LISTS_BYTES", shutil.disk_usage(tmp_path).total + 1)
    with pytest.raises(OSError, match=r"apt's lists need [0-9]+ bytes of disk, [0-9]+ are free") as error:
        apt_of(tmp_path, {}, {}).newest("game-*")
    assert error.value.errno == errno.ENOSPC


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "game-music"}, 'source "game-music" stands there twice'),
        ({"folders": ["../up"]}, "folders"),
        ({"folders": []}, "folders"),
        ({"tags": ["a//b"]}, "tags"),
        ({"colour": "red"}, "colour"),
        ({"name": "../x"}, "name"),
    ],
)
def test_a_wrong_mapping_is_one_line(tmp_path: Path, change: dict[str, object], message: str) -> None:
    content = yaml.safe_load(MAPPING)
    content["sources"][1] |= change
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(CatalogError) as error:
        load_mapping(tmp_path / "m.yaml")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
