"""Voices and noises become catalogs of their own, split by speaker and by recording; the music's is not touched."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from catalog.debian import build_noises, build_voices
from catalog.debian.mapping import LabelMap, load_mapping
from catalog.debian.sounds import MAPPINGS
from catalog.errors import CatalogError
from catalog.format import Recording, open_catalog
from tests.catalog.debian_packages import music, package
from tests.catalog.debian_shop import Shop

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not on this machine")

MAPPING = """
pinned: {Ada: train, Bob: eval}
sources:
- name: game-data
  package: game-data
  folders: [usr/share/game/voices]
  licence: GPL-2+
  min_duration_s: 0.5
  artists:
    Ada: {ada/*: [speech]}
    Bob: {bob/*: [singing]}
- name: phone
  package: phone-sounds
  folders: [usr/share/phone]
  min_duration_s: 0.5
  labelled_only: true
  needs_ffmpeg: true
  artists:
    Ada: {'*': [speech]}
  skip: [silence/*]
- name: thunder
  package: thunder-data
  folders: [usr/share/thunder]
  labelled_only: true
  min_duration_s: 2.5
  artists:
    the storm: {storm: [background/rain]}
"""


def g722(seconds: float) -> bytes:
    """Bytes that any decoder of G.722 takes: one byte is two samples at 16 kHz."""
    return bytes(np.random.default_rng(0).integers(0, 256, round(8000 * seconds), np.uint8))


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("packages")
    voices = {
        "usr/share/game/voices/ada/hello.ogg": music(folder, 1, seconds=0.8),
        "usr/share/game/voices/ada/again.ogg": music(folder, 1, seconds=0.8, title="Hello"),
        "usr/share/game/voices/ada/hm.ogg": music(folder, 2, seconds=0.2),
        "usr/share/game/voices/ada/two.ogg": music(folder, 7, seconds=0.9) + music(folder, 8, seconds=0.9),
        "usr/share/game/voices/bob/la.ogg": music(folder, 3, seconds=1.0),
        "usr/share/game/music/song.ogg": music(folder, 4),
    }
    phone = {
        "usr/share/phone/welcome.g722": g722(1.0),
        "usr/share/phone/silence/1.g722": g722(1.5),
        "usr/share/phone/readme.txt": b"hi",
    }
    thunder = {
        "usr/share/thunder/storm.ogg": music(folder, 5, seconds=3),
        "usr/share/thunder/bark.ogg": music(folder, 6, seconds=3),
    }
    return {
        "game-data": package(folder / "game.deb", dict(voices)),
        "phone-sounds": package(folder / "phone.deb", dict(phone)),
        "thunder-data": package(folder / "thunder.deb", dict(thunder)),
    }


@pytest.fixture
def labels(tmp_path: Path) -> LabelMap:
    (tmp_path / "voices.yaml").write_text(MAPPING)
    return load_mapping(tmp_path / "voices.yaml")


def rows_of(catalog: Path) -> dict[str, Recording]:
    rows = list(open_catalog(catalog).rows())
    assert all(isinstance(row, Recording) for row in rows)
    return {row.id: row for row in rows if isinstance(row, Recording)}


@pytest.mark.usefixtures("ffmpeg")
def test_utterances_become_rows_with_speaker_and_split(
    tmp_path: Path, packages: dict[str, Path], labels: LabelMap
) -> None:
    library = tmp_path / "debian"
    library.mkdir()
    (library / "catalog.csv").write_bytes(b"the music")
    said: list[str] = []
    shop = Shop(tmp_path, packages)
    catalog = build_voices(library, repository=shop, mapping=labels, say=said.append)
    rows = rows_of(catalog)
    assert catalog == library / "voices.csv"
    assert sorted(rows) == ["game-data/ada/again", "game-data/bob/la", "phone/welcome", "thunder/storm"]
    sung = rows["game-data/bob/la"]
    assert (sung.artist, sung.tags, sung.split) == ("Bob", ("singing",), "eval")
    assert (sung.path, sung.licence) == ("voices/game-data/bob/la.ogg", "GPL-2+")
    assert rows["phone/welcome"].split == rows["game-data/ada/again"].split == "train"
    assert said == ["game-data: cannot be read as audio: ada/two.ogg"]
    assert (library / "catalog.csv").read_bytes() == b"the music"
    assert not (library / "voices/thunder/bark.ogg").exists()


@pytest.mark.usefixtures("ffmpeg")
def test_what_libsndfile_does_not_read_is_kept_as_flac(
    tmp_path: Path, packages: dict[str, Path], labels: LabelMap
) -> None:
    catalog = build_voices(tmp_path, repository=Shop(tmp_path, packages), mapping=labels, say=lambda line: None)
    info = soundfile.info(catalog.parent / rows_of(catalog)["phone/welcome"].path)
    assert (info.format, info.samplerate, info.frames) == ("FLAC", 16_000, 16_000)
    assert not list(tmp_path.rglob("*.g722"))
    assert not (tmp_path / "voices/phone/silence/1.flac").exists()


def test_without_ffmpeg_one_package_is_told_and_comes_later(
    tmp_path: Path, packages: dict[str, Path], labels: LabelMap, monkeypatch: pytest.MonkeyPatch, ffmpeg: Path
) -> None:
    said: list[str] = []
    shop = Shop(tmp_path, packages)
    with monkeypatch.context() as patch:
        patch.setattr("catalog.debian.shelf.find_ffmpeg", lambda: None)
        rows = rows_of(build_voices(tmp_path, repository=shop, mapping=labels, say=said.append))
    assert "phone is left out: its recordings need ffmpeg, which is not on PATH" in said
    assert "phone/welcome" not in rows
    shop.downloads.clear()
    assert "phone/welcome" in rows_of(build_voices(tmp_path, repository=shop, mapping=labels))
    assert shop.downloads == ["phone-sounds"]


@pytest.mark.usefixtures("ffmpeg")
def test_a_new_label_brings_the_package_again_and_nothing_else_does(
    tmp_path: Path, packages: dict[str, Path], labels: LabelMap
) -> None:
    shop = Shop(tmp_path, packages)
    build_noises(tmp_path / "library", repository=shop, mapping=labels, say=lambda line: None)
    shop.downloads.clear()
    catalog = build_noises(tmp_path / "library", repository=shop, mapping=labels, say=lambda line: None)
    assert shop.downloads == []
    (tmp_path / "more.yaml").write_text(MAPPING + "    the dog: {bark: [dog]}\n")
    more = load_mapping(tmp_path / "more.yaml")
    build_noises(tmp_path / "library", repository=shop, mapping=more, say=lambda line: None)
    assert shop.downloads == ["thunder-data"]
    assert rows_of(catalog)["thunder/bark"].tags == ("dog",)


def test_without_a_package_there_is_no_catalog(tmp_path: Path, labels: LabelMap) -> None:
    with pytest.raises(CatalogError, match="no noises could be had"):
        build_noises(tmp_path, repository=Shop(tmp_path, {}), mapping=labels, say=lambda line: None)
    assert not (tmp_path / "noises.csv").exists()


@pytest.mark.parametrize("kind", sorted(MAPPINGS))
def test_every_source_has_a_split_given_by_hand(kind: str) -> None:
    labels = load_mapping(MAPPINGS[kind])
    artists = {artist for source in labels.sources for artist in source.artists}
    assert artists == set(labels.pinned)
    assert set(labels.pinned.values()) == {"train", "validation", "eval", "test"}
