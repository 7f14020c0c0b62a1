"""Unpacking takes what is wanted out of a package and lets nothing in it climb, fill the disk or hang."""

import random
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from catalog.debian.archives import Bounds, unpack
from catalog.debian.copyright import Copyright
from catalog.errors import CatalogError
from tests.catalog.debian_packages import link, package, zip_of

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not on this machine")

COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: game

Files: *
Copyright: 2001, The Team
License: GPL-2+

Files: data/music/*
Copyright: 2002-2004 Ada Example <ada@example.org>
License: CC-BY-SA-3.0
 Long text of the licence.

Files: ./data/music/b.ogg
 data/music/c?.ogg
Copyright: © 2005, Bob Example (http://example.org)
License: CC0-1.0
Comment: found on a page
"""


def ogg_only(path: str) -> str | None:
    return path.removeprefix("usr/share/game/") if path.endswith(".ogg") else None


def take(deb: Path, into: Path, bounds: Bounds | None = None) -> dict[str, str]:
    into.mkdir()
    return unpack(deb, into, ogg_only, lambda path: path.endswith("wanted.pk3"), bounds=bounds or Bounds())


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_wanted_files_are_written_and_nothing_else(tmp_path: Path) -> None:
    deb = package(
        tmp_path / "a.deb",
        {
            "./usr/share/game/a.ogg": b"A",
            "./usr/share/game/b.png": b"B",
            "./usr/share/game/link.ogg": link("./usr/share/game/link.ogg", "/etc/passwd"),
            "./usr/share/game/wanted.pk3": zip_of({"music/c.ogg": b"C", "music/d.png": b"D"}),
            "./usr/share/game/other.pk3": zip_of({"music/e.ogg": b"E"}),
        },
    )
    written = take(deb, tmp_path / "out")
    assert written == {
        "a.ogg": "usr/share/game/a.ogg",
        "wanted.pk3/music/c.ogg": "usr/share/game/wanted.pk3/music/c.ogg",
    }
    assert files_below(tmp_path / "out") == ["a.ogg", "wanted.pk3/music/c.ogg"]
    assert (tmp_path / "out" / "wanted.pk3" / "music" / "c.ogg").read_bytes() == b"C"


@pytest.mark.parametrize("name", ["../../evil.ogg", "/evil.ogg", "usr/../../evil.ogg"])
def test_a_file_that_climbs_out_of_a_package_is_refused(tmp_path: Path, name: str) -> None:
    deb = package(tmp_path / "a.deb", {name: b"evil"})
    (tmp_path / "deep").mkdir()
    with pytest.raises(CatalogError, match=r"a\.deb: file .* (climbs|is absolute)"):
        take(deb, tmp_path / "deep" / "out")
    assert files_below(tmp_path) == ["a.deb"]


@pytest.mark.parametrize("name", ["../../../../evil.ogg", "/evil.ogg"])
def test_a_file_never_climbs_out_of_a_zip_archive(tmp_path: Path, name: str) -> None:
    deb = package(tmp_path / "a.deb", {"wanted.pk3": zip_of({name: b"evil"})})
    (tmp_path / "deep").mkdir()
    with suppress(CatalogError):
        take(deb, tmp_path / "deep" / "out")
    assert [name for name in files_below(tmp_path) if not name.startswith("deep/out/")] == ["a.deb"]


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (Bounds(file_bytes=1000), "unpacks beyond the bounds"),
        (Bounds(written_bytes=1000), "unpacks beyond the bounds"),
        (Bounds(stream_bytes=20_000), "unpacks to more than 20000 bytes"),
        (Bounds(members=1), "holds more than 1 files"),
    ],
)
def test_a_package_that_swells_is_stopped(tmp_path: Path, bounds: Bounds, message: str) -> None:
    deb = package(tmp_path / "a.deb", {"a.ogg": bytes(100_000), "b.ogg": bytes(100_000)})
    with pytest.raises(CatalogError, match=message):
        take(deb, tmp_path / "out", bounds)


def test_a_zip_archive_that_swells_is_stopped(tmp_path: Path) -> None:
    deb = package(tmp_path / "a.deb", {"wanted.pk3": zip_of({"a.ogg": bytes(1 << 20)})})
    with pytest.raises(CatalogError, match="unpacks beyond the bounds"):
        take(deb, tmp_path / "out", Bounds(file_bytes=1 << 16))


def test_a_name_of_megabytes_is_not_read(tmp_path: Path) -> None:
    deb = package(tmp_path / "a.deb", {"x" * (1 << 20) + ".ogg": b"x"})
    with pytest.raises(CatalogError, match="is not a whole Debian package"):
        take(deb, tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"no package at all", None])
def test_a_damaged_package_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    deb = package(tmp_path / "a.deb", {"a.ogg": incompressible(), "b.ogg": incompressible()})
    deb.write_bytes(deb.read_bytes()[:-5000] if content is None else content)
    with pytest.raises(CatalogError) as error:
        take(deb, tmp_path / "out")
    assert str(error.value).startswith("a.deb: is not a whole Debian package")
    assert "\n" not in str(error.value)


def test_a_damaged_zip_archive_is_one_line(tmp_path: Path) -> None:
    deb = package(tmp_path / "a.deb", {"wanted.pk3": zip_of({"a.ogg": incompressible()})[:-3000]})
    with pytest.raises(CatalogError, match="is not a whole zip archive"):
        take(deb, tmp_path / "out")


def test_the_copyright_file_gives_licence_and_holder_of_a_file() -> None:
    found = Copyright(COPYRIGHT)
    assert found.package_licence == "GPL-2+"
    assert found.licence("usr/share/games/game/data/music/a.ogg") == "CC-BY-SA-3.0"
    assert found.licence("usr/share/games/game/music/a.ogg") == "CC-BY-SA-3.0"
    assert found.licence("usr/share/games/game/music/b.ogg") == "CC0-1.0"
    assert found.holder("usr/share/games/game/music/c1.ogg") == "Bob Example"
    assert found.holder("usr/share/games/game/music/a.ogg") is None
    assert found.licence("usr/share/games/game/sounds/x.ogg") is None


@pytest.mark.parametrize("text", ["", "Just some text: with a colon\n", "Files: *\nLicense: GPL\n", "\n\n \n"])
def test_a_copyright_file_for_people_answers_nothing(text: str) -> None:
    found = Copyright(text)
    assert (found.package_licence, found.licence("a.ogg"), found.holder("a.ogg")) == (None, None, None)


def test_a_pattern_of_many_stars_does_not_keep_the_matcher_busy() -> None:
    text = COPYRIGHT.replace("data/music/*", "*a" * 40 + "b")
    assert Copyright(text).licence("a" * 3000) is None


def incompressible() -> bytes:
    """Bytes that no archive makes smaller."""
    return random.Random(0).randbytes(20_000)
