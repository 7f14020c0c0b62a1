from pathlib import Path

import pytest

from pipeline.settings import SettingsError, load_settings
from trainers.task import TASKS


def test_an_assignment_reaches_into_a_group() -> None:
    settings = load_settings({}, ["ingest.descriptors=all", "train.steps=7", "seed=3"])
    assert (settings.ingest.descriptors, settings.hyperparameters().steps, settings.seed) == ("all", 7, 3)


def test_a_version_to_start_from_may_be_a_number_alone() -> None:
    assert load_settings({}, ["warm_start=1764000000"]).warm_start == "1764000000"


def test_the_pipeline_is_named_after_task_library_and_profile() -> None:
    settings = load_settings({"library": "debian", "profile": "full"})
    assert settings.name == "tagging-debian-full"
    assert settings.served.name == settings.name


def test_relative_paths_are_made_absolute_at_the_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings({"home": Path("here")}).home == tmp_path / "here"


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("train.stepps=7", "train.stepps is not a setting"),
        ("train.steps=-1", "train.steps=-1"),
        ("seed", "write key=value"),
        ("seed.deep=1", "is no group of settings"),
        ("library=../up", "library='../up'"),
        ("task=chess", "task='chess' is not one of tagging"),
        ("profile=huge", "profile='huge' is not one of"),
        ("ingest.shares.train=2", "ingest.shares.train=2"),
        ("colour=red", "colour is not a setting"),
        ("train.steps=[", "is not a value"),
        ("warm_start=2026-02-30", "'2026-02-30' is not a value"),
        ("seed=0x_", "'0x_' is not a value"),
        ("seed=!!bool x", "'!!bool x' is not a value"),
        ("seed=!!int ''", "is not a value"),
        ("seed=!!timestamp x", "'!!timestamp x' is not a value"),
        ("seed=" + "[" * 3000, "is not a value"),
        ("train.musicnn=[]", "train.musicnn=[]"),
        ("train.filters=[8,8,8,8,8,8,8]", "train.filters=[8, 8, 8, 8, 8, 8, 8]"),
        ("train.batch_size=0", "train.batch_size=0"),
        ("train.learning_rate=0", "train.learning_rate=0"),
        ("train.learning_rate=.inf", "train.learning_rate=inf"),
        ("train.learning_rate=.nan", "train.learning_rate=nan"),
        ("train.dropout=1", "train.dropout=1"),
        ("train.masked_bands=.nan", "train.masked_bands=nan"),
        ("ingest.max_set_aside_share=.nan", "ingest.max_set_aside_share=nan"),
        ("seed=4294967296", "seed=4294967296"),
    ],
)
def test_a_wrong_setting_is_one_line_with_field_and_value(assignment: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"seed": 0} if "deep" in assignment else {}, [assignment])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_home_that_is_a_url_is_shown_as_text() -> None:
    with pytest.raises(SettingsError, match=r"^home='/music \[2024\]/home': holds one of \* \? \[ \], which TFX takes"):
        load_settings({"task": "tagging", "home": "/music [2024]/home"})
    with pytest.raises(SettingsError, match=r"^home='s3:/bucket/home': is a URL, write the path of a file system"):
        load_settings({"home": Path("s3://bucket/home")})


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(("filters", "field"), [("[]", "train.filters=[]"), ("[8,0,8]", "train.filters.1=0")])
def test_no_task_takes_filters_of_which_it_can_make_no_network(task: str, filters: str, field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"task": task}, [f"train.filters={filters}"])
    assert str(caught.value).startswith(f"{field}: ")
    assert "\n" not in str(caught.value)


def test_settings_that_contradict_each_other_are_named_and_no_others() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"task": "restoration"}, ["train.snr_low_db=30"])
    assert str(caught.value) == "train.snr_low_db=30.0 must not be above snr_high_db=20.0"
