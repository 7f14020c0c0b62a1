import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2
from tfx.types import artifact_utils, standard_artifacts

from catalog.served import versions
from components.pusher import STAGING, first_of_equal_verdicts, push, replaced

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
    assert numbers == sorted(set(numbers)) == [int(version.name) for version in versions(tmp_path / "served")]


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


class Judgements:
    """A store in which models are judged."""

    def __init__(self) -> None:
        config = metadata_store_pb2.ConnectionConfig()
        config.fake_database.SetInParent()
        self.store = metadata_store.MetadataStore(config)
        self.types = {
            kind.TYPE_NAME: self.store.put_artifact_type(metadata_store_pb2.ArtifactType(name=kind.TYPE_NAME))
            for kind in (standard_artifacts.Model, standard_artifacts.ModelBlessing, standard_artifacts.ModelEvaluation)
        }
        self.evaluator = self.store.put_execution_type(metadata_store_pb2.ExecutionType(name="Evaluator"))

    def _artifact(self, kind, **properties: int):
        proto = metadata_store_pb2.Artifact(type_id=self.types[kind.TYPE_NAME])
        for name, value in properties.items():
            proto.custom_properties[name].int_value = value
        (number,) = self.store.put_artifacts([proto])
        (found,) = self.store.get_artifacts_by_id([number])
        return artifact_utils.deserialize_artifact(kind().artifact_type, found)

    def model(self):
        return self._artifact(standard_artifacts.Model)

    def judge(self, model, blessed: int, baseline=None):
        event = metadata_store_pb2.Event
        (execution,) = self.store.put_executions([metadata_store_pb2.Execution(type_id=self.evaluator)])
        blessing = self._artifact(standard_artifacts.ModelBlessing, current_model_id=model.id, blessed=blessed)
        written = (self._artifact(standard_artifacts.ModelEvaluation), blessing)
        heard = [model] if baseline is None else [model, baseline]
        self.store.put_events(
            [event(execution_id=execution, artifact_id=each.id, type=event.INPUT) for each in heard]
            + [event(execution_id=execution, artifact_id=each.id, type=event.OUTPUT) for each in written]
        )
        return blessing


def test_a_verdict_that_is_given_again_is_the_first_of_its_kind_on_the_same_model() -> None:
    judgements = Judgements()
    model, other = judgements.model(), judgements.model()
    told = [judgements.judge(model, blessed) for blessed in (0, 1, 1, 0)]
    beside = judgements.judge(other, 1, baseline=model)

    def first(of, blessing) -> int:
        return first_of_equal_verdicts(judgements.store, of, blessing).id

    assert [first(model, blessing) for blessing in told] == [told[0].id, told[1].id, told[1].id, told[0].id]
    assert first(other, beside) == beside.id
    again = first_of_equal_verdicts(judgements.store, model, told[2])
    assert again.get_int_custom_property("blessed") == 1


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
            assert contents(version) == contents(model)
        if not killed:
            break
        assert contents(push(model, served)) == contents(model)
        assert not list(served.glob(f"{STAGING}*"))
        events += 1
    assert events > 10
