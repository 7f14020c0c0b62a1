import pytest

from audio.errors import DaCapoError
from benchmarks.overrides import read_overrides


def test_values_of_hyperparameters_are_read_as_yaml() -> None:
    assert read_overrides(["steps=500", "filters=[8, 16]", "pooling=max"]) == {
        "steps": 500,
        "filters": [8, 16],
        "pooling": "max",
    }
    assert read_overrides(None) == {}


def test_an_item_without_a_value_is_one_line_that_says_what_to_write() -> None:
    with pytest.raises(DaCapoError, match=r"^--set 'steps': write key=value, for example steps=500$"):
        read_overrides(["steps"])
