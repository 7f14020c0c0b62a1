from pathlib import Path

import pytest

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
