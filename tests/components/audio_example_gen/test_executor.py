import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from audio.errors import DaCapoError
from audio.files import read
from audio.pcm import pcm16_bytes
from catalog.errors import CatalogError
from catalog.recording import SPLITS, Event, Recording
from components.audio_example_gen.plan import CHUNK_RECORDINGS
from components.audio_example_gen.report import TooManySetAside
from components.audio_example_gen.settings import Settings
from pipeline.beam import NO_PACKAGE

TWO_STEMS = {"columns": ["left", "right"], "sample_rate": 44100, "channels": 2, "segment_s": 1.0, "eval_max_s": 2.0}
NO_VOCABULARY = json.dumps({"tags": []})


def test_every_recording_lands_in_the_split_that_its_catalog_names(library, ingest):
    for split in SPLITS:
        library.add(f"in-{split}", split=split, tags=("rock",))
    output = ingest(library.write())
    assert {split: {e["id"][0] for e in output.examples[split]} for split in SPLITS} == {
        split: {f"in-{split}".encode()} for split in SPLITS
    }


def test_training_segments_joined_are_the_recording(library, ingest):
    path = library.add("a", 3.7, split="train")
    examples = ingest(library.write()).of("a")
    whole, _ = read(path)
    assert [e["segment"] for e in examples] == [[0], [1], [2], [3]]
    assert b"".join(e["audio"][0] for e in examples)[: 2 * whole.shape[1]] == pcm16_bytes(whole)


def test_the_last_segment_is_padded_with_zeros_and_says_how_much_is_sound(library, ingest):
    library.add("a", 1.7, split="validation")
    output = ingest(library.write())
    last = output.of("a")[-1]
    assert last["num_samples"] == [5600]
    y = output.samples(last)
    assert y.shape == (1, 8000)
    assert np.any(y[0, 5500:5600])
    assert not np.any(y[0, 5600:])


def test_an_evaluation_recording_is_one_example_whole_or_excerpts_of_it(library, ingest):
    short, long = library.add("short", 3.3, split="eval"), library.add("long", 9.0, split="test")
    output = ingest(library.write())
    (whole,), (excerpts,) = output.of("short"), output.of("long")
    assert whole["audio"] == [pcm16_bytes(read(short)[0])]
    assert excerpts["num_samples"] == [32000]
    full = pcm16_bytes(read(long)[0])
    for start in range(0, 64000, 16000):
        assert excerpts["audio"][0][start : start + 16000] in full


def test_a_recording_is_resampled_and_mixed_down(library, ingest):
    path = library.sound("a.wav", 2.0, sample_rate=44100, channels=2)
    library.recordings.append(Recording(id="a", path="a.wav", split="eval"))
    output = ingest(library.write(), descriptors="cheap")
    (example,) = output.of("a")
    assert example["audio"] == [pcm16_bytes(read(path, sample_rate=8000, channels=1)[0])]


def test_two_stems_stay_aligned_to_the_sample(library, ingest):
    y = np.random.default_rng(0).uniform(-0.4, 0.4, (2, 44100 * 5 // 2))
    library.root.mkdir()
    for name, stem in {"left": y, "right": -y, "mix": np.zeros_like(y)}.items():
        sf.write(library.root / f"{name}.wav", stem.T, 44100)
    stems = {"right": "right.wav", "left": "left.wav"}
    for split in ("train", "eval"):
        library.recordings.append(Recording(id=split, path="mix.wav", stems=stems, split=split))
    output = ingest(library.write(), audio=json.dumps(TWO_STEMS), vocabulary=NO_VOCABULARY)
    assert [e["num_samples"] for e in output.of("train")] == [[44100], [44100], [22050]]
    assert [e["num_samples"] for e in output.of("eval")] == [[88200]]
    for example in output.all():
        left, right = output.samples(example, "left", 2), output.samples(example, "right", 2)
        assert left.shape == right.shape == (2, 88200 if example["id"] == [b"eval"] else 44100)
        assert np.any(left)
        assert np.abs(left.astype(int) + right).max() <= 1
        assert "audio" not in example


def test_stems_of_unequal_length_or_missing_are_set_aside(library, ingest):
    library.sound("long.wav", 2.0), library.sound("short.wav", 1.5)
    good, bad = {"left": "long.wav", "right": "long.wav"}, {"left": "long.wav", "right": "short.wav"}
    for name, stems in {"good": good, "unequal": bad, "lacks": {"left": "long.wav"}}.items():
        library.recordings.append(Recording(id=name, path="long.wav", stems=stems))
    output = ingest(library.write(), audio=json.dumps(TWO_STEMS), vocabulary=NO_VOCABULARY, max_set_aside_share=0.7)
    assert {e["id"][0] for e in output.all()} == {b"good"}
    assert [cell.line for cell in output.report.set_aside] == [
        'catalog.csv: row 2, column stems: "right" lasts 1.500 s and left 2.000 s: they must be equally long to 0.01 s',
        'catalog.csv: row 3, column stems: "right" is the stem that the task reads, and the recording does not have it '
        "(it has left)",
    ]


def test_the_file_that_is_too_short_is_the_one_that_is_named(library, ingest):
    library.sound("long.wav", 2.0), library.sound("sample.wav", 1 / 8000)
    stems = {"left": "sample.wav", "right": "sample.wav"}
    library.recordings.append(Recording(id="good", path="long.wav", stems=dict.fromkeys(stems, "long.wav")))
    library.recordings.append(Recording(id="bad", path="sample.wav", stems=stems))
    catalog, line = library.write(), '"sample.wav" lasts 0.000 s; at least 0.5 s are needed'
    for column, audio in (("path", {}), ("stems", {"audio": json.dumps(TWO_STEMS)})):
        output = ingest(catalog, vocabulary=NO_VOCABULARY, max_set_aside_share=0.5, **audio)
        assert [cell.line for cell in output.report.set_aside] == [f"catalog.csv: row 2, column {column}: {line}"]


def test_an_event_that_no_output_stands_for_or_after_the_end_is_set_aside_where_events_are_read(library, ingest):
    for name, event in {"good": ("rock", 0.5, 1), "typo": ("rokc", 0.5, 1), "ms": ("rock", 500, 1000)}.items():
        library.add(name, labels=(Event(*event),))
    catalog = library.write()
    output = ingest(catalog, timed_labels=True, max_set_aside_share=0.7)
    assert {e["id"][0] for e in output.all()} == {b"good"}
    assert [cell.line for cell in output.report.set_aside] == [
        'catalog.csv: row 2, column labels: "rokc" is an event that is neither a tag of the vocabulary nor ignored by '
        "it",
        'catalog.csv: row 3, column labels: "rock" begins at 500.0 s, and the recording ends at 1.500 s',
    ]
    assert {e["id"][0] for e in ingest(catalog).all()} == {b"good", b"typo", b"ms"}


def test_labels_follow_the_vocabulary_and_a_child_brings_its_parent(library, ingest):
    library.add("a", tags=("live", "pop/piano"), split="eval")
    (example,) = ingest(library.write()).of("a")
    assert example["labels"] == [1, 1, 0]
    assert example["tags"] == [b"pop", b"pop/piano"]


def test_without_a_vocabulary_any_tag_goes_and_there_are_no_labels(library, ingest):
    library.add("a", tags=("polka",), split="eval")
    (example,) = ingest(library.write(), vocabulary=NO_VOCABULARY).of("a")
    assert example["tags"] == [b"polka"]
    assert "labels" not in example


def test_missing_lyrics_differ_from_empty_ones(library, ingest):
    for name, lyrics in {"missing": None, "empty": "", "some": "la là"}.items():
        library.add(name, lyrics=lyrics, split="eval")
    output = ingest(library.write())
    found = {name: output.of(name)[0].get("lyrics") for name in ("missing", "empty", "some")}
    assert found == {"missing": None, "empty": [b""], "some": ["la là".encode()]}


def test_what_is_known_of_a_recording_is_in_its_examples(library, ingest):
    library.add("a", 2.5, artist="Ana", album="Sol", package="p", language="pt-BR", split="train")
    for example in ingest(library.write()).of("a"):
        known = [example[name][0] for name in ("artist", "album", "package", "language")]
        assert known == [b"Ana", b"Sol", b"p", b"pt-BR"]


def test_every_segment_carries_the_descriptors_of_its_whole_recording(library, ingest):
    library.sound("a.wav", 2.5, sample_rate=16000, channels=2)
    library.recordings.append(Recording(id="a", path="a.wav", split="train"))
    examples = ingest(library.write(), descriptors="cheap").of("a")
    assert len(examples) == 3
    for example in examples:
        assert (example["duration_s"], example["original_sample_rate"], example["channels"]) == (
            [2.5],
            [16000.0],
            [2.0],
        )
        numbers = ("loudness_lufs", "peak_dbfs", "clipped_share", "dc_offset", "silence_share", "bandwidth_hz")
        assert all(np.isfinite(example[name][0]) for name in numbers)
        assert not {"tempo_bpm", "key"} & set(example)


def test_descriptors_change_nothing_else(library, ingest):
    library.add("a", 1.5)
    library.add("b", 9.0)
    catalog = library.write()
    bare, full = (list(ingest(catalog, descriptors=detail).all()) for detail in ("none", "all"))
    assert [example | {name: value for name, value in other.items() if name not in example} for example, other in
            zip(bare, full, strict=True)] == full  # fmt: skip
    assert all(set(other) > set(example) for example, other in zip(bare, full, strict=True))
    assert not any("peak_dbfs" in example for example in bare)


def test_descriptors_of_a_task_of_stems_are_those_of_the_recording(library, ingest):
    library.sound("stem.wav", 2.0), library.sound("mix.wav", 2.0, sample_rate=16000)
    stems = {"left": "stem.wav", "right": "stem.wav"}
    library.recordings.append(Recording(id="a", path="mix.wav", stems=stems, split="eval"))
    output = ingest(library.write(), audio=json.dumps(TWO_STEMS), vocabulary=NO_VOCABULARY, descriptors="cheap")
    assert output.of("a")[0]["original_sample_rate"] == [16000.0]


def test_timed_labels_count_from_the_start_of_their_segment(library, ingest):
    library.add("a", 2.5, labels=(Event("click", 0.25, 0.5), Event("hum", 0.5, 1.5)), split="train")
    catalog = library.write()
    first, second, third = ingest(catalog, timed_labels=True, vocabulary=NO_VOCABULARY).of("a")
    assert (first["events"], first["onsets_s"], first["offsets_s"]) == ([b"click", b"hum"], [0.25, 0.5], [0.5, 1.0])
    assert (second["events"], second["onsets_s"], second["offsets_s"]) == ([b"hum"], [0.0], [0.5])
    assert "events" not in third
    assert not any("events" in example for example in ingest(catalog).all())


def test_every_segment_says_whether_its_recording_has_timed_labels(library, ingest):
    library.add("strong", 2.5, labels=(Event("click", 0.25, 0.5),), split="train")
    library.add("weak", 1.0, split="train")
    catalog = library.write()
    output = ingest(catalog, timed_labels=True, vocabulary=NO_VOCABULARY)
    assert [example["timed"] for example in output.of("strong")] == [[1]] * 3
    assert [example["timed"] for example in output.of("weak")] == [[0]]
    assert not any("timed" in example for example in ingest(catalog).all())


def test_shards_are_in_catalog_order_and_do_not_depend_on_the_workers(library, ingest):
    for number in range(CHUNK_RECORDINGS + 8):
        library.add(f"{number:03d}", 0.5 + 0.02 * number)
    catalog = library.write()
    one = ingest(catalog)
    two = ingest(catalog, beam=["--direct_running_mode=multi_threading", "--direct_num_workers=2", NO_PACKAGE])
    assert one.files() == two.files()
    assert len(one.files()) > len(SPLITS)
    for split in SPLITS:
        ids = [example["id"][0] for example in one.examples[split]]
        assert ids == sorted(ids)


def test_a_split_without_recordings_has_one_empty_shard(library, ingest):
    library.add("a", split="train")
    files = ingest(library.write()).files()
    assert [name for name, content in files.items() if not content] == [
        f"Split-{split}/data_tfrecord-00000-of-00001" for split in ("eval", "test", "validation")
    ]


def test_what_a_killed_run_left_is_removed_first(library, ingest, tmp_path):
    library.add("a")
    catalog = library.write()
    clean = ingest(catalog)
    stale = [
        tmp_path / "again" / name
        for name in ("examples/Split-train/data_tfrecord-00009-of-00040", "tmp/1/ingest/result-00000.json")
    ]
    for path in stale:
        path.parent.mkdir(parents=True)
        path.write_text("left by a killed run")
    assert ingest(catalog, folder=tmp_path / "again").files() == clean.files()


def test_the_report_counts_recordings_and_artists(library, ingest):
    for number, (artist, split, tags) in enumerate(
        [
            ("Ana", "train", ("pop",)),
            ("ana ", "train", ("pop/piano",)),
            ("Bo", "train", ("rock",)),
            ("Cy", "eval", ("pop",)),
        ]
    ):
        library.add(str(number), 2.0, artist=artist, split=split, tags=tags)
    report = ingest(library.write()).report
    assert (report.library, report.rows, report.set_aside_rows, report.split_units) == ("tiny", 4, 0, {"split": 4})
    train = report.splits["train"]
    assert (train.recordings, train.artists, train.examples, train.duration_s) == (3, 2, 6, 6.0)
    assert report.splits["test"].recordings == 0
    assert {tag: (c["train"].recordings, c["train"].artists) for tag, c in report.tags.items()} == {
        "pop": (2, 1),
        "pop/piano": (1, 1),
        "rock": (1, 1),
    }
    assert report.duration_s == 8.0
    assert report.decode_x_real_time > 0


def test_recordings_that_the_catalog_tears_from_their_artist_are_counted(library, ingest):
    for number, (artist, split) in enumerate([("Ana", "train"), ("ana ", "eval"), ("Ana", "train"), ("Bo", "eval")]):
        library.add(str(number), artist=artist, split=split)
    assert ingest(library.write()).report.torn == 1


def test_too_many_rows_set_aside_fail_the_run_and_every_line_travels_with_the_error(library, ingest):
    paths = [library.add(str(number)) for number in range(10)]
    catalog = library.write()
    paths[3].write_bytes(b"")
    paths[7].write_text("no sound")
    with pytest.raises(TooManySetAside, match=r"^2 of 10 recordings \(20\.0 %\) were set aside") as caught:
        ingest(catalog, max_set_aside_share=0.1)
    assert "max_set_aside_share=10 %; first: catalog.csv: row 4, column path:" in str(caught.value)
    assert [problem.row for problem in caught.value.problems] == [4, 8]
    assert ingest(catalog, max_set_aside_share=0.2).report.set_aside_rows == 2


def test_known_problems_fail_the_run_before_anything_is_decoded(library, ingest, tmp_path):
    library.add("a", tags=("polka",))
    library.add("b")
    with pytest.raises(TooManySetAside, match="polka"):
        ingest(library.write(), folder=tmp_path / "run")
    assert not list((tmp_path / "run" / "tmp").rglob("result-*"))


def test_a_catalog_without_rows_or_without_a_usable_row_fails(library, ingest):
    library.root.mkdir()
    with pytest.raises(TooManySetAside, match="no rows"):
        ingest(library.write())
    library.add("a").write_bytes(b"")
    with pytest.raises(TooManySetAside, match="none is left"):
        ingest(library.write(), max_set_aside_share=1.0)


def test_a_catalog_that_is_not_there_fails_in_one_line(ingest, tmp_path):
    with pytest.raises(CatalogError, match=r"absent\.csv"):
        ingest(tmp_path / "library" / "absent.csv")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("descriptors", "some"),
        ("max_set_aside_share", 2.0),
        ("shares", '{"train": 0.5}'),
        ("audio", "{}"),
        ("split_seed", "x"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value(properties, tmp_path, name, value):
    with pytest.raises(DaCapoError, match=name) as caught:
        Settings.read(properties(tmp_path / "catalog.csv") | {name: value})
    assert "\n" not in str(caught.value)


def test_settings_survive_their_way_through_tfx(properties, tmp_path):
    written = properties(Path(tmp_path, "catalog.csv"), timed_labels=True)
    assert Settings.read(written).exec_properties() == written
