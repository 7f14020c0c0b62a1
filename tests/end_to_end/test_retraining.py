"""One history of a library, told run by run: what runs again, and what does not."""

import os
import shutil
from pathlib import Path

import pytest

from catalog.format import Recording, open_catalog
from components.evaluator import describe
from pipeline import lineage
from tests.end_to_end.tiny_library import TAGS, write_catalog
from tests.end_to_end.workbench import GATE, Finished, Workbench

pytestmark = pytest.mark.e2e
ALL = {
    "AudioExampleGen",
    "ImportSchemaGen",
    "StatisticsGen",
    "ExampleValidator",
    "DistributionValidator",
    "DataGate",
    "Transform",
    "Trainer",
    "Evaluator",
    "Pusher",
}


class History:
    """Runs a workbench step by step and keeps what each step did."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.finished: dict[str, Finished] = {}
        self.executed: dict[str, set[str]] = {}
        self.served: dict[str, list[str]] = {}
        self.tags: dict[str, list[str]] = {}
        self.versions: list[str | None] = []

    def step(self, name: str) -> None:
        self.finished[name] = self.bench.run()
        self.executed[name] = self.bench.executed()
        self.served[name] = self.bench.served()
        for newest in self.served[name][-1:]:
            self.tags[name] = describe(self.bench.home / "serving" / self.bench.name / newest)["vocabulary"]


def edit(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    bench = Workbench(tmp_path_factory.mktemp("retraining"))
    history = History(bench)
    history.step("first")
    history.step("second")
    history.step("third")
    for recording in bench.library.rglob("*.wav"):
        os.utime(recording)
    history.step("touched")
    bench.write_gate(GATE | {"floors": {"precision": 0.61, "recall": 0.6}})
    history.step("threshold")
    with (bench.project / "trainers" / "loop.py").open("a") as source:
        source.write("# edited\n")
    history.step("loop")
    for module in ("drift", "pusher"):
        with (bench.project / "components" / f"{module}.py").open("a") as source:
            source.write("# edited\n")
    history.step("components")
    wav = next(iter(sorted(bench.library.rglob("*.wav"))))
    wav.write_bytes(wav.read_bytes()[:-1] + b"\x01")
    history.step("byte")
    catalog = bench.catalog.read_bytes()
    recordings = [row for row in open_catalog(bench.catalog).rows() if isinstance(row, Recording)]
    silent = [r.model_copy(update={"tags": (*r.tags, "hum")}) if not r.tags else r for r in recordings]
    write_catalog(bench.library, silent)
    bench.write_tags([*TAGS, "hum"])
    history.step("tag added")
    with_hum = bench.catalog.read_bytes()
    for name, tags, content in (
        ("tag removed", TAGS, catalog),
        ("tag back", (*TAGS, "hum"), with_hum),
        ("tag removed again", TAGS, catalog),
    ):
        bench.write_tags(list(tags))
        bench.catalog.write_bytes(content)
        history.step(name)
    history.step("last")
    shutil.rmtree(bench.home / "serving" / bench.name / bench.served()[-1])
    history.step("deleted")
    history.versions = [run.version for run in bench.runs()]
    return history


def test_a_first_run_serves_a_model(history: History) -> None:
    first = history.finished["first"]
    assert first.exit_code == 0, first.output
    assert history.executed["first"] == ALL
    (version,) = history.served["first"]
    assert (history.bench.home / "serving" / "tagging-tiny-quick" / version / "saved_model.pb").is_file()


def test_the_verdict_is_told_per_tag_and_libraries_keep_quiet(history: History) -> None:
    output = history.finished["first"].output
    for word in ("tone/high", "precision", "recall", "passes", "served as"):
        assert word in output
    for chatter in ("WARNING", "tensorflow/", "INFO:"):
        assert chatter not in output


@pytest.mark.parametrize("name", ["second", "third", "touched"])
def test_a_run_with_nothing_changed_executes_nothing_and_pushes_nothing(history: History, name: str) -> None:
    assert history.finished[name].exit_code == 0, history.finished[name].output
    assert history.executed[name] == set()
    assert history.served[name] == history.served["first"]


def test_an_edited_threshold_is_judged_again_and_no_version_is_new(history: History) -> None:
    assert history.finished["threshold"].exit_code == 0
    assert history.executed["threshold"] == {"Evaluator"}
    assert history.served["threshold"] == history.served["first"]


def test_edited_components_run_with_what_reads_their_outputs(history: History) -> None:
    assert history.finished["components"].exit_code == 0
    assert history.executed["components"] == {"DistributionValidator", "DataGate", "Pusher"}
    assert history.served["components"] == history.served["loop"]


def test_an_edited_loop_runs_the_trainer_and_what_follows(history: History) -> None:
    assert history.finished["loop"].exit_code == 0
    assert history.executed["loop"] == {"Trainer", "Evaluator", "Pusher"}


def test_one_changed_byte_of_one_recording_runs_from_example_gen(history: History) -> None:
    assert history.finished["byte"].exit_code == 0
    assert history.executed["byte"] == ALL - {"ImportSchemaGen"}
    assert len(history.served["byte"]) == len(history.served["loop"]) + 1


def test_drift_is_measured_where_the_data_are_not_those_of_the_model_in_service(history: History) -> None:
    store = lineage.open_store(history.bench.home / "metadata.sqlite")
    kinds = [kind.name for kind in store.get_execution_types() if kind.name.endswith("DistributionValidator")]
    numbers = sorted(execution.id for kind in kinds for execution in store.get_executions_by_type(kind))
    inputs = [{step.key for e in store.get_events_by_execution_ids([n]) for step in e.path.steps} for n in numbers]
    compared = dict(zip(history.finished, ["baseline_statistics" in keys for keys in inputs], strict=True))
    steps = ("first", "second", "components", "byte", "tag added")
    assert [compared[step] for step in steps] == [False, False, False, True, True]


def test_an_added_tag_is_an_ordinary_run_compared_on_the_tags_that_both_know(history: History) -> None:
    added = history.finished["tag added"]
    assert added.exit_code == 0, added.output
    hum = next(line for line in added.output.splitlines() if line.startswith("hum "))
    tone = next(line for line in added.output.splitlines() if line.startswith("tone "))
    assert "(" in tone
    assert "(" not in hum


def test_a_removed_tag_is_an_ordinary_run_without_training(history: History) -> None:
    removed = history.finished["tag removed"]
    assert removed.exit_code == 0, removed.output
    assert history.executed["tag removed"] == {"DistributionValidator", "DataGate", "Evaluator", "Pusher"}
    assert "hum" not in removed.output
    assert all("(" in line for line in removed.output.splitlines() if line.startswith(TAGS))


@pytest.mark.parametrize(
    ("name", "before", "tags"),
    [
        ("tag removed", "tag added", TAGS),
        ("tag back", "tag removed", (*TAGS, "hum")),
        ("tag removed again", "tag back", TAGS),
        ("deleted", "tag back", TAGS),
    ],
)
def test_a_model_that_comes_back_is_the_newest_version(
    history: History, name: str, before: str, tags: tuple[str, ...]
) -> None:
    assert history.finished[name].exit_code == 0, history.finished[name].output
    assert history.served[name][:-1] == history.served[before]
    assert history.tags[name] == list(tags)


def test_a_version_that_was_deleted_is_nowhere_in_the_list_of_runs(history: History) -> None:
    assert set(history.versions) == set(history.served["deleted"])


@pytest.mark.parametrize("name", ["tag back", "tag removed again"])
def test_a_model_that_was_judged_before_is_pushed_without_another_judgement(history: History, name: str) -> None:
    assert history.executed[name] == {"Pusher"}


def test_a_model_that_came_back_is_not_pushed_twice(history: History) -> None:
    assert history.finished["last"].exit_code == 0
    assert history.executed["last"] == set()
    assert history.served["last"] == history.served["tag removed again"]
