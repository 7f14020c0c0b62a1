"""The vocabulary knows its tags in order, their parents, and what it does not know."""

from pathlib import Path

import pytest

from catalog.errors import CatalogError
from catalog.format import Catalog, Problem, Recording
from catalog.vocabulary import Vocabulary, load_vocabulary

YAML = "tags: [rock, pop, {name: Pop / Piano, parent: pop}, pop/strings]\nignored: [seen live]\n"


def vocabulary(folder: Path, text: str = YAML) -> Vocabulary:
    (folder / "tags.yaml").write_text(text)
    return load_vocabulary(folder / "tags.yaml")


def test_tags_keep_the_order_of_the_file_and_children_their_parents(tmp_path: Path) -> None:
    found = vocabulary(tmp_path)
    assert found.tags == ("rock", "pop", "pop/piano", "pop/strings")
    assert found.parents == {"pop/piano": "pop", "pop/strings": "pop"}
    assert found.ignored == ("seen live",)


def test_a_child_brings_its_parent(tmp_path: Path) -> None:
    found = vocabulary(tmp_path)
    assert found.expand(["pop/piano", "seen live"]) == ("pop", "pop/piano")
    assert found.multi_hot(["pop/piano"]) == [0, 1, 1, 0]
    assert found.multi_hot([]) == [0, 0, 0, 0]


def test_unknown_tags_are_told_from_ignored_ones(tmp_path: Path) -> None:
    assert vocabulary(tmp_path).unknown(["rokc", "seen live", "rock"]) == ("rokc",)


def test_an_unknown_tag_is_a_problem_of_its_row(tmp_path: Path) -> None:
    recordings = [
        Recording(id="a", path="a.wav", tags=("rock",)),
        Recording(id="b", path="a.wav", tags=("rokc", "pop")),
    ]
    catalog = Catalog.write(tmp_path / "c.csv", "test", recordings)
    good, bad = catalog.rows(check_files=False, vocabulary=vocabulary(tmp_path))
    assert isinstance(good, Recording)
    assert isinstance(bad, Problem)
    assert str(bad) == 'c.csv: row 2, column tags: "rokc" is neither a tag of the vocabulary nor ignored by it'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tags: [pop/piano]", 'parent "pop" of tag "pop/piano" is not among the tags'),
        ("tags: [pop, pop/piano, pop/piano/upright]", "two levels are all there are"),
        ("tags: [pop, POP]", 'tag "pop" stands there twice'),
        ("tags: [pop]\nignored: [pop]", 'tag "pop" stands there twice'),
        ("tags: [a//b]", "has an empty level"),
        ("tag: [pop]", "tag: "),
        ("tags: 3", "tags: '3'"),
        ("- pop", "the file"),
        ("tags: [pop", "is not YAML"),
        ("tags: !!python/object/apply:os.system [ls]", "is not YAML"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CatalogError) as error:
        vocabulary(tmp_path, text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert "tags.yaml" in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"none\.yaml: cannot be read"):
        load_vocabulary(tmp_path / "none.yaml")


def test_an_empty_file_is_an_empty_vocabulary(tmp_path: Path) -> None:
    assert vocabulary(tmp_path, "") == Vocabulary()
