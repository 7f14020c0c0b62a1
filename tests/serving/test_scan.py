"""Whole scans of a few recordings with tiny models, on Beam's direct runner."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile as sf

from audio.errors import DaCapoError
from pipeline.terminal import user_error
from serving.facts import ModelError
from serving.scan import ScanError, Scanned, scan
from tests.serving.tiny_models import RATE, Shelf, tone

Model = Callable[[str], Path]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def answers(output: Path) -> dict[str, dict[str, Any]]:
    return {line["id"]: line for line in lines(output / "answers.jsonl")}


def bad_shelf(shelf: Shelf) -> Path:
    shelf.add("good", tone(1))
    shelf.add("gone", tone(1)).unlink()
    shelf.add("corrupt", tone(1)).write_bytes(b"RIFF, and nothing that follows" * 9)
    whole = shelf.add("cut", tone(9))
    whole.write_bytes(whole.read_bytes()[:60_000])
    shelf.add("surround", tone(1, channels=6))
    shelf.add("also good", tone(1))
    catalog = shelf.write()
    columns = catalog.read_text().splitlines()[2].count(",") + 1
    with catalog.open("a") as file:
        file.write("climbing,../outside.wav" + "," * (columns - 2) + "\n")
    return catalog


def test_bad_recordings_are_set_aside_with_their_reasons_and_the_rest_is_answered(
    model: Model, shelf: Shelf, tmp_path: Path
) -> None:
    catalog = bad_shelf(shelf)
    scanned = scan(catalog, model("separation"), tmp_path / "out")
    assert list(answers(tmp_path / "out")) == ["good", "also good"]
    aside = lines(tmp_path / "out" / "set-aside.jsonl")
    assert [(line["row"], line["id"]) for line in aside] == [
        (2, "gone"), (3, "corrupt"), (4, "cut"), (5, "surround"), (7, "climbing"),
    ]  # fmt: skip
    for line, word in zip(aside, ("does not exist", "audio", "cut", "6 channels", "climbs out"), strict=True):
        assert word in line["reason"]
    assert all(str(problem).count("\n") == 0 for problem in scanned.problems)
    assert not (tmp_path / "out" / "corrupt").exists()


def long_shelf(shelf: Shelf) -> Path:
    for number in range(20):
        shelf.add(f"r{number}", tone(0.5))
    return shelf.write()


def test_a_second_scan_answers_only_the_chunks_that_have_changed(model: Model, shelf: Shelf, tmp_path: Path) -> None:
    catalog, out = long_shelf(shelf), tmp_path / "out"
    assert scan(catalog, model("tagging"), out).known == 0
    first = (out / "answers.jsonl").read_bytes()
    assert scan(catalog, model("tagging"), out) == Scanned(20, 20, ())
    assert (out / "answers.jsonl").read_bytes() == first
    shelf.add("r20", tone(0.5))
    sf.write(shelf.root / "3.wav", tone(2)[0], RATE)
    assert scan(shelf.write(), model("tagging"), out) == Scanned(21, 8, ())
    assert answers(out)["r3"]["duration_s"] == 2.0
    assert scan(shelf.write(), model("tagging"), out, code="another").known == 0


def test_recordings_are_tried_again_when_what_may_be_read_has_changed(
    model: Model, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("song", tone(0.5))
    catalog, out = shelf.write(), tmp_path / "out"
    with monkeypatch.context() as locked:
        # Root may read whatever the mode is.
        locked.setattr("serving.plan.os.access", lambda path, mode: mode != os.R_OK)
        scan(catalog, model("tagging"), out)
        assert scan(catalog, model("tagging"), out).known == 1
    assert scan(catalog, model("tagging"), out).known == 0
    monkeypatch.setattr("serving.scan.ffmpeg_release", lambda: "another")
    assert scan(catalog, model("tagging"), out).known == 0
    assert scan(catalog, model("tagging"), out).known == 1


def test_an_equal_model_of_another_version_keeps_the_answers_and_gives_them_its_name(
    model: Model, shelf: Shelf, tmp_path: Path
) -> None:
    catalog, first, out = long_shelf(shelf), model("tagging"), tmp_path / "out"
    scan(catalog, first, out)
    again = shutil.copytree(first, first.with_name("1764100000"))
    assert scan(catalog, again, out).known == 20
    assert {line["model"] for line in lines(out / "answers.jsonl")} == {"1764100000"}


def test_audio_that_somebody_has_deleted_is_made_again(model: Model, shelf: Shelf, tmp_path: Path) -> None:
    shelf.add("song", tone(1))
    catalog = shelf.write()
    scan(catalog, model("separation"), tmp_path / "out")
    (tmp_path / "out" / "song" / "vocals.flac").unlink()
    assert scan(catalog, model("separation"), tmp_path / "out").known == 0
    assert (tmp_path / "out" / "song" / "vocals.flac").is_file()


def test_a_scan_that_fails_leaves_the_answers_before_it_and_the_next_goes_on(
    model: Model, shelf: Shelf, tmp_path: Path
) -> None:
    catalog, out = long_shelf(shelf), tmp_path / "out"
    assert scan(catalog, model("separation"), out, limit=8) == Scanned(8, 0, ())
    before = (out / "answers.jsonl").read_bytes()
    (out / "r17").write_text("a file where a folder has to be")
    with pytest.raises(Exception, match="r17") as caught:  # whatever Beam makes of it
        scan(catalog, model("separation"), out)
    assert str(user_error(caught.value)) == f"{out / 'r17'}: cannot be made: File exists"
    assert (out / "answers.jsonl").read_bytes() == before
    assert not list(out.rglob("*.part"))
    (out / "r17").unlink()
    assert scan(catalog, model("separation"), out) == Scanned(20, 16, ())


def test_a_folder_belongs_to_one_model_and_one_catalog(model: Model, shelf: Shelf, tmp_path: Path) -> None:
    shelf.add("song", tone(1))
    catalog = shelf.write()
    scan(catalog, model("tagging"), tmp_path / "out")
    with pytest.raises(ScanError, match=r"holds a scan by another model \(1764000000\); give another --output"):
        scan(catalog, model("defects"), tmp_path / "out")
    with pytest.raises(ScanError, match=r"holds a scan of .*catalog.csv; give another"):
        scan(catalog.rename(shelf.root / "other.csv"), model("tagging"), tmp_path / "out")


def test_a_folder_that_holds_anything_else_is_left_as_it_is(model: Model, shelf: Shelf, tmp_path: Path) -> None:
    shelf.add("song", tone(1))
    out = tmp_path / "out"
    (out / "lost+found").mkdir(parents=True)
    assert scan(shelf.write(), model("separation"), out) == Scanned(1, 0, ())
    shutil.rmtree(out)
    (out / "song").mkdir(parents=True)
    (out / "song" / "vocals.flac").write_bytes(b"a stem of somebody's")
    with pytest.raises(ScanError, match=r"holds song and no answers\.jsonl of a scan; give another --output"):
        scan(shelf.write(), model("separation"), out)
    assert [path.name for path in out.rglob("*")] == ["song", "vocals.flac"]


def test_a_scan_sweeps_no_part_but_its_own_and_goes_on_without_what_it_kept(
    model: Model, shelf: Shelf, tmp_path: Path
) -> None:
    shelf.add("song", tone(1))
    out = tmp_path / "out"
    catalog = shelf.write()
    scan(catalog, model("tagging"), out)
    shutil.rmtree(out / ".scan")
    for name in ("download.part", "answers.jsonl-0123abcd.part"):
        (out / name).touch()
    assert scan(catalog, model("tagging"), out) == Scanned(1, 0, ())
    assert [path.name for path in out.glob("*.part")] == ["download.part"]


@pytest.mark.parametrize("missing", ["saved_model.pb", "assets.extra/dacapo.json", "variables/variables.index"])
def test_a_folder_that_is_no_model_is_one_line(model: Model, shelf: Shelf, tmp_path: Path, missing: str) -> None:
    folder = shutil.copytree(model("tagging"), tmp_path / "model")
    os.unlink(folder / missing)
    shelf.add("song", tone(1))
    with pytest.raises(ModelError) as caught:
        scan(shelf.write(), folder, tmp_path / "out")
    assert isinstance(caught.value, DaCapoError)
    assert str(caught.value).startswith(str(folder))
    assert "\n" not in str(caught.value)
