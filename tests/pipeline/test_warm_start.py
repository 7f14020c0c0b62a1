from pathlib import Path

import pytest

from audio.errors import DaCapoError
from pipeline.settings import Settings, SettingsError
from pipeline.warm_start import resolve_warm_start


def settings(home: Path, wanted: str) -> Settings:
    return Settings(home=home, warm_start=wanted)


def test_latest_is_the_newest_served_version_when_the_run_is_triggered(tmp_path: Path) -> None:
    served = settings(tmp_path, "latest").served
    for version in ("9", "10"):
        (served / version).mkdir(parents=True)
    assert resolve_warm_start(settings(tmp_path, "latest")) == str(served / "10")
    assert resolve_warm_start(settings(tmp_path, "9")) == str(served / "9")


def test_latest_before_any_model_is_a_fresh_start(tmp_path: Path) -> None:
    assert resolve_warm_start(settings(tmp_path, "latest")) == "none"


@pytest.mark.parametrize("wanted", ["7", "best", "../9"])
def test_a_version_that_is_not_served_is_one_line_with_what_there_is(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(SettingsError, match=r"none is served yet"):
        resolve_warm_start(settings(tmp_path, wanted))


def test_musicnn_is_the_published_weights_whatever_is_served(tmp_path: Path) -> None:
    (settings(tmp_path, "musicnn").served / "9").mkdir(parents=True)
    assert resolve_warm_start(settings(tmp_path, "musicnn")) == "musicnn"


def test_musicnn_is_refused_for_a_task_that_has_no_use_for_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^warm_start='musicnn' is for the task tagging, not for separation$"):
        resolve_warm_start(Settings(home=tmp_path, task="separation", warm_start="musicnn"))


def test_musicnn_without_its_package_is_one_line_that_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainers.tagging.published.find_spec", lambda name: None)
    with pytest.raises(DaCapoError, match=r"^warm_start='musicnn' needs the package musicnn.*make setup"):
        resolve_warm_start(settings(tmp_path, "musicnn"))
