import re

import pytest

from serving.names import folder_name

HOSTILE = [
    "..",
    ".",
    "../../etc/passwd",
    "/",
    "a/b",
    "a\\b",
    "~",
    "-rf",
    "CON",
    "песня",
    "歌",
    " ",
    "x" * 200,
    ".scan",
    "a.b",
]


@pytest.mark.parametrize("name", ["song-0001", "vocals", "a", "0_1"])
def test_a_plain_word_stays_as_it_is(name: str) -> None:
    assert folder_name(name) == name


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_id_becomes_a_short_plain_word(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,76}", folder_name(name))


def test_names_that_a_file_system_could_mix_up_differ() -> None:
    names = [*HOSTILE, "A", "a", "a b", "a_b", "A B", "x" * 199]
    assert len({folder_name(name) for name in names}) == len(names)


def test_an_id_that_looks_like_the_name_of_another_is_not_taken_for_it() -> None:
    assert folder_name(folder_name("a/b")) != folder_name("a/b")
