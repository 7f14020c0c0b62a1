"""What must not be served is not: each case leaves the served folder as it was and exits with 3."""

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
    catalog = served.catalog.read_bytes()
    yield served
    served.catalog.write_bytes(catalog)
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
