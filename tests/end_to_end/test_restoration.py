"""The denoiser through the whole graph: one that cleans is pushed; one that halves the level, one that mutes and one
that passes the noise through are not, each of which SI-SDR alone, or the level alone, would let pass.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from audio.scores import level_error_db, si_sdr
from pipeline.pages.writing import write_pages
from tests.end_to_end.tiny_noisy import TAGS, make_noisy, pair
from tests.end_to_end.workbench import TinyTask, Workbench
from trainers.restoration.tflite import FLOAT32, StreamingRestorer

pytestmark = pytest.mark.e2e

RESTORATION = TinyTask(
    name="restoration",
    make_library=make_noisy,
    tags=TAGS,
    gate={
        "floors": {"si_sdr_improvement": 2.0, "sdr": 7.0},
        "ceilings": {"level_error_db": 2.0, "real_time_factor": 0.1},
        "drops": {"si_sdr_improvement": 3.0, "sdr": 3.0},
        "rises": {"level_error_db": 1.0},
        "outputs": {
            "clean": {"floors": {"si_sdr_improvement": -12.0, "sdr": 20.0}, "drops": {"sdr": 15.0}},
            "chain": {"reported": "it is in no recording of the eval split"},
        },
    },
    training=(
        "train.steps=360",
        "train.batch_size=4",
        "train.learning_rate=0.01",
        "train.validate_every=60",
        "train.checkpoint_every=60",
        "train.filters=[8,8,8]",
        "train.recurrent_units=16",
    ),
)


LAST_STEP = ("train.steps=180", "train.validate_every=180")
"""Its weights are kept: validation would choose the ones that have learnt least of what is wrong."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """A workbench that serves a good model."""
    bench = Workbench(tmp_path_factory.mktemp("restoration"), RESTORATION)
    good = bench.run()
    assert good.exit_code == 0, good.output
    return bench


def newest_model(bench: Workbench) -> Path:
    folders = (bench.home / "pipelines" / bench.name / "Trainer" / "model").iterdir()
    return max(folders, key=lambda folder: int(folder.name)) / "Format-Serving"


def restored(model: Path, noisy: np.ndarray) -> tf.Tensor:
    """What a SavedModel makes of noisy music, float32 [samples]."""
    answer = tf.saved_model.load(str(model)).signatures["serving_default"](waveform=tf.constant(noisy[np.newaxis]))
    return answer["restored"][0]


def check_blocked(bench: Workbench, *assignments: str) -> str:
    before = bench.served()
    blocked = bench.run(*assignments)
    assert blocked.exit_code == 3, blocked.output
    assert bench.served() == before
    assert bench.runs()[-1].verdict == "not blessed"
    return blocked.output


def test_a_model_that_cleans_is_pushed_with_its_streaming_model_and_cleans_music_that_it_has_not_heard(
    bench: Workbench,
) -> None:
    (version,) = bench.served()
    model = bench.home / "serving" / bench.name / version
    clean, noise = pair(10, 1)
    answer = restored(model, clean + noise)
    assert si_sdr(clean, answer) > si_sdr(clean, clean + noise) + 2
    streamed = StreamingRestorer((model / "assets.extra" / FLOAT32).read_bytes()).restore(clean + noise)
    np.testing.assert_allclose(streamed, answer, atol=1e-4)
    facts = json.loads((model / "assets.extra" / "dacapo.json").read_text())
    assert 0 < facts["real_time_factor"] < 0.1


def test_the_page_of_its_evaluation_has_scores_by_kind_of_noise(bench: Workbench, tmp_path: Path) -> None:
    page, _ = write_pages(bench.runs()[-1], tmp_path)
    text = page.read_text("utf-8")
    assert "By tags" in text
    assert text.count("hiss") > 1


def test_a_model_that_passes_the_noise_through_is_blocked(bench: Workbench) -> None:
    """It was trained on clean music alone, which teaches to change nothing."""
    output = check_blocked(bench, "train.clean_share=0.999", *LAST_STEP)
    assert "hiss: si_sdr_improvement" in output
    clean, noise = pair(10, 1)
    assert si_sdr(clean + noise, restored(newest_model(bench), clean + noise)) > 12


def test_a_model_that_halves_the_level_is_blocked_though_its_noise_is_gone(bench: Workbench) -> None:
    """It was trained on music added to itself, which teaches to halve everything."""
    make_noisy(bench.library, doubled=True)
    output = check_blocked(bench, "train.snr_low_db=0", "train.snr_high_db=0", "train.clean_share=0", *LAST_STEP)
    assert "clean: sdr" in output
    assert "level_error_db" in output
    clean, _ = pair(10, 0)
    assert float(level_error_db(clean, restored(newest_model(bench), clean))) == pytest.approx(-6.0, abs=1.0)


def test_a_model_that_mutes_is_blocked(bench: Workbench) -> None:
    """It was trained on music added to itself 30 dB louder, which teaches to take everything away."""
    make_noisy(bench.library, doubled=True)
    output = check_blocked(bench, "train.snr_low_db=-30", "train.snr_high_db=-30", "train.clean_share=0", *LAST_STEP)
    assert "hiss: level_error_db" in output
    clean, noise = pair(10, 1)
    assert float(level_error_db(clean, restored(newest_model(bench), clean + noise))) < -10
