"""What must not be served is not: each case leaves the served folder as it was, and its exit code says why."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from catalog.format import Recording, open_catalog
from tests.end_to_end.tiny_library import write_catalog
from tests.end_to_end.workbench import GATE, Workbench

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """A workbench that serves a good model."""
    bench = Workbench(tmp_path_factory.mktemp("gate"))
    good = bench.run()
    assert good.exit_code == 0, good.output
    return bench


def relabel(bench: Workbench, change: Callable[[Recording, Recording], tuple[str, ...]]) -> None:
    """Gives every train and validation recording the tags that `change` makes of its own and of a random other's."""
    rows = [row for row in open_catalog(bench.catalog).rows() if isinstance(row, Recording)]
    learnt = [row for row in rows if row.split in ("train", "validation")]
    others = np.random.default_rng(1).permutation(len(learnt))
    changed = {
        row.id: row.model_copy(update={"tags": change(row, learnt[k])}) for row, k in zip(learnt, others, strict=True)
    }
    write_catalog(bench.library, [changed.get(row.id, row) for row in rows])


def noise_of(row: Recording) -> tuple[str, ...]:
    return tuple(tag for tag in row.tags if tag == "noise")


def without_noise(row: Recording) -> tuple[str, ...]:
    return tuple(tag for tag in row.tags if tag != "noise")


def check_blocked(bench: Workbench, *assignments: str) -> str:
    before = bench.served()
    blocked = bench.run(*assignments)
    assert blocked.exit_code == 3, blocked.output
    assert bench.served() == before
    assert bench.runs()[-1].verdict == "not blessed"
    assert "not blessed, the served folder is as it was" in blocked.output
    return blocked.output


@pytest.fixture
def true_labels(served: Workbench) -> Iterator[Workbench]:
    """The workbench, whose catalog, schema and gate are put back after a test."""
    files = (served.catalog, served.schemas / "schema.pbtxt")
    contents = [path.read_bytes() for path in files]
    yield served
    for path, content in zip(files, contents, strict=True):
        path.write_bytes(content)
    served.write_gate(GATE)


def test_one_sabotaged_tag_blocks_the_model(true_labels: Workbench) -> None:
    flipped = lambda row: ("noise",) if not noise_of(row) else ()  # noqa: E731
    relabel(true_labels, lambda row, other: (*without_noise(row), *flipped(row)))
    output = check_blocked(true_labels)
    assert "noise: " in output
    assert "tone: " not in output


def test_shuffled_labels_block_the_model(true_labels: Workbench) -> None:
    relabel(true_labels, lambda row, other: other.tags)
    check_blocked(true_labels)


def test_a_drop_against_the_model_in_service_alone_blocks(true_labels: Workbench) -> None:
    true_labels.write_gate({"floors": {}, "drops": {"precision": 0.05, "recall": 0.05}})
    output = check_blocked(true_labels, "train.steps=1")
    assert "in service" in output
    assert "below its floor" not in output


def test_data_with_a_finding_stops_the_run_before_transform(true_labels: Workbench) -> None:
    schema = true_labels.schemas / "schema.pbtxt"
    schema.write_text(schema.read_text().replace("max: 14400", "max: 3.0"))
    before = true_labels.served()
    stopped = true_labels.run()
    assert stopped.exit_code == 2, stopped.output
    assert "dacapo: data: split train, feature duration_s: " in stopped.output
    assert true_labels.served() == before
    assert true_labels.runs()[-1].verdict == "failed"
    assert true_labels.executed() >= {"StatisticsGen", "ExampleValidator"}
    assert not true_labels.executed() & {"DataGate", "Transform", "Trainer", "Evaluator", "Pusher"}
