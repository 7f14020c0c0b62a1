"""The separator through the whole graph: one that separates is pushed, one that passes the mixture through is not."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from audio.files import read
from audio.scores import si_sdr
from tests.end_to_end.tiny_songs import ARTISTS, SAMPLE_RATE, SONGS, TAGS, make_songs, stems
from tests.end_to_end.workbench import TinyTask, Workbench

pytestmark = pytest.mark.e2e

SEPARATION = TinyTask(
    name="separation",
    make_library=make_songs,
    tags=TAGS,
    gate={
        "floors": {"si_sdr_improvement": 3.0, "sdr_improvement": 3.0},
        "drops": {"si_sdr_improvement": 3.0, "sdr_improvement": 3.0},
    },
    training=(
        "train.steps=60",
        "train.batch_size=4",
        "train.learning_rate=0.01",
        "train.validate_every=30",
        "train.checkpoint_every=30",
        "train.filters=[8,8,12,12]",
        "train.recurrent_units=16",
    ),
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """A workbench that serves a good model."""
    bench = Workbench(tmp_path_factory.mktemp("separation"), SEPARATION)
    good = bench.run()
    assert good.exit_code == 0, good.output
    return bench


def separated(model: Path) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """The mixture of an eval song, and what a SavedModel makes of it; float32 [samples]."""
    mixture = tf.constant(sum(stems(10, 0)))
    answer = tf.saved_model.load(str(model)).signatures["serving_default"](waveform=mixture[tf.newaxis, tf.newaxis])
    return mixture, {name: y[0, 0] for name, y in answer.items()}


def newest_model(bench: Workbench) -> Path:
    folders = (bench.home / "pipelines" / bench.name / "Trainer" / "model").iterdir()
    return max(folders, key=lambda folder: int(folder.name)) / "Format-Serving"


def test_a_model_that_separates_is_pushed_and_separates_a_song_that_it_has_not_heard(bench: Workbench) -> None:
    (version,) = bench.served()
    mixture, answer = separated(bench.home / "serving" / bench.name / version)
    np.testing.assert_allclose(answer["vocals"] + answer["accompaniment"], mixture, atol=1e-5)
    for name, truth in zip(("vocals", "accompaniment"), stems(10, 0), strict=True):
        assert si_sdr(truth, answer[name]) > si_sdr(truth, mixture) + 3, name


def test_a_scan_separates_every_song_of_the_library_into_files_as_the_served_model_does(bench: Workbench) -> None:
    (version,) = bench.served()
    done = bench.scan("--set=beam.workers=2")
    assert done.exit_code == 0, done.output
    output = bench.home / "scans" / bench.name / version
    lines = {line["id"]: line for line in map(json.loads, (output / "answers.jsonl").read_text().splitlines())}
    assert len(lines) == ARTISTS * SONGS
    _, answer = separated(bench.home / "serving" / bench.name / version)
    audio = lines["song-10-00"]["audio"]
    assert set(audio) == set(answer)
    for name, facts in audio.items():
        y, rate = read(output / facts["file"])
        assert rate == SAMPLE_RATE
        np.testing.assert_allclose(y[0], answer[name], atol=5e-4)  # the recording and the file are 16 bits
    again = bench.scan()
    assert (again.exit_code, f"{len(lines)} answered, {len(lines)} known" in again.output) == (0, True), again.output


@pytest.mark.parametrize("everything", ["vocals", "accompaniment"])
def test_a_model_that_passes_the_mixture_through_is_blocked(bench: Workbench, everything: str) -> None:
    """Songs one of whose stems is the whole song teach it to pass everything to that stem; the eval songs know
    better.
    """
    before = bench.served()
    make_songs(bench.library, everything=everything)
    blocked = bench.run()
    assert blocked.exit_code == 3, blocked.output
    assert bench.served() == before
    assert bench.runs()[-1].verdict == "not blessed"
    assert f"{everything}: si_sdr_improvement" in blocked.output
    mixture, answer = separated(newest_model(bench))
    assert si_sdr(mixture, answer[everything]) > 10
