"""The damaged library on disk: labels where the damage is, splits of the sources, the same bytes always."""

import multiprocessing
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from audio.damage.regions import Region
from audio.errors import AudioError, DaCapoError
from audio.files import read, write
from catalog.damage import build_damaged, library
from catalog.damage.excerpt import BEGINNINGS, ENDS, events_of, make_excerpt
from catalog.damage.plan import DEFECTS, HARD, Take, deck, is_whole, plan_takes, plan_whole
from catalog.derived import making
from catalog.derived.dealing import takes_by_split
from catalog.errors import CatalogError, WorkerKilledError
from catalog.format import Catalog, open_catalog
from catalog.recording import Event, Recording, Split
from catalog.splits import group_of
from catalog.vocabulary import load_vocabulary

RATE = 16_000
SPLITS: tuple[Split, ...] = ("train", "validation", "eval")


def make_source(folder: Path, songs: int = 6) -> Path:
    rng = np.random.default_rng(0)
    rows = []
    for number in range(songs):
        time = np.arange(6 * RATE) / RATE
        y = sum(
            0.1 * np.sin(2 * np.pi * f * time) * np.exp(-3 * ((time * 2 + f) % 1)) for f in rng.uniform(200, 3000, 8)
        )
        write(folder / f"{number}.wav", np.asarray(y, np.float32)[None], sample_rate=RATE)
        rows.append(
            Recording(id=f"song/{number}", path=f"{number}.wav", artist=f"artist {number}", split=SPLITS[number % 3])
        )
    return Catalog.write(folder / "catalog.csv", "tones", rows).path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_source(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def damaged(source: Path) -> Path:
    return build_damaged(source, excerpt_s=4.0, per_recording=3, workers=2)


def rows_of(path: Path) -> list[Recording]:
    rows = list(open_catalog(path).rows(vocabulary=load_vocabulary("schemas/defects/builtin/tags.yaml")))
    assert all(isinstance(row, Recording) for row in rows), rows
    return rows  # type: ignore[return-value]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "damaged").iterdir() if path.is_file()} | {
        "damaged.csv": (folder / "damaged.csv").read_bytes()
    }


def test_rows_keep_artist_and_split_of_their_source_and_tell_what_is_heard(damaged: Path) -> None:
    rows = rows_of(damaged)
    assert damaged.name == "damaged.csv"
    assert len(rows) == 18
    for row in rows:
        number = int(row.artist.split()[1])
        assert row.split == SPLITS[number % 3]
        assert set(row.tags) == {event.event for event in row.labels}
        y, rate = read(damaged.parent / row.path)
        assert rate == RATE
        assert y.shape[0] == 1
        for event in row.labels:
            assert 0 <= event.onset_s < event.offset_s <= y.shape[1] / rate + 1e-4
    assert any(not row.tags for row in rows)


def test_a_second_call_does_nothing(source: Path, damaged: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in damaged.parent.rglob("*")}
    calls: list[int] = []
    again = build_damaged(
        source, excerpt_s=4.0, per_recording=3, workers=1, progress=lambda done, total: calls.append(done)
    )
    assert again == damaged
    assert calls == []
    assert {path: path.stat().st_mtime_ns for path in damaged.parent.rglob("*")} == before


def test_a_broken_build_goes_on_and_a_changed_source_is_made_again(tmp_path: Path) -> None:
    source = make_source(tmp_path, songs=2)

    def break_off(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_damaged(source, excerpt_s=3.0, per_recording=2, workers=1, progress=break_off)
    assert not (tmp_path / "damaged.csv").exists()
    early = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("damaged/*.flac")}
    assert early
    build_damaged(source, excerpt_s=3.0, per_recording=2, workers=1)
    assert all(path.stat().st_mtime_ns == changed for path, changed in early.items())
    whole = contents(tmp_path)

    write(tmp_path / "1.wav", 0.1 * np.random.default_rng(9).standard_normal((1, 5 * RATE)), sample_rate=RATE)
    build_damaged(source, excerpt_s=3.0, per_recording=2, workers=1)
    changed = {name for name, data in contents(tmp_path).items() if whole[name] != data}
    assert changed - {"damaged.csv"} == {f"000001-{take}.{suffix}" for take in (0, 1) for suffix in ("flac", "json")}


def test_a_library_of_another_name_gives_its_damaged_copy_that_name_and_makes_no_take_again(tmp_path: Path) -> None:
    source = make_source(tmp_path, songs=1)
    build_damaged(source, excerpt_s=3.0, per_recording=1, workers=1)
    takes = {path: path.stat().st_mtime_ns for path in (tmp_path / "damaged").iterdir()}
    source.write_text(source.read_text("utf-8").replace("# library: tones", "# library: sounds"), "utf-8")
    damaged = build_damaged(source, excerpt_s=3.0, per_recording=1, workers=1)
    assert open_catalog(damaged).library == "sounds"
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "damaged").iterdir()} == takes


def test_a_recording_that_cannot_be_used_is_left_out_and_told(tmp_path: Path) -> None:
    source = make_source(tmp_path, songs=2)
    write(tmp_path / "0.wav", np.zeros((1, 5 * RATE), np.float32), sample_rate=RATE)
    told: list[str] = []
    rows = rows_of(build_damaged(source, excerpt_s=3.0, per_recording=2, workers=1, say=told.append))
    assert [row.artist for row in rows] == ["artist 1"] * 2
    assert told == ["left out: 0.wav: holds no stretch that is neither silent nor clipped by itself"]


def test_long_validation_recordings_are_there_whole_unless_they_are_clipped_by_themselves(tmp_path: Path) -> None:
    source = make_source(tmp_path, songs=9)
    y, _ = read(tmp_path / "4.wav")
    write(tmp_path / "4.wav", y[:, : 5 * RATE], sample_rate=RATE)
    y, _ = read(tmp_path / "7.wav")
    y[:, 4 * RATE :] = np.clip(y[:, 4 * RATE :], -0.05, 0.05)
    write(tmp_path / "7.wav", y, sample_rate=RATE)
    told: list[str] = []
    rows = rows_of(build_damaged(source, excerpt_s=0.5, per_recording=1, workers=1, say=told.append))
    whole = [row for row in rows if is_whole(row)]
    assert [(row.id, row.path, row.split, row.artist) for row in whole] == [
        ("song/1~000001-whole", "1.wav", "validation", "artist 1")
    ]
    assert whole[0].tags == whole[0].labels == ()
    assert told == ["left out: 7.wav: is clipped by itself at 4 s: excerpts of it alone are taken"]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    build_damaged(source, excerpt_s=0.5, per_recording=1, workers=1)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    rows = rows_of(build_damaged(source, excerpt_s=0.5, per_recording=1, workers=1, sound_minutes=0.0))
    assert all(row.path.endswith(".flac") and not is_whole(row) for row in rows)
    assert not list(tmp_path.rglob("*whole*"))


def test_a_library_of_which_nothing_can_be_damaged_is_none_although_recordings_could_stand_there_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_source(tmp_path, songs=2)

    def fail(*_: object, **__: object) -> None:
        raise DaCapoError("no codec")

    monkeypatch.setattr(library, "make_excerpt", fail)

    def make_here(maker: library._DamageMaker, takes: list[Take], *_: object) -> list[dict[str, object]]:
        return [maker.make(take) for take in takes]

    monkeypatch.setattr("catalog.derived.library.make_all", make_here)
    with pytest.raises(CatalogError, match=r"holds no recording that can be damaged$"):
        build_damaged(source, excerpt_s=0.5, workers=1)


def test_few_minutes_of_excerpts_bring_few_of_whole_recordings(tmp_path: Path) -> None:
    source = make_source(tmp_path, songs=18)
    rows = rows_of(build_damaged(source, excerpt_s=0.5, workers=1, minutes=0.15))
    assert sum(map(is_whole, rows)) == 2
    assert len(rows) == 18 + 2


def test_a_silent_recording_is_not_heard_whole(tmp_path: Path) -> None:
    write(tmp_path / "0.wav", np.zeros((1, 6 * RATE), np.float32), sample_rate=RATE)
    with pytest.raises(AudioError, match=r"0\.wav: is silent$"):
        library.check_sound(tmp_path / "0.wav", 0.5)


def test_whole_recordings_are_as_many_as_asked_and_drawn_from_all_of_validation(tmp_path: Path) -> None:
    make_source(tmp_path)
    songs = [Recording(id=f"song/{n}", path=f"{n % 6}.wav", artist=f"artist {n}") for n in range(40)]
    sources: list[tuple[Recording, Split]] = [(song, SPLITS[number % 2]) for number, song in enumerate(songs)]

    def rows(seed: int, minutes: float) -> list[int]:
        return [whole.row for whole in plan_whole(sources, tmp_path, seed=seed, minutes=minutes, least_s=6.0)]

    assert rows(0, 100.0) == list(range(1, 40, 2))
    assert rows(0, 0.0) == []
    few = rows(0, 0.41)
    assert len(few) == 5
    assert few == sorted(few)
    assert few != rows(1, 0.41)


def test_a_build_whose_worker_is_killed_says_so_and_goes_on(damaged: Path, tmp_path: Path) -> None:
    source, folder = make_source(tmp_path), tmp_path / "damaged"

    def kill(done: int, total: int) -> None:
        for worker in multiprocessing.active_children():
            worker.kill()

    with pytest.raises(WorkerKilledError, match="the same command goes on"):
        build_damaged(source, excerpt_s=4.0, per_recording=3, workers=1, progress=kill)
    assert not (tmp_path / "damaged.csv").exists()
    made = {mark: mark.stat().st_mtime_ns for mark in folder.glob("*.json")}
    assert 0 < len(made) < 18
    build_damaged(source, excerpt_s=4.0, per_recording=3, workers=2)
    assert {mark: mark.stat().st_mtime_ns for mark in made} == made
    ended, undisturbed = (
        {name: data for name, data in contents(place).items() if not name.endswith(".json")}
        for place in (tmp_path, damaged.parent)
    )
    assert ended == undisturbed


def test_it_is_told_how_many_takes_of_a_recording_are_left_out(tmp_path: Path) -> None:
    source = make_source(tmp_path, songs=1)
    y, _ = read(tmp_path / "0.wav")
    y[:, RATE:] = 0.0
    write(tmp_path / "0.wav", y, sample_rate=RATE)
    told: list[str] = []
    rows = rows_of(build_damaged(source, excerpt_s=1.0, per_recording=5, workers=1, say=told.append))
    assert told == [
        f"left out, {5 - len(rows)} of 5 takes: 0.wav: holds no stretch that is neither silent nor clipped by itself"
    ]


def test_a_recording_whose_file_is_missing_is_told_and_no_other_take_is_made_again(tmp_path: Path) -> None:
    source = make_source(tmp_path, songs=3)
    build_damaged(source, excerpt_s=3.0, per_recording=1, workers=1)
    (tmp_path / "0.wav").unlink()
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "damaged").glob("00000[12]*")}
    told: list[str] = []
    rows = rows_of(build_damaged(source, excerpt_s=3.0, per_recording=1, workers=1, say=told.append))
    assert told == ['left out: catalog.csv: row 1, column path: "0.wav" does not exist']
    assert [row.id for row in rows] == ["song/1~000001-0", "song/2~000002-0"]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "damaged").glob("0*")} == made
    for number in (1, 2):
        (tmp_path / f"{number}.wav").unlink()
    with pytest.raises(CatalogError, match=r"holds no recording that can be damaged$"):
        build_damaged(source, excerpt_s=3.0, per_recording=1, workers=1)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "damaged").glob("0*")} == made
    assert [row.id for row in rows_of(tmp_path / "damaged.csv")] == ["song/1~000001-0", "song/2~000002-0"]


def test_every_split_is_dealt_every_defect_alike() -> None:
    cards = Counter(name for card in deck() for name in card)
    assert cards == {name: 4 + (name in HARD) for name in DEFECTS}
    sources = [(Recording(id=str(n), path=f"{n}.wav"), SPLITS[n % 3]) for n in range(3 * len(deck()))]
    takes = plan_takes(sources, seed=0, takes=takes_by_split(1), limit=None)
    for split in SPLITS:
        assert Counter(name for take in takes if take.split == split for name in take.defects) == cards


def test_a_limit_takes_many_recordings_before_second_excerpts() -> None:
    sources = [(Recording(id=str(n), path=f"{n}.wav"), SPLITS[0]) for n in range(10)]
    takes = plan_takes(sources, seed=0, takes=takes_by_split(3), limit=14)
    assert len(takes) == 14
    assert Counter(take.number for take in takes) == {0: 10, 1: 4}


def test_more_takes_of_a_split_leave_those_of_the_others_as_they_are() -> None:
    sources = [(Recording(id=str(n), path=f"{n}.wav"), SPLITS[n % 3]) for n in range(12)]
    wanted = (takes_by_split(3), takes_by_split(3, training_takes=7, validation_takes=5))
    few, many = (plan_takes(sources, seed=0, takes=takes, limit=None) for takes in wanted)
    assert Counter(take.split for take in few) == dict.fromkeys(SPLITS, 12)
    assert Counter(take.split for take in many) == {"train": 28, "validation": 20, "eval": 12}
    judged = [[take for take in takes if take.split == "eval"] for takes in (few, many)]
    assert judged[0] == judged[1]


def test_events_are_wide_enough_and_joined() -> None:
    regions = [
        Region("click", 100, 101),
        Region("click", 180, 181),
        Region("skip", 500, 510),
        Region("click", 900, 901),
    ]
    assert events_of(regions, 1000, 1000) == (
        Event("click", 0.0905, 0.1905),
        Event("skip", 0.495, 0.515),
        Event("click", 0.8905, 0.9105),
    )


def test_what_begins_behind_the_end_is_no_event() -> None:
    assert events_of([Region("click", 1003, 1004)], 1000, 1000) == ()
    assert events_of([Region("click", 998, 1004)], 1000, 1000) == (Event("click", 0.989, 1.0),)


def test_mistakes_are_one_line_each(source: Path, damaged: Path) -> None:
    with pytest.raises(CatalogError, match="workers=0"):
        build_damaged(source, workers=0)
    for name in ("per_recording", "training_takes", "validation_takes"):
        with pytest.raises(CatalogError, match=f"^{name}=0 must be at least 1$"):
            build_damaged(source, **{name: 0})
    for name in ("excerpt_s", "minutes"):
        with pytest.raises(CatalogError, match=f"^{name}=0 must be a number above 0$"):
            build_damaged(source, **{name: 0})
        with pytest.raises(CatalogError, match=f"^{name}=inf must be a number above 0$"):
            build_damaged(source, **{name: float("inf")})
    with pytest.raises(CatalogError, match=r"^sound_minutes=-1\.0 must be 0 or above$"):
        build_damaged(source, sound_minutes=-1.0)
    with pytest.raises(CatalogError, match="is a damaged library itself"):
        build_damaged(damaged)


def test_a_folder_with_files_of_others_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source = make_source(tmp_path, songs=1)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "000000-0.flac").write_bytes(b"an original")
    with pytest.raises(CatalogError, match=r"damaged: holds 000000-0\.flac, which no build of ours wrote"):
        build_damaged(source, workers=1)
    assert [path.name for path in (tmp_path / "damaged").iterdir()] == ["000000-0.flac"]


def test_a_catalog_that_was_written_by_hand_is_refused_and_stays(tmp_path: Path) -> None:
    source = make_source(tmp_path, songs=1)
    mine = Catalog.write(tmp_path / "damaged.csv", "tones", [Recording(id="song/0", path="0.wav")]).path
    before = mine.read_bytes()
    with pytest.raises(CatalogError, match=r'damaged\.csv: holds the row "song/0", which no build of ours wrote'):
        build_damaged(source, workers=1)
    assert mine.read_bytes() == before
    mine.write_text("not a catalog")
    with pytest.raises(CatalogError, match=r"damaged\.csv: is not a catalog: .*; remove it if Da Capo made it$"):
        build_damaged(source, workers=1)
    assert not (tmp_path / "damaged").exists()


def make_take(folder: Path) -> tuple[library._DamageMaker, Take]:
    """A maker and the only take of a library of one song."""
    (take,) = plan_takes([(Recording(id="0", path="0.wav"), "train")], seed=0, takes=takes_by_split(1), limit=None)
    maker = library._DamageMaker(open_catalog(make_source(folder, songs=1)), 3.0, ("mp3",))
    (folder / "damaged").mkdir()
    return maker, take


def test_a_codec_that_fails_leaves_its_recording_out_of_this_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker, take = make_take(tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise DaCapoError("codec=mp3 at 44100 Hz: is tired")

    monkeypatch.setattr(library, "make_excerpt", fail)
    assert maker.make(take)["left_out"] == "0.wav: codec=mp3 at 44100 Hz: is tired"
    assert maker.known(take) is None


def test_a_file_that_cannot_be_read_is_tried_again_when_something_else_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker, take = make_take(tmp_path)
    (tmp_path / "0.wav").write_bytes(b"no audio at all")
    assert "is not audio" in str(maker.make(take)["left_out"])
    assert maker.known(take) is not None
    monkeypatch.setattr(making, "ffmpeg_release", lambda: "99.9")
    assert maker.known(take) is None


def test_takes_of_a_recording_without_artist_are_no_artists_of_their_own(tmp_path: Path) -> None:
    catalog = open_catalog(make_source(tmp_path, songs=3))
    rows = [row.model_copy(update={"artist": None}) for row in rows_of(catalog.path)]
    source = Catalog.write(catalog.path, "tones", rows).path
    takes = rows_of(build_damaged(source, excerpt_s=3.0, per_recording=2, workers=1))
    assert len(takes) == 6
    assert Counter(map(group_of, takes)) == {("package", f"song/{number}"): 2 for number in range(3)}


def test_a_take_that_cannot_be_written_is_made_by_the_next_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker, take = make_take(tmp_path)

    def fail(path: Path, *_: object, **__: object) -> None:
        raise AudioError(path, "cannot be written: No space left on device")

    with monkeypatch.context() as full_disk:
        full_disk.setattr(library, "write", fail)
        with pytest.raises(AudioError, match="No space left"):
            maker.make(take)
    assert maker.known(take) is None
    assert "left_out" not in maker.make(take)
    assert maker.known(take) is not None


def test_hi_res_recordings_are_damaged_too(tmp_path: Path) -> None:
    rate = 96_000
    y = 0.1 * np.random.default_rng(0).standard_normal((1, 5 * rate)).astype(np.float32)
    write(tmp_path / "0.wav", y, sample_rate=rate)
    take = Take(Recording(id="0", path="0.wav"), "train", 0, 0, 1, ("codec",), (0,))
    excerpt = make_excerpt(tmp_path / "0.wav", take, excerpt_s=3.0, codecs=("mp3",))
    assert excerpt.sample_rate == rate
    assert {event.event for event in excerpt.events} <= {"codec", "dropout"}


def test_some_takes_begin_or_end_where_the_recording_does_and_its_silence_is_no_dropout(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal((1, 40 * RATE)).astype(np.float32)
    noise[:, :RATE] = noise[:, -RATE:] = 0.0
    write(tmp_path / "0.wav", noise, sample_rate=RATE)
    edges = {"beginning": 0, "end": 0}
    for number in range(60):
        take = Take(Recording(id="0", path="0.wav"), "train", 0, 0, 1, (), (number,))
        excerpt = make_excerpt(tmp_path / "0.wav", take, excerpt_s=4.0, codecs=("mp3",))
        assert len(excerpt.y) == 4 * RATE
        assert excerpt.events == ()
        edges["beginning"] += float(np.abs(excerpt.y[: RATE - 2000]).max()) < 1e-3
        edges["end"] += float(np.abs(excerpt.y[2000 - RATE :]).max()) < 1e-3
    assert edges["beginning"] == pytest.approx(60 * BEGINNINGS, abs=5)
    assert edges["end"] == pytest.approx(60 * ENDS, abs=5)


def test_no_take_that_a_transmission_damages_ends_in_the_silence_behind_the_music(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal((1, 40 * RATE)).astype(np.float32)
    noise[:, -RATE:] = 0.0
    write(tmp_path / "0.wav", noise, sample_rate=RATE)
    for number in range(30):
        take = Take(Recording(id="0", path="0.wav"), "train", 0, 0, 1, ("codec",), (number,))
        excerpt = make_excerpt(tmp_path / "0.wav", take, excerpt_s=4.0, codecs=("mp3",))
        assert np.abs(excerpt.y[-RATE // 2 :]).max() > 1e-2
