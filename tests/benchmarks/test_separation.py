"""The peers of the separator, its SDR, and the tables of a tiny catalog."""

import json
from pathlib import Path

import numpy as np
import pytest

from audio.spec import AudioSpec
from benchmarks.museval_sdr import median_sdr
from benchmarks.report import BenchmarkError
from benchmarks.separation import exported, trained
from benchmarks.separation_peers import mixture, oracle, repet_sim
from benchmarks.separation_training import songs_of, stems_of
from serving.facts import FACTS
from tests.end_to_end.tiny_songs import make_songs
from tests.serving.tiny_models import save_model
from trainers.separation.task import STEMS, SeparationHyperparameters

RATE = 8_000


def repeating(seconds: int = 8) -> np.ndarray:
    """A bar of noise and tone again and again under a gliding voice: float32 [2, 1, samples]."""
    rng = np.random.default_rng(0)
    t = np.arange(seconds * RATE) / RATE
    bar = rng.standard_normal(RATE // 2) * np.exp(-8 * np.arange(RATE // 2) / RATE)
    band = np.tile(0.2 * bar, 2 * seconds) + 0.1 * np.sin(2 * np.pi * 150 * t)
    voice = 0.2 * np.sin(2 * np.pi * np.cumsum(500 + 200 * np.sin(2 * np.pi * 0.21 * t)) / RATE)
    return np.stack([voice, band])[:, np.newaxis].astype(np.float32)


def test_sdr_is_high_for_the_truth_and_has_a_figure_for_silence() -> None:
    stems = repeating(2)
    assert (median_sdr(stems, stems, RATE) > 60).all()
    np.testing.assert_allclose(median_sdr(stems, 0 * stems, RATE), 0, atol=1)


@pytest.mark.e2e
def test_the_peers_order_as_they_should_and_their_stems_sum_to_the_mixture() -> None:
    stems = repeating()
    figures = {}
    for name, estimate in (
        ("mixture", mixture(stems)),
        ("repet", repet_sim(stems, RATE)),
        ("oracle", oracle(stems, RATE)),
    ):
        figures[name] = median_sdr(stems, estimate, RATE)
        if name != "mixture":
            np.testing.assert_allclose(estimate.sum(axis=0), stems.sum(axis=0), atol=1e-4)
    assert (figures["mixture"] + 2 < figures["repet"]).all()
    assert (figures["repet"] < figures["oracle"]).all()


@pytest.mark.e2e
def test_the_tables_of_a_tiny_catalog_have_every_system(tmp_path: Path) -> None:
    catalog = make_songs(tmp_path / "library")
    spec = AudioSpec(columns=("vocals", "accompaniment"), sample_rate=4_000, channels=1, segment_s=2.0, eval_max_s=9)
    hyperparameters = SeparationHyperparameters(
        steps=20, batch_size=4, learning_rate=0.01, validate_every=10, checkpoint_every=10, filters=(4, 8)
    )
    bench = trained("a tiny one", spec, hyperparameters, tmp_path / "bench")
    with pytest.raises(BenchmarkError, match="no song is in the split test"):
        bench.assembled(catalog)
    catalog.write_text(catalog.read_text().replace(",eval", ",test"))
    table = bench.assembled(catalog)
    (vocals, *figures), _ = table.rows
    assert vocals == "median of songs, vocals"
    before, _, ours, best = (float(figure) for figure in figures)
    assert before < ours < best
    assert "assembled, not recorded" in table.caption


def test_an_exported_model_is_judged_as_it_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = make_songs(tmp_path / "library")
    head, *rows = catalog.read_text().splitlines()
    judged = next(row for row in rows if ",eval" in row).replace(",eval", ",test")
    catalog.write_text("\n".join([head, *(row for row in rows if ",eval" not in row), judged]))
    folder = save_model(tmp_path / "7", "separation")
    facts = json.loads((folder / FACTS).read_text())
    facts["spec"]["columns"] = STEMS
    (folder / FACTS).write_text(json.dumps(facts))
    monkeypatch.setattr("benchmarks.museval_sdr.median_sdr", plain_sdr)  # museval's takes minutes

    bench = exported(folder)
    table = bench.assembled(catalog)

    song = next(song for song in songs_of(catalog) if song.recording.split == "test")
    stems = stems_of(song, bench.spec)
    answer = np.stack([0.25 * stems.sum(axis=0), 0.75 * stems.sum(axis=0)])
    assert stems.shape == (2, 2, 4 * RATE)
    assert [row[3] for row in table.rows] == [f"{sdr:.2f}" for sdr in plain_sdr(stems, answer)]
    assert "8000 Hz stereo. By version 7 of separation-tiny-quick." in table.caption


def plain_sdr(references: np.ndarray, estimates: np.ndarray, _rate: int = 0) -> np.ndarray:
    errors = np.square(references - estimates).sum((1, 2)) + 1e-9
    return np.asarray(10 * np.log10(np.square(references).sum((1, 2)) / errors))


def test_a_model_of_another_task_is_one_line(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "7", "defects")
    with pytest.raises(BenchmarkError, match=r"7: is a model of the task defects, not separation$"):
        exported(folder)
