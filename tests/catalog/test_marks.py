"""What an importer made is made again when it was of other content; what it did not make stays as it is."""

import errno
import os
from pathlib import Path

import pytest

from audio.errors import AudioError
from catalog import marks
from catalog.marks import digest, mark_of, renew


class Joined:
    """A file that is made of the content of two, and how often."""

    def __init__(self, folder: Path) -> None:
        self.target = folder / "joined"
        self.sources = [folder / "one", folder / "two"]
        self.times = 0
        for source in self.sources:
            source.write_text(source.name)

    def _write(self) -> None:
        self.target.write_text("".join(source.read_text() for source in self.sources))
        self.times += 1

    def renew(self) -> str:
        renew(self.target, self.sources, self._write)
        return self.target.read_text()


@pytest.fixture
def joined(tmp_path: Path) -> Joined:
    return Joined(tmp_path)


def test_it_is_made_once_of_one_content_whatever_its_date(joined: Joined) -> None:
    assert joined.renew() == "onetwo"
    for source in joined.sources:
        os.utime(source, (0, 0))
    assert (joined.renew(), joined.times) == ("onetwo", 1)


def test_it_is_made_again_of_other_content(joined: Joined) -> None:
    joined.renew()
    joined.sources[0].write_text("three")
    os.utime(joined.sources[0], (0, 0))
    assert joined.renew() == "threetwo"
    joined.target.unlink()
    assert (joined.renew(), joined.times) == ("threetwo", 3)


def test_a_file_that_was_there_before_is_kept(joined: Joined) -> None:
    joined.target.write_text("mine")
    assert joined.renew() == "mine"
    joined.sources[0].write_text("three")
    assert (joined.renew(), joined.times) == ("mine", 0)
    assert not mark_of(joined.target).exists()


def test_a_file_that_came_into_the_place_of_what_was_made_is_kept(joined: Joined) -> None:
    joined.renew()
    joined.target.write_text("mine")
    joined.sources[0].write_text("three")
    assert joined.renew() == "mine"


@pytest.mark.parametrize("mark", ["", "[]", "{}", '{"made_of": 1}', "[" * 5000, '{"made_of": ["x"], "sha256": null}'])
def test_with_a_mark_that_says_nothing_it_is_kept(joined: Joined, mark: str) -> None:
    joined.renew()
    mark_of(joined.target).write_text(mark)
    joined.sources[0].write_text("three")
    assert joined.renew() == "onetwo"


def test_it_is_kept_when_its_sources_are_gone(joined: Joined) -> None:
    joined.renew()
    joined.sources[0].unlink()
    assert joined.renew() == "onetwo"
    joined.target.unlink()
    with pytest.raises(AudioError, match="one: cannot be read: No such file"):
        joined.renew()


def test_what_could_not_be_made_again_is_made_when_it_can(joined: Joined, monkeypatch: pytest.MonkeyPatch) -> None:
    joined.renew()
    joined.sources[0].write_text("three")
    with monkeypatch.context() as patch:
        patch.setattr(joined, "_write", lambda: digest(joined.target / "nowhere"))
        with pytest.raises(AudioError):
            joined.renew()
    assert joined.renew() == "threetwo"


def test_a_disk_that_fails_is_no_finding_about_the_file(joined: Joined, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(marks.hashlib, "file_digest", fail)
    with pytest.raises(OSError, match="Input/output error"):
        digest(joined.sources[0])
