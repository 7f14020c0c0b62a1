"""The peers of the separator, its SDR, and the tables of a tiny catalog."""

from pathlib import Path

import numpy as np
import pytest

from audio.spec import AudioSpec
from benchmarks.museval_sdr import median_sdr
from benchmarks.report import BenchmarkError
from benchmarks.separation import _Bench
from benchmarks.separation_peers import mixture, oracle, repet_sim
from catalog.format import Catalog
from catalog.recording import Recording, Split
from tests.end_to_end.tiny_songs import make_songs
from trainers.separation.task import SeparationHyperparameters

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
    bench = _Bench(spec, hyperparameters, tmp_path / "bench")
    with pytest.raises(BenchmarkError, match="no song is in the split test"):
        bench.assembled(catalog)
    catalog.write_text(catalog.read_text().replace(",eval", ",test"))
    table = bench.assembled(catalog)
    (vocals, *figures), _ = table.rows
    assert vocals == "median of songs, vocals"
    before, _, ours, best = (float(figure) for figure in figures)
    assert before < ours < best
    assert "assembled, not recorded" in table.caption


def test_a_song_without_a_split_goes_with_its_artist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("vocals", "accompaniment"):
        (tmp_path / f"{name}.wav").write_bytes(b"sound")
    stems = {"vocals": "vocals.wav", "accompaniment": "accompaniment.wav"}
    rows: list[tuple[str, str, Split | None]] = [
        ("judged", "Ada", "test"),
        ("hers too", "Ada", None),
        ("learnt", "Bob", "train"),
        ("chosen on", "Cy", "validation"),
    ]
    recordings = [
        Recording(id=name, path="vocals.wav", artist=artist, split=split, stems=stems) for name, artist, split in rows
    ]
    catalog = Catalog.write(tmp_path / "catalog.csv", "tiny", recordings).path
    spec = AudioSpec(columns=("vocals",), sample_rate=RATE, channels=1, segment_s=1.0, eval_max_s=4.0)
    settings = SeparationHyperparameters(steps=1, batch_size=1, learning_rate=0.1, validate_every=1, checkpoint_every=1)
    bench = _Bench(spec, settings, tmp_path)
    monkeypatch.setattr(bench, "_train", lambda training, validation: None)
    _, songs = bench._by_split(catalog)
    assert {split: [song.name for song in found] for split, found in songs.items()} == {
        "train": ["learnt"], "validation": ["chosen on"], "eval": [], "test": ["judged", "hers too"]
    }  # fmt: skip
