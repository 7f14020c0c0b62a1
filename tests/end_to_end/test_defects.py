"""The detector through the whole graph: one that hears is pushed; one that never fires and one that always does are
not.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from audio.damage.clicks import add_clicks
from audio.damage.dropouts import add_dropouts
from audio.damage.regions import Region
from audio.files import read
from catalog.damage.excerpt import events_of
from catalog.recording import Event
from pipeline.evaluation import read_evaluation
from tests.end_to_end.tiny_defects import RATE, TAGS, Relabel, chord, make_defects
from tests.end_to_end.workbench import TinyTask, Workbench
from trainers.defects.event_metrics import FIGURES
from trainers.defects.event_scores import event_counts, total

pytestmark = pytest.mark.e2e

FLOOR = 0.5
DEFECTS = TinyTask(
    name="defects",
    make_library=make_defects,
    tags=TAGS,
    gate={
        "floors": {"precision": 0.7, "recall": 0.7},
        "drops": {"precision": 0.3, "recall": 0.3},
        "outputs": {"click": {"floors": {"event_f1": FLOOR}}},
    },
    training=(
        "train.steps=240",
        "train.batch_size=12",
        "train.learning_rate=0.01",
        "train.validate_every=30",
        "train.checkpoint_every=30",
        "train.filters=[16,16,16]",
        "train.units=8",
    ),
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """A workbench that serves a good model."""
    bench = Workbench(tmp_path_factory.mktemp("defects"), DEFECTS)
    good = bench.run()
    assert good.exit_code == 0, good.output
    return bench


def report(model: Path, y: np.ndarray) -> dict[str, np.ndarray]:
    answer = tf.saved_model.load(str(model)).signatures["waveform"](waveform=tf.constant(y[np.newaxis]))
    return {name: value.numpy()[0] for name, value in answer.items()}


def events(answer: dict[str, np.ndarray]) -> list[Event]:
    columns = (answer[f"event_{name}"] for name in ("defect", "onset_s", "offset_s"))
    return [Event(TAGS[defect], float(onset), float(offset)) for defect, onset, offset in zip(*columns, strict=True)]


def known(regions: Iterable[Region], y: np.ndarray) -> tuple[Event, ...]:
    return events_of(regions, len(y), RATE)


def newest_model(bench: Workbench) -> Path:
    folders = (bench.home / "pipelines" / bench.name / "Trainer" / "model").iterdir()
    return max(folders, key=lambda folder: int(folder.name)) / "Format-Serving"


def test_a_model_that_hears_is_pushed_and_finds_a_gap_in_a_song_that_it_has_not_heard(bench: Workbench) -> None:
    (version,) = bench.served()
    damaged = add_dropouts(chord(30, 0), RATE, np.random.default_rng(1))
    answer = report(bench.home / "serving" / bench.name / version, damaged.y)
    assert answer["probabilities"][TAGS.index("dropout")] >= 0.5
    assert event_counts(known(damaged.regions, damaged.y), events(answer), "dropout").recall >= 0.5


def test_clicks_are_answered_where_they_are(bench: Workbench) -> None:
    """A model that hears a click in the whole window is right by recording, and of no use to who mends it."""
    (version,) = bench.served()
    counts, lengths_s = [], []
    for song in range(8):
        damaged = add_clicks(chord(31, song), RATE, np.random.default_rng([3, song]))
        found = events(report(bench.home / "serving" / bench.name / version, damaged.y))
        counts.append(event_counts(known(damaged.regions, damaged.y), found, "click"))
        lengths_s += [event.offset_s - event.onset_s for event in found if event.event == "click"]
    assert total(counts).recall >= 0.6
    assert total(counts).precision >= 0.6
    assert np.median(lengths_s) <= 0.26


def test_the_evaluation_tells_how_well_events_are_placed(bench: Workbench) -> None:
    evaluation = bench.runs()[0].evaluation
    assert evaluation is not None
    figures = read_evaluation(evaluation).verdict.figures
    for tag in TAGS:
        for metric in FIGURES:
            assert 0 <= figures[tag][metric].value <= 1, (tag, metric)
            assert figures[tag][metric].limits.floor == (FLOOR if (tag, metric) == ("click", "event_f1") else None)
        assert figures[tag]["event_f1"].value > 0.5


def test_a_scan_answers_what_the_served_model_answers_and_sets_aside_what_it_cannot_read(bench: Workbench) -> None:
    (version,) = bench.served()
    bad = bench.library / "audio" / "00-00.wav"
    good = bad.read_bytes()
    bad.write_bytes(b"no audio")
    try:
        done = bench.scan("--limit=16")
    finally:
        bad.write_bytes(good)
    assert done.exit_code == 0, done.output
    assert 'catalog.csv: row 1, column path: "audio/00-00.wav"' in done.output
    output = bench.home / "scans" / bench.name / version
    (aside,) = map(json.loads, (output / "set-aside.jsonl").read_text().splitlines())
    assert (aside["row"], aside["id"]) == (1, "song-00-00")
    lines = list(map(json.loads, (output / "answers.jsonl").read_text().splitlines()))
    assert len(lines) == 15
    for line in lines[:3]:
        y, _ = read(bench.library / line["path"])
        answer = report(bench.home / "serving" / bench.name / version, y[0])
        for tag, probability in zip(TAGS, answer["probabilities"], strict=True):
            assert line["defects"][tag]["probability"] == pytest.approx(probability, abs=1e-5)
        assert [TAGS.index(event["name"]) for event in line["events"]] == list(answer["event_defect"])
        assert [event["onset_s"] for event in line["events"]] == pytest.approx(list(answer["event_onset_s"]), abs=1e-3)


@pytest.mark.parametrize(
    ("claimed", "fires"),
    [(lambda row: (), False), (lambda row: TAGS, True)],
    ids=["never fires", "always fires"],
)
def test_a_model_that_never_fires_or_always_does_is_blocked(bench: Workbench, claimed: Relabel, fires: bool) -> None:
    """Labels that deny every defect, or claim every one, teach it that; the eval recordings know better."""
    before = bench.served()
    make_defects(bench.library, relabel=claimed)
    blocked = bench.run()
    assert blocked.exit_code == 3, blocked.output
    assert bench.served() == before
    assert bench.runs()[-1].verdict == "not blessed"
    for tag in TAGS:
        assert f"{tag}: precision" in blocked.output
    model = newest_model(bench)
    for y in (chord(30, 1), add_dropouts(chord(30, 2), RATE, np.random.default_rng(2)).y):
        assert ((report(model, y)["probabilities"] >= 0.5) == fires).all()
