"""The noisy library on disk: music plus noise to the sample, splits of the sources, real noise in one split only."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from audio.files import read, write
from audio.noises.mixing import snr_db
from catalog.derived.dealing import takes_by_split
from catalog.errors import CatalogError
from catalog.folder import alone
from catalog.format import Catalog, open_catalog
from catalog.noise import build_noisy
from catalog.noise.plan import BACKGROUND_ROUNDS, BANDS_DB, CLEAN, KINDS, SPREAD_DB, Take, band_tag, deck, plan_takes
from catalog.noise.pool import NoisePool
from catalog.noisy_pairs import import_noisy_pairs
from catalog.recording import SPLITS, Recording
from catalog.vocabulary import load_vocabulary

RATE = 16_000
SONGS = 9


def make_source(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = []
    for number in range(SONGS):
        time = np.arange(4 * RATE) / RATE
        y = sum(0.1 * np.sin(2 * np.pi * f * time) for f in rng.uniform(200, 3000, 6))
        write(folder / f"{number}.wav", np.asarray(y, np.float32)[None], sample_rate=RATE)
        artist = f"artist {number}"
        rows.append(Recording(id=f"song/{number}", path=f"{number}.wav", artist=artist, split=SPLITS[number % 3]))
    return Catalog.write(folder / "catalog.csv", "tones", rows).path


def make_noises(folder: Path) -> Path:
    """Recordings of tones, one a split and kind, which no formula makes: 1000 Hz + 100 Hz for each."""
    rows = []
    for number, (split, kind) in enumerate((split, kind) for split in SPLITS for kind in ("rain", "hiss")):
        tone = np.sin(2 * np.pi * (1000 + 100 * number) * np.arange(RATE // 2) / RATE)
        write(folder / f"{number}.wav", 0.3 * tone[None].astype(np.float32), sample_rate=RATE)
        rows.append(Recording(id=f"{number}", path=f"{number}.wav", tags=(kind,), split=split))
    return Catalog.write(folder / "noises.csv", "noises", rows).path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_source(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def noises(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_noises(tmp_path_factory.mktemp("noises"))


@pytest.fixture(scope="module")
def noisy(source: Path) -> Path:
    return build_noisy(source, excerpt_s=2.5, per_recording=5, workers=2)


def rows_of(path: Path) -> list[Recording]:
    rows = list(open_catalog(path).rows(vocabulary=load_vocabulary("schemas/restoration/builtin/tags.yaml")))
    assert all(isinstance(row, Recording) for row in rows), rows
    return rows  # type: ignore[return-value]


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = [folder / "noisy.csv", *(path for path in (folder / "noisy").iterdir() if path.is_file())]
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def takes_of(noises: Path | None, count: int = 60, training_takes: int | None = None) -> list[Take]:
    sources = [
        (Recording(id=f"{split}-{n}", path="x.wav"), split) for split in SPLITS for n in range(count // len(SPLITS))
    ]
    takes = takes_by_split(4, training_takes=training_takes)
    return plan_takes(sources, NoisePool(noises), seed=0, takes=takes, limit=None)


def test_more_takes_for_training_leave_those_of_the_other_splits_as_they_are() -> None:
    few, many = takes_of(None), takes_of(None, training_takes=6)
    assert [take for take in few if take.split != "train"] == [take for take in many if take.split != "train"]
    assert [sum(take.split == "train" for take in takes) for takes in (few, many)] == [60, 90]


def test_a_row_is_music_plus_noise_at_the_level_that_its_tag_says(noisy: Path) -> None:
    rows = rows_of(noisy)
    assert len(rows) == 5 * SONGS
    for row in rows:
        clean, noise, whole = (
            read(noisy.parent / path)[0][0] for path in (row.stems["clean"], row.stems["noise"], row.path)
        )
        np.testing.assert_array_equal(np.rint(32768 * (clean + noise)), np.rint(32768 * whole))
        assert np.abs(whole).max() < 1
        if row.tags == (CLEAN,):
            assert not noise.any()
            assert row.path == row.stems["clean"]
        else:
            kind, band = row.tags
            assert kind in KINDS
            assert abs(snr_db(clean, noise) - int(band.removeprefix("snr "))) <= SPREAD_DB + 0.05


def test_rows_keep_artist_and_split_of_their_source(noisy: Path) -> None:
    for row in rows_of(noisy):
        assert row.artist is not None
        assert row.split == SPLITS[int(row.artist.split()[1]) % 3]


def test_every_split_is_dealt_every_kind_at_every_level() -> None:
    for split in SPLITS:
        dealt = Counter(take.tags for take in takes_of(None, 4 * len(deck())) if take.split == split)
        assert set(dealt) == {(kind, f"snr {band}") for kind in KINDS for band in BANDS_DB} | {(CLEAN,)}
    assert band_tag(-40) == "snr 0"
    assert band_tag(8.1) == "snr 10"


def test_where_backgrounds_are_recorded_training_hears_more_of_them_than_others(noises: Path) -> None:
    shares = {}
    for name, pool in (("made", None), ("recorded", noises)):
        takes = takes_of(pool, 4 * len(deck(BACKGROUND_ROUNDS)))
        for split in SPLITS:
            kinds = Counter(take.kind for take in takes if take.split == split)
            shares[name, split] = kinds["background"] / kinds.total()
    plain, often = (4 * rounds / len(deck(rounds)) for rounds in (1, BACKGROUND_ROUNDS))
    assert shares.pop(("recorded", "train")) == pytest.approx(often, abs=0.1)
    np.testing.assert_allclose(list(shares.values()), plain, atol=0.1)


def test_a_recording_of_noise_is_heard_in_its_own_split_and_kind_only(noises: Path) -> None:
    takes = [take for take in takes_of(noises, 240) if take.recording is not None]
    heard = {(take.recording.id, take.split, take.kind) for take in takes if take.recording is not None}
    expected = {
        (str(2 * number + (kind == "hiss")), split, kind)
        for number, split in enumerate(SPLITS)
        for kind in ("background", "hiss")
    }
    assert heard == expected


def test_a_real_noise_is_what_is_mixed_in(source: Path, noises: Path, tmp_path: Path) -> None:
    local = make_source(tmp_path)
    rows = rows_of(build_noisy(local, noises=noises, excerpt_s=2.0, per_recording=8, workers=2))
    tones = []
    for row in (row for row in rows if row.tags[0] in ("background", "hiss")):
        noise = read(local.parent / row.stems["noise"])[0][0]
        power = np.abs(np.fft.rfft(noise)) ** 2
        peak = int(power.argmax())
        if power[peak - 20 : peak + 21].sum() > 0.9 * power.sum():
            tones.append((row.split, round(np.fft.rfftfreq(len(noise), 1 / RATE)[peak], -1)))
    assert tones
    for split, tone in tones:
        assert tone in [1000 + 100 * (2 * SPLITS.index(split) + kind) for kind in range(2)]


def test_a_complete_build_is_left_as_it_is_and_a_broken_one_goes_on(noisy: Path, source: Path) -> None:
    before = contents(noisy.parent)
    assert build_noisy(source, excerpt_s=2.5, per_recording=5) == noisy
    assert contents(noisy.parent) == before
    (noisy.parent / "noisy" / "000003-1.json").unlink()
    (noisy.parent / "noisy" / "000004-0.noise.flac").unlink()
    noisy.unlink()
    build_noisy(source, excerpt_s=2.5, per_recording=5, workers=1)
    after = contents(noisy.parent)
    assert {name: data for name, (data, _) in after.items()} == {name: data for name, (data, _) in before.items()}
    again = {name.partition(".")[0] for name in after if after[name][1] != before[name][1]}
    assert again == {"noisy", "000003-1", "000004-0"}


def test_a_broken_build_of_other_takes_leaves_no_catalog_of_files_that_are_gone(tmp_path: Path) -> None:
    source = make_source(tmp_path)
    build_noisy(source, excerpt_s=2.0, per_recording=1, workers=1)

    def break_off(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_noisy(source, seed=1, excerpt_s=2.0, per_recording=1, workers=1, progress=break_off)
    assert not (tmp_path / "noisy.csv").exists()


def test_a_take_that_has_become_clean_leaves_no_sum_behind(tmp_path: Path) -> None:
    source = make_source(tmp_path)
    for seed, clean in ((0, {"noisy/000007-0.clean.flac"}), (6, {"noisy/000000-0.clean.flac"})):
        rows = rows_of(build_noisy(source, seed=seed, excerpt_s=2.0, per_recording=1, workers=2))
        assert {row.path for row in rows if row.tags == (CLEAN,)} == clean
        named = {path for row in rows for path in (row.path, *row.stems.values())}
        assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("noisy/*.flac")} == named


def test_two_builds_do_not_write_to_one_folder(noisy: Path, source: Path) -> None:
    with alone(noisy.parent / "noisy"), pytest.raises(CatalogError, match="another build is at work there"):
        build_noisy(source, seed=1)


def test_what_cannot_be_used_is_one_line(source: Path, noisy: Path, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="is a noisy library itself"):
        build_noisy(noisy)
    with pytest.raises(CatalogError, match="workers=0 must be at least 1"):
        build_noisy(source, workers=0)
    write(tmp_path / "short.wav", np.zeros((1, 800), np.float32), sample_rate=RATE)
    Catalog.write(tmp_path / "catalog.csv", "short", [Recording(id="a", path="short.wav")])
    told: list[str] = []
    with pytest.raises(CatalogError, match="holds no recording that noise can be mixed into"):
        build_noisy(tmp_path / "catalog.csv", workers=1, say=told.append)
    assert "lasts 0.05 s; at least 2.0 s are needed" in told[0]


def test_a_folder_with_files_of_others_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """``import noisy-pairs`` reads originals from the folder that a noisy library is written to."""
    for folder in ("clean", "noisy"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "song.wav", np.full((1, RATE), 0.1, np.float32), sample_rate=RATE)
    catalog = import_noisy_pairs(tmp_path).catalog.path
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(CatalogError, match=r"noisy: holds song\.wav, which no build of ours wrote"):
        build_noisy(catalog, workers=1)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
