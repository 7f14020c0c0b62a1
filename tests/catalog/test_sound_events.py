"""DESED's and AudioSet's published layouts become a catalog."""

from pathlib import Path

import pytest

from catalog.errors import CatalogError
from catalog.format import Recording, open_catalog
from catalog.sound_events import import_sound_events

WEAK = (
    "filename\tevent_labels\n"
    "Ya_0.000_10.000.wav\tSpeech,Dog\n"
    "Ygone_1.wav\tCat\n"
    "Yb_1.000_11.000.wav\tAlarm_bell_ringing\n"
)
STRONG = (
    "filename\tonset\toffset\tevent_label\n"
    "7.wav\t4.5\t9.0\tSpeech\n"
    "8.wav\t\t\t\n"
    "7.wav\t1.25\t2.0\tDog\n"
    "9.wav\t3.0\t2.0\tDog\n"
)
AUDIOSET = (
    "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"
    "b0RFKhbpFJA_30000\t0.000\t10.000\t/m/03m9d0z\n"
    "b0RFKhbpFJA_30000\t4.753\t5.720\t/m/05zppz\n"
    "b0RFKhbpFJA_60000\t4.753\t5.720\t/m/unknown\n"
)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    tables = {"train/weak": WEAK, "validation/validation": STRONG, "eval/strong": AUDIOSET}
    for name, text in tables.items():
        table = tmp_path / "metadata" / f"{name}.tsv"
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_text(text)
        (tmp_path / "audio" / name).mkdir(parents=True)
    (tmp_path / "metadata" / "mid_to_display_name.tsv").write_text("/m/03m9d0z\tWind\n/m/05zppz\tMale speech\n")
    clips = ["train/weak/Ya_0.000_10.000.wav", "train/weak/Yb_1.000_11.000.wav"]
    clips += [f"eval/strong/b0RFKhbpFJA_{start}.flac" for start in (30000, 60000)]
    for clip in [*clips, *(f"validation/validation/{n}.wav" for n in (7, 8, 9))]:
        (tmp_path / "audio" / clip).write_bytes(b"RIFF")
    return tmp_path


def rows(folder: Path) -> dict[str, Recording]:
    return {row.id: row for row in open_catalog(folder / "catalog.csv").rows() if isinstance(row, Recording)}


def test_weak_labels_are_tags(published: Path) -> None:
    import_sound_events(published)
    row = rows(published)["train/weak/Ya_0.000_10.000"]
    assert (row.path, row.tags, row.labels) == ("audio/train/weak/Ya_0.000_10.000.wav", ("speech", "dog"), ())
    assert rows(published)["train/weak/Yb_1.000_11.000"].tags == ("alarm_bell_ringing",)


def test_strong_labels_are_events_and_tags(published: Path) -> None:
    import_sound_events(published)
    row = rows(published)["validation/validation/7"]
    assert row.labels == (("dog", 1.25, 2.0), ("speech", 4.5, 9.0))
    assert row.tags == ("dog", "speech")
    assert rows(published)["validation/validation/8"].labels == ()


def test_ids_of_audioset_are_explained_and_clips_need_no_suffix(published: Path) -> None:
    import_sound_events(published)
    row = rows(published)["eval/strong/b0RFKhbpFJA_30000"]
    assert row.path.endswith(".flac")
    assert row.labels == (("wind", 0.0, 10.0), ("male speech", 4.753, 5.72))


def test_splits_go_by_the_folder_of_the_table(published: Path) -> None:
    import_sound_events(published)
    splits = {row_id: row.split for row_id, row in rows(published).items()}
    assert splits["validation/validation/7"] == "eval"
    assert splits["eval/strong/b0RFKhbpFJA_30000"] == "test"
    assert splits["train/weak/Ya_0.000_10.000"] in ("train", "validation")


def test_a_tenth_of_the_training_clips_is_for_validation(published: Path) -> None:
    names = [f"Y{number}.wav" for number in range(400)]
    (published / "metadata" / "train" / "weak.tsv").write_text(
        "filename\tevent_labels\n" + "".join(f"{name}\tDog\n" for name in names)
    )
    for name in names:
        (published / "audio" / "train" / "weak" / name).write_bytes(b"RIFF")
    import_sound_events(published)
    splits = [row.split for row_id, row in rows(published).items() if row_id.startswith("train/")]
    assert 20 <= splits.count("validation") <= 60
    assert splits.count("train") + splits.count("validation") == 400


def test_what_is_missing_or_wrong_is_left_out_and_told(published: Path) -> None:
    imported = import_sound_events(published)
    assert imported.recordings == 5
    told = [str(problem) for problem in imported.problems]
    assert 'weak.tsv: row 3, column path: "Ygone_1.wav" is not in audio/train/weak' in told
    assert (
        'strong.tsv: row 4, column label: "/m/unknown" is an id that metadata/mid_to_display_name.tsv does not '
        "explain; what this table says of b0RFKhbpFJA_60000 is left out"
    ) in told
    assert (
        'validation.tsv: row 5, column offset: "2.0" is before onset, 3.0: want start <= end; '
        "what this table says of 9.wav is left out"
    ) in told


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("x\t1\tDog", 'column onset: "x" is not a time in seconds'),
        ("0\tinf\tDog", 'column offset: "inf" is not a time in seconds'),
        ("-1\t1\tDog", 'column onset: "-1" is not a time in seconds'),
        ("2\t1\tDog", 'column offset: "1" is before onset, 2: want start <= end'),
        ("\t\tDog", 'column onset: "" is not a time in seconds'),
        ("0\t1\t", 'column event_label: "" has an empty level'),
        ("0\t1", '"7.wav\\t0\\t1" has 3 cells, but there are four columns'),
        ('0\t1\t"Dog', '"7.wav\\t0\\t1\\t"Dog" is not a row: a cell begins with a quote that does not end it'),
        ('0\t1\tDog"', 'column event_label: "Dog"" holds a quote'),
    ],
)
def test_a_clip_with_one_wrong_row_is_left_out_whole(published: Path, row: str, told: str) -> None:
    """Without that event it would be learnt from as a clip in which there is no dog."""
    table = published / "metadata" / "validation" / "validation.tsv"
    table.write_text(f"filename\tonset\toffset\tevent_label\n7.wav\t0\t1\tSpeech\n7.wav\t{row}\n8.wav\t0\t1\tDog\n")
    imported = import_sound_events(published)
    (problem,) = (str(problem) for problem in imported.problems if problem.catalog == table.name)
    assert problem.startswith(f"validation.tsv: row 3{', ' if told.startswith('column') else ': '}{told}")
    assert problem.endswith("; what this table says of 7.wav is left out")
    assert {row_id for row_id in rows(published) if row_id.startswith("validation")} == {"validation/validation/8"}


def test_a_stray_quote_in_a_weak_row_is_told(published: Path) -> None:
    with open(published / "metadata" / "train" / "weak.tsv", "a", encoding="utf-8") as table:
        table.write('Yc_0.wav\t"Dog\n')
    told = [str(problem) for problem in import_sound_events(published).problems]
    assert 'weak.tsv: row 5: "Yc_0.wav\\t"Dog" is not a row: a cell begins with a quote that does not end it' in told


def test_quotes_around_a_cell_are_no_part_of_it(published: Path) -> None:
    table = published / "metadata" / "validation" / "validation.tsv"
    table.write_text('"filename"\t"onset"\t"offset"\t"event_label"\n"7.wav"\t"0"\t"1"\t"Dog"\n')
    import_sound_events(published)
    assert rows(published)["validation/validation/7"].labels == (("dog", 0.0, 1.0),)


def test_a_file_name_that_no_file_can_have_is_left_out_and_told(published: Path) -> None:
    table = published / "metadata" / "train" / "weak.tsv"
    table.write_text(WEAK + 300 * "y" + ".wav\tDog\na\x00b.wav\tDog\n")
    imported = import_sound_events(published)
    assert imported.recordings == 5
    told = [str(problem) for problem in imported.problems if problem.row > 3 and problem.catalog == "weak.tsv"]
    assert told[0].startswith('weak.tsv: row 5, column path: "yyy')
    assert told[0].endswith('yyy..." is not in audio/train/weak')
    assert told[1] == 'weak.tsv: row 6, column path: "a\\x00b.wav" is not in audio/train/weak'


def test_a_byte_order_mark_is_no_part_of_the_first_cell(published: Path) -> None:
    import_sound_events(published)
    before = rows(published)
    for table in published.rglob("*.tsv"):
        table.write_text(table.read_text(), encoding="utf-8-sig")
    import_sound_events(published)
    assert rows(published) == before


def test_a_clip_that_a_link_leads_out_to_is_left_out_and_told(
    published: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clip = published / "audio" / "validation" / "validation" / "8.wav"
    moved = clip.rename(tmp_path_factory.mktemp("elsewhere") / "8.wav")
    clip.symlink_to(moved)
    told = [str(problem) for problem in import_sound_events(published).problems]
    place = "audio/validation/validation/8.wav"
    assert f'validation.tsv: row 3, column path: "{place}" leads out of the catalog\'s folder' in told
    assert "validation/validation/8" not in rows(published)


def test_tables_without_labels_are_left_out_and_told(published: Path) -> None:
    """DESED has such tables: names of clips that nobody labelled, and facts about clips."""
    (published / "metadata" / "train" / "unlabel_in_domain.tsv").write_text("filename\nYc_1.wav\nYd_2.wav\n")
    (published / "metadata" / "eval" / "public_meta.tsv").write_text("filename\tuploader\nYe_1.wav\tsomebody\n")
    imported = import_sound_events(published)
    assert imported.recordings == 5
    told = [str(problem) for problem in imported.problems if "holds no labels" in problem.reason]
    assert told == [
        'public_meta.tsv: row 1: "filename, uploader" holds no labels: the table is left out',
        'unlabel_in_domain.tsv: row 1: "filename" holds no labels: the table is left out',
    ]


def test_a_folder_without_tables_and_one_without_labels_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="holds no table"):
        import_sound_events(tmp_path)
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "weak.tsv").write_text("a\tb\n")
    with pytest.raises(CatalogError, match=r"weak\.tsv: the first line is a, b; want filename, event_labels or"):
        import_sound_events(tmp_path)


def test_clips_that_lie_beside_the_folder_of_their_table_are_found_and_count_once(published: Path) -> None:
    """Downloaders put DESED's validation clips into audio/validation, and two tables name parts of a third."""
    (published / "audio" / "validation" / "validation").rename(published / "audio" / "moved")
    for clip in (published / "audio" / "moved").iterdir():
        clip.rename(published / "audio" / "validation" / clip.name)
    (published / "metadata" / "validation" / "test_dcase2018.tsv").write_text(STRONG)
    import_sound_events(published)
    found = {row_id: row for row_id, row in rows(published).items() if row_id.startswith("validation/")}
    assert set(found) == {"validation/7", "validation/8"}
    assert found["validation/7"].path == "audio/validation/7.wav"
    assert found["validation/7"].labels == (("dog", 1.25, 2.0), ("speech", 4.5, 9.0))


def test_desed_keeps_the_clips_of_its_strong_real_table_in_a_folder_of_another_name(published: Path) -> None:
    (published / "metadata" / "train" / "audioset_strong.tsv").write_text(STRONG)
    folder = published / "audio" / "train" / "strong_label_real"
    folder.mkdir()
    (folder / "7.wav").write_bytes(b"RIFF")
    import_sound_events(published)
    assert "train/strong_label_real/7" in rows(published)


def test_segments_of_one_video_are_in_one_split(published: Path) -> None:
    names = [
        f"Y{video:_<11}_{start}.000_{start + 10}.000.wav"
        for video in map(str, range(10_000_000, 10_000_060))
        for start in (0, 30, 120)
    ]
    (published / "metadata" / "train" / "weak.tsv").write_text(
        "filename\tevent_labels\n" + "".join(f"{name}\tDog\n" for name in names)
    )
    for name in names:
        (published / "audio" / "train" / "weak" / name).write_bytes(b"RIFF")
    import_sound_events(published)
    splits: dict[str, set[str | None]] = {}
    for row_id, row in rows(published).items():
        if row_id.startswith("train/"):
            splits.setdefault(Path(row_id).name[:12], set()).add(row.split)
    assert len(splits) == 60
    assert all(len(split) == 1 for split in splits.values())
    assert set.union(*splits.values()) == {"train", "validation"}
