"""Multitracks and assembled mixtures: stems sum to the mix exactly, splits share nothing, work is done once."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio.files import read
from catalog.debian import build_assembled, build_debian_sources, build_multitracks
from catalog.debian.assembled import music_of_splits
from catalog.debian.exact_mix import exact_mix
from catalog.debian.mapping import load_mapping
from catalog.debian.sounds import MAPPINGS, VOICES
from catalog.errors import CatalogError
from catalog.format import Catalog, Recording, Split, open_catalog
from tests.catalog.debian_shop import Shop
from tests.full_disk import files_of_at_most

RATE = 22_050
SPLITS: tuple[Split, ...] = ("train", "validation", "eval", "test")


def tone(path: Path, seed: int, seconds: float, *, level: float = 0.3) -> None:
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    y = level * np.sin(2 * np.pi * rng.uniform(100, 900) * t) * (1 + 0.3 * rng.standard_normal(len(t)))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, y.astype(np.float32), RATE, "FLOAT" if path.suffix == ".wav" else None)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Music of five packages, one of them torn between splits, with one song in two tracks, and five speakers."""
    music: list[Recording] = []
    plan: list[tuple[str, str, Split]] = [
        ("a", "Ada", "train"), ("a", "Ada", "train"), ("a", "Eve", "eval"),
        ("b", "Bob", "validation"), ("c", "Cid", "eval"), ("c", "Cid", "eval"), ("d", "Dan", "eval"),
    ]  # fmt: skip
    for number, (package, artist, split) in enumerate(plan):
        path = f"{package}/{number}.flac"
        tone(tmp_path / path, number, 11)
        music.append(Recording(id=str(number), path=path, artist=artist, package=package, split=split, tags=("rock",)))
    tone(tmp_path / "duo/one/guitar.wav", 20, 3.0, level=0.8)
    tone(tmp_path / "duo/one/song.wav", 21, 2.9, level=0.7)
    stems = {"guitar": "duo/one/guitar.wav", "rest": "duo/one/song.wav"}
    music.append(
        Recording(
            id="duo/one/song", path="duo/one/song.wav", artist="Ann", package="duo", stems=stems, split="eval",
            title="song", tags=("rock/metal",),
        )
    )  # fmt: skip
    Catalog.write(tmp_path / "catalog.csv", "debian", music)
    voices: list[Recording] = []
    speakers: list[tuple[str, Split]] = [
        ("s1", "train"), ("s2", "train"), ("s3", "validation"), ("s4", "eval"), ("s5", "test")
    ]  # fmt: skip
    for number, (speaker, split) in enumerate(speakers):
        for take in range(3):
            path = f"voices/{speaker}/{take}.flac"
            tone(tmp_path / path, 100 + 10 * number + take, 0.6 + 0.2 * take)
            voices.append(Recording(id=f"{speaker}/{take}", path=path, artist=speaker, split=split, tags=("speech",)))
    Catalog.write(tmp_path / "voices.csv", "debian", voices)
    return tmp_path


def rows_of(catalog: Path) -> list[Recording]:
    rows = list(open_catalog(catalog).rows())
    assert all(isinstance(row, Recording) for row in rows)
    return [row for row in rows if isinstance(row, Recording)]


def samples(folder: Path, path: str) -> np.ndarray:
    return soundfile.read(folder / path, dtype="int16", always_2d=True)[0].astype(int)


@pytest.mark.parametrize("level", [0.01, 0.5, 1.7])
def test_rounded_stems_sum_to_the_mix_and_keep_their_ratio(level: float) -> None:
    rng = np.random.default_rng(0)
    a, b = (level * rng.uniform(-1, 1, (2, 5000)).astype(np.float32) for _ in range(2))
    made = exact_mix({"a": a, "b": b}, 0.98)
    assert np.array_equal(made["a"] + made["b"], made["mix"])
    assert np.abs(made["mix"]).max() <= 0.981
    factor = np.abs(made["a"]).max() / np.abs(a).max()
    assert factor <= 1 + 1 / 32768 / level
    assert made["b"] == pytest.approx(b * factor, abs=2e-4)


def test_two_tracks_are_scaled_to_one_mix_and_named_twice(library: Path) -> None:
    raw = [read(library / f"duo/one/{name}.wav")[0] for name in ("guitar", "song")]
    assert np.abs(raw[0][:, : raw[1].shape[1]] + raw[1]).max() > 1.2
    (row,) = rows_of(build_multitracks(library))
    assert (row.artist, row.split, row.tags, row.title) == ("Ann", "eval", ("rock/metal",), "one")
    assert row.stems["vocals"] == row.stems["guitar"]
    assert row.stems["accompaniment"] == row.stems["rest"]
    mix, guitar, rest = (samples(library, path) for path in (row.path, row.stems["guitar"], row.stems["rest"]))
    assert np.array_equal(guitar + rest, mix)
    assert abs(mix).max() == pytest.approx(0.98 * 32768, abs=2)
    assert len(mix) == 3 * RATE


def test_a_song_that_is_there_is_not_made_again(library: Path) -> None:
    catalog = build_multitracks(library)
    (row,) = rows_of(catalog)
    before = [(library / row.path).stat().st_mtime_ns, catalog.stat().st_mtime_ns]
    build_multitracks(library)
    assert [(library / row.path).stat().st_mtime_ns, catalog.stat().st_mtime_ns] == before
    (library / row.path).unlink()
    build_multitracks(library)
    assert (library / row.path).is_file()


def test_a_library_without_two_tracks_is_told_which_packages_have_them(library: Path) -> None:
    rows = [row for row in rows_of(library / "catalog.csv") if not row.stems]
    Catalog.write(library / "catalog.csv", "debian", rows)
    with pytest.raises(CatalogError, match="fretsonfire-songs-muldjord"):
        build_multitracks(library)


def test_no_package_of_music_is_in_two_splits(library: Path) -> None:
    chosen = music_of_splits(rows_of(library / "catalog.csv"))
    packages = {split: {row.package for row in rows} for split, rows in chosen.items()}
    assert packages == {"train": {"a"}, "validation": {"b"}, "eval": {"c"}, "test": {"d"}}
    assert {row.artist for row in chosen["train"]} == {"Ada"}


def test_mixtures_are_sums_of_one_speaker_and_one_piece(library: Path) -> None:
    rows = rows_of(build_assembled(library, rows=dict.fromkeys(SPLITS, 1)))
    assert [row.id for row in rows] == [f"assembled/{split}-0000" for split in SPLITS]
    for row in rows:
        mix, vocals, rest = (
            samples(library, path) for path in (row.path, row.stems["vocals"], row.stems["accompaniment"])
        )
        assert np.array_equal(vocals + rest, mix)
        assert mix.shape[1] == 2
        assert 9.9 < len(mix) / 44_100 <= 11
        assert 0.1 < np.mean(np.abs(vocals).max(1) > 10) < 0.98
        active = vocals[np.abs(vocals).max(1) > 100]
        difference_db = 10 * np.log10(np.mean(active**2.0) / np.mean(rest**2.0))
        assert -9 < difference_db < 9
    for unit in ("artist", "package"):
        splits = {(getattr(row, unit), row.split) for row in rows}
        assert len(splits) == len({value for value, _ in splits})
    assert rows[0].tags == ("rock", "speech")


def test_mixtures_do_not_depend_on_workers_or_on_how_many_there_are(library: Path) -> None:
    build_assembled(library, rows={"train": 1}, workers=1)
    first = (library / "assembled/train-0000/mix.flac").read_bytes()
    build_assembled(library, rows={"train": 3, "eval": 1}, workers=2)
    assert (library / "assembled/train-0000/mix.flac").read_bytes() == first
    build_assembled(library, rows={"train": 1}, seed=1)
    assert (library / "assembled/train-0000/mix.flac").read_bytes() != first


def test_a_speaker_that_moves_to_another_split_is_heard_there(library: Path) -> None:
    rows: dict[Split, int] = {"validation": 1, "eval": 1}
    build_assembled(library, rows=rows)
    mixes = [library / f"assembled/{split}-0000/mix.flac" for split in rows]
    before = [mix.read_bytes() for mix in mixes]
    swapped: dict[str | None, Split] = {"s3": "eval", "s4": "validation"}
    voices = [
        row.model_copy(update={"split": swapped.get(row.artist, row.split)}) for row in rows_of(library / "voices.csv")
    ]
    Catalog.write(library / "voices.csv", "debian", voices)
    assert [row.artist for row in rows_of(build_assembled(library, rows=rows))] == ["s4", "s3"]
    assert all(mix.read_bytes() != old for mix, old in zip(mixes, before, strict=True))


def test_a_build_that_was_broken_off_goes_on(library: Path) -> None:
    rows: dict[Split, int] = {"train": 2}
    catalog = build_assembled(library, rows=rows)
    kept, lost = (library / f"assembled/train-000{number}/mix.flac" for number in (0, 1))
    before, content = kept.stat().st_mtime_ns, lost.read_bytes()
    lost.unlink()
    catalog.unlink()
    build_assembled(library, rows=rows)
    assert kept.stat().st_mtime_ns == before
    assert lost.read_bytes() == content
    assert len(rows_of(catalog)) == 2


def test_a_full_disk_leaves_no_mixture_out(library: Path) -> None:
    with files_of_at_most(20_000), pytest.raises(OSError, match="File too large"):
        build_assembled(library)
    assert not (library / "assembled.csv").exists()


def test_a_folder_that_others_wrote_is_left_alone(library: Path) -> None:
    own = library / "assembled" / "train-0000" / "mix.flac"
    tone(own, 0, 0.5)
    before = own.read_bytes()
    with pytest.raises(CatalogError, match=r"assembled: holds train-0000, which no build of ours wrote"):
        build_assembled(library, rows={"train": 1})
    assert own.read_bytes() == before
    assert not (library / "assembled.csv").exists()


def test_in_a_folder_of_ours_a_build_of_other_things_removes_what_we_wrote_and_no_more(library: Path) -> None:
    build_assembled(library, rows={"train": 2})
    own = library / "assembled" / "notes" / "mine.txt"
    own.parent.mkdir()
    own.write_text("mine")
    build_assembled(library, rows={"train": 1}, seed=1)
    assert own.read_text() == "mine"
    assert not (library / "assembled" / "train-0001").exists()


def in_packages(library: Path, packages: dict[str | None, str]) -> None:
    """The voices again, those of some speakers in packages."""
    voices = [row.model_copy(update={"package": packages.get(row.artist)}) for row in rows_of(library / "voices.csv")]
    Catalog.write(library / "voices.csv", "debian", voices)


def test_music_beside_the_voices_of_test_is_not_heard_in_training(library: Path) -> None:
    in_packages(library, {"s5": "b", "s1": "talk", "s3": "talk"})
    rows = rows_of(build_assembled(library, rows={"train": 2, "eval": 1, "test": 1}))
    assert {row.package for row in rows} == {"a", "c", "d"}
    with pytest.raises(CatalogError, match="there is no music for the split validation"):
        build_assembled(library, rows={"validation": 1})


def test_a_package_of_voices_in_test_and_elsewhere_is_one_line(library: Path) -> None:
    in_packages(library, {"s5": "talk", "s1": "talk"})
    with pytest.raises(CatalogError, match=r"voices\.csv: package=talk is in the split test and in another$"):
        build_assembled(library)


def test_voices_of_test_are_of_packages_of_their_own() -> None:
    mapping = load_mapping(MAPPINGS[VOICES])
    packages: dict[str, set[str]] = defaultdict(set)
    for source in mapping.sources:
        for artist in source.artists:
            packages[mapping.pinned[artist]].add(source.package)
    assert set(packages) == set(SPLITS)
    assert not packages["test"] & (packages["train"] | packages["validation"] | packages["eval"])


def test_a_split_without_voices_is_one_line(library: Path) -> None:
    voices = [row for row in rows_of(library / "voices.csv") if row.split != "test"]
    Catalog.write(library / "voices.csv", "debian", voices)
    with pytest.raises(CatalogError, match="there is no voice for the split test of assembled"):
        build_assembled(library)


def test_a_source_that_cannot_be_had_costs_a_line_and_the_music_nothing(library: Path) -> None:
    music = (library / "catalog.csv").read_bytes()
    (library / "voices.csv").unlink()
    said: list[str] = []
    built = build_debian_sources(library, repository=Shop(library, {}), say=said.append)
    assert [path.name for path in built] == ["multitracks.csv"]
    told = [line.split(" is left out")[0] for line in said if ".csv is left out" in line]
    assert told == ["noises.csv", "voices.csv", "assembled.csv"]
    assert (library / "catalog.csv").read_bytes() == music
