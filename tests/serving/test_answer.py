"""One recording through a tiny model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from audio.files import read
from serving.answer import answer
from serving.model import CannotAnswer, load_model
from tests.serving.tiny_models import RATE, Shelf, tone

Model = Callable[[str], Path]


def answers(model: Path, shelf: Shelf, output: Path) -> dict[str, dict[str, Any]]:
    """The lines of all recordings by their id."""
    return {row.id: answer(load_model(model), row, shelf.root, output) for row in shelf.recordings}


def test_a_tagger_answers_every_recording_at_any_rate_with_any_channels(
    model: Model, shelf: Shelf, tmp_path: Path
) -> None:
    for name, rate, channels in (("a", 8000, 1), ("b", 44_100, 2), ("c", 48_000, 1)):
        shelf.add(name, np.full((channels, 2 * rate), 0.75, np.float32), rate=rate)
    for line in answers(model("tagging"), shelf, tmp_path / "out").values():
        assert (line["model"], line["task"], line["duration_s"]) == ("1764000000", "tagging", 2.0)
        assert line["tags"]["level"] == {"probability": pytest.approx(0.75, abs=0.02), "decision": True}


@pytest.mark.parametrize(("lyrics", "words", "la"), [(None, 0, 0), ("", 1, 0), ("la", 1, 1)])
def test_lyrics_reach_the_model_and_unknown_ones_are_not_empty_ones(
    model: Model, shelf: Shelf, tmp_path: Path, lyrics: str | None, words: int, la: int
) -> None:
    shelf.add("one", tone(1), lyrics=lyrics)
    tags = answers(model("tagging"), shelf, tmp_path / "out")["one"]["tags"]
    assert (tags["words"]["probability"], tags["la"]["probability"]) == (words, la)


def test_the_probability_of_a_long_recording_is_the_mean_of_its_parts(
    model: Model, shelf: Shelf, tmp_path: Path
) -> None:
    shelf.add("half", np.concatenate([np.full((1, 20 * RATE), 0.5), np.zeros((1, 20 * RATE))], axis=1))
    assert answers(model("tagging"), shelf, tmp_path / "out")["half"]["tags"]["level"]["probability"] == pytest.approx(
        0.25, abs=0.01
    )


def test_an_event_over_the_border_of_parts_is_one_event(model: Model, shelf: Shelf, tmp_path: Path) -> None:
    y = np.zeros((1, 40 * RATE), np.float32)
    y[:, 3 * RATE : 28 * RATE] = 0.5
    y[:, 37 * RATE : 38 * RATE] = 0.5
    shelf.add("loud", y)
    shelf.add("quiet", tone(40))
    loud, quiet = answers(model("defects"), shelf, tmp_path / "out").values()
    assert loud["defects"] == {
        "hum": {"probability": 0.125, "decision": False},
        "click": {"probability": 0.75, "decision": True},
    }
    assert loud["events"] == [
        {"name": "click", "onset_s": 3.0, "offset_s": 28.0, "probability": 0.75},
        {"name": "click", "onset_s": 37.0, "offset_s": 38.0, "probability": 0.75},
    ]
    assert quiet["events"] == []
    assert not quiet["defects"]["click"]["decision"]


@pytest.mark.parametrize("duration_s", [0.2, 11.0, 47.0])
def test_audio_answers_are_files_that_sum_to_the_recording_without_a_seam(
    model: Model, shelf: Shelf, tmp_path: Path, duration_s: float
) -> None:
    y = tone(duration_s, channels=2, level=0.5)
    shelf.add("song", y)
    audio = answers(model("separation"), shelf, tmp_path / "out")["song"]["audio"]
    assert {name: facts["file"] for name, facts in audio.items()} == {
        "vocals": "song/vocals.flac",
        "accompaniment": "song/accompaniment.flac",
    }
    stems = {name: read(tmp_path / "out" / facts["file"])[0] for name, facts in audio.items()}
    np.testing.assert_allclose(sum(stems.values()), y, atol=3 / 32768)
    for name, facts in audio.items():
        power = np.mean(np.square(stems[name], dtype=np.float64))
        assert facts["level_dbfs"] == pytest.approx(10 * np.log10(power), abs=0.02)
        assert facts["peak_dbfs"] == pytest.approx(20 * np.log10(np.abs(stems[name]).max()), abs=0.02)


def test_silence_has_a_level_that_json_can_hold(model: Model, shelf: Shelf, tmp_path: Path) -> None:
    shelf.add("silence", np.zeros((1, RATE)))
    assert answers(model("separation"), shelf, tmp_path / "out")["silence"]["audio"]["vocals"]["level_dbfs"] == -120.0


@pytest.mark.parametrize("hostile", ["../../up", "/absolute", "..", ".scan", "answers.jsonl", "Ärger 🎵"])
def test_a_hostile_id_writes_nowhere_but_into_a_folder_of_the_output(
    model: Model, shelf: Shelf, tmp_path: Path, hostile: str
) -> None:
    shelf.add(hostile, tone(1))
    before = {path for path in tmp_path.rglob("*") if path != tmp_path / "out"}
    audio = answers(model("separation"), shelf, tmp_path / "out")[hostile]["audio"]
    for facts in audio.values():
        assert (tmp_path / "out" / facts["file"]).parent.parent == tmp_path / "out"
        assert sf.info(tmp_path / "out" / facts["file"]).frames == RATE
    made = {path for path in tmp_path.rglob("*") if not path.is_relative_to(tmp_path / "out")} - before
    assert not made


def test_an_answer_that_is_not_a_number_is_refused_and_leaves_no_file(
    model: Model, shelf: Shelf, tmp_path: Path
) -> None:
    shelf.add("loud", tone(1, level=0.9))
    with pytest.raises(CannotAnswer, match="the model's answer is not a number"):
        answers(model("restoration"), shelf, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_a_killed_scan_left_of_a_file_is_cleared_away(model: Model, shelf: Shelf, tmp_path: Path) -> None:
    shelf.add("song", tone(1))
    (tmp_path / "out" / "song").mkdir(parents=True)
    (tmp_path / "out" / "song" / ".vocals-0123.part").write_bytes(b"half")
    answers(model("separation"), shelf, tmp_path / "out")
    names = {path.name for path in (tmp_path / "out" / "song").iterdir()}
    assert names == {"vocals.flac", "accompaniment.flac"}
