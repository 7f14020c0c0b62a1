import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from components.pusher import STAGING, push, replaced, versions

WRITES = {
    "open",
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "shutil.copyfile",
    "shutil.copystat",
    "os.chmod",
    "os.utime",
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    root = tmp_path / "model"
    (root / "variables").mkdir(parents=True)
    (root / "assets.extra").mkdir()
    (root / "saved_model.pb").write_bytes(b"graph")
    (root / "variables" / "variables.index").write_bytes(b"index")
    (root / "variables" / "variables.data-00000-of-00001").write_bytes(b"weights" * 1000)
    (root / "assets.extra" / "dacapo.json").write_text("{}")
    return root


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_pushed_version_holds_exactly_the_model(model: Path, tmp_path: Path) -> None:
    assert contents(push(model, tmp_path / "served")) == contents(model)


def test_every_new_model_makes_a_strictly_higher_version(model: Path, tmp_path: Path) -> None:
    numbers = []
    for weights in (b"a", b"b", b"c"):
        (model / "variables" / "variables.index").write_bytes(weights)
        numbers.append(int(push(model, tmp_path / "served").name))
    assert numbers == sorted(set(numbers)) == versions(tmp_path / "served")


def test_the_model_in_service_is_not_pushed_again(model: Path, tmp_path: Path) -> None:
    served = push(model, tmp_path / "served")
    assert push(model, tmp_path / "served") == served
    assert len(versions(tmp_path / "served")) == 1


def test_what_a_model_replaces_changes_only_when_another_is_pushed_over_it(model: Path, tmp_path: Path) -> None:
    served, other = tmp_path / "served", tmp_path / "other"
    shutil.copytree(model, other)
    (other / "saved_model.pb").write_bytes(b"other graph")
    before = []
    for candidate in (model, other, model, other):
        before.append(replaced(candidate, served))
        push(candidate, served)
        assert replaced(candidate, served) == before[-1]
    assert before == [None, *versions(served)[:-1]]
    assert len(versions(served)) == 4


def test_a_version_of_the_future_is_outbid(model: Path, tmp_path: Path) -> None:
    (tmp_path / "served" / "99999999999").mkdir(parents=True)
    assert push(model, tmp_path / "served").name == "100000000000"


def test_a_folder_without_a_saved_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"saved_model\.pb"):
        push(tmp_path / "empty", tmp_path / "served")
    assert not (tmp_path / "served").exists()


def kill_at(event: int, model: Path, served: Path) -> bool:
    """Pushes in a child that kills itself (SIGKILL) before its `event`-th write; whether it was killed."""
    child = os.fork()
    if child == 0:
        seen = 0

        def count(name: str, arguments: tuple[object, ...]) -> None:
            nonlocal seen
            if name in WRITES and any(str(served) in str(argument) for argument in arguments):
                seen += 1
                if seen == event:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        push(model, served)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def test_a_kill_before_any_write_leaves_no_version_that_a_server_could_load(model: Path, tmp_path: Path) -> None:
    events = 0
    while True:
        served = tmp_path / f"served{events}"
        killed = kill_at(events + 1, model, served)
        for version in versions(served):
            assert contents(served / str(version)) == contents(model)
        if not killed:
            break
        assert contents(push(model, served)) == contents(model)
        assert not list(served.glob(f"{STAGING}*"))
        events += 1
    assert events > 10
