"""One node a process, as one container a node: the whole graph, again, and after a kill under the same run id."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.source_hash import source_hash
from pipeline import lineage
from pipeline.placement import STEPS
from pipeline.settings import Settings, load_settings
from tests.end_to_end.workbench import Workbench

pytestmark = pytest.mark.e2e
EVALUATOR = "Evaluator"


@dataclass(frozen=True)
class Launched:
    """A finished process of one node."""

    exit_code: int
    output: str
    duration_s: float


class Nodes:
    """Launches nodes of the tiny tagging pipeline, each in a process of its own."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        given = {"library": "tiny", "home": bench.home, "catalog": bench.catalog, "schemas": bench.schemas}
        self.settings: Settings = load_settings(given, bench.task.training)
        self.code = source_hash(bench.project)

    def command(self, node: str, run_id: str, *more: str) -> list[str]:
        fixed = ["--settings", self.settings.model_dump_json(exclude_none=True), "--run-id", run_id, "--node", node]
        return [sys.executable, "-m", "pipeline.run_node", *fixed, "--code", self.code, *more]

    def launch(self, node: str, run_id: str, *more: str) -> Launched:
        started = time.monotonic()
        command = self.command(node, run_id, *more)
        done = subprocess.run(command, cwd=self.bench.project, capture_output=True, text=True, timeout=600, check=False)
        return Launched(done.returncode, done.stdout + done.stderr, time.monotonic() - started)

    def run(self, run_id: str) -> lineage.Run:
        """Launches all nodes, in order; answers the run."""
        for node in STEPS:
            done = self.launch(node, run_id)
            assert done.exit_code == 0, f"{node}: {done.output}"
        run = lineage.find_run(lineage.open_store(self.settings.metadata_file), run_id)
        assert run is not None
        return run


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Nodes:
    return Nodes(Workbench(tmp_path_factory.mktemp("nodes")))


@pytest.fixture(scope="module")
def first(nodes: Nodes) -> lineage.Run:
    """A run whose Trainer is killed after its first checkpoint and launched again under the same run id."""
    before, after = STEPS[: STEPS.index("Trainer")], STEPS[STEPS.index("Trainer") :]
    for node in before:
        done = nodes.launch(node, "first")
        assert done.exit_code == 0, f"{node}: {done.output}"
    command = nodes.command("Trainer", "first")
    trainer = subprocess.Popen(command, cwd=nodes.bench.project, stdout=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 600
    while not list((nodes.bench.home / "checkpoints").rglob("step-*.npz")):
        assert trainer.poll() is None, "the training ended before it saved anything"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(trainer.pid, signal.SIGKILL)
    trainer.wait()
    for node in after:
        done = nodes.launch(node, "first")
        assert done.exit_code == 0, f"{node}: {done.output}"
        if node == "Trainer":
            (nodes.bench.home / "relaunched.txt").write_text(done.output)
    run = lineage.find_run(lineage.open_store(nodes.settings.metadata_file), "first")
    assert run is not None
    return run


def test_a_graph_of_processes_serves_a_model(nodes: Nodes, first: lineage.Run) -> None:
    assert first.verdict == "pushed"
    assert nodes.bench.served() == [first.version]


def test_a_killed_training_went_on_at_its_checkpoint(nodes: Nodes, first: lineage.Run) -> None:
    assert "going on at step" in (nodes.bench.home / "relaunched.txt").read_text()
    assert len([name for name in first.executed if name == "Trainer"]) == 1


def test_a_finished_node_exits_at_once_under_its_run_id(nodes: Nodes, first: lineage.Run) -> None:
    again = nodes.launch("Trainer", "first")
    assert again.exit_code == 0
    assert again.output.split() == ["Trainer", "finished", "before"]


def test_a_second_run_is_cached_and_pushes_nothing(nodes: Nodes, first: lineage.Run) -> None:
    second = nodes.run("second")
    assert second.executed == ()
    assert nodes.bench.served() == [first.version]


def test_a_run_that_is_told_of_again_does_not_push_over_a_newer_model(nodes: Nodes, first: lineage.Run) -> None:
    assert first.served is not None
    newer = first.served.with_name(str(int(first.served.name) + 1))
    shutil.copytree(first.served, newer)
    (newer / "another").write_text("model")
    try:
        done = nodes.launch("Pusher", "first")
        assert done.exit_code == 0, done.output
        assert nodes.bench.served() == [first.version, newer.name]
    finally:
        shutil.rmtree(newer)


def test_the_evaluator_hands_figures_and_page_to_kubeflow(nodes: Nodes, first: lineage.Run, tmp_path: Path) -> None:
    uris = {"metrics": "minio://mlpipeline/v2/metrics", "page": "minio://mlpipeline/v2/page"}
    artifacts = {name: {"artifacts": [{"name": name, "uri": uri}]} for name, uri in uris.items()}
    told = tmp_path / "told" / "output_metadata.json"
    outputs = ["--executor-input", json.dumps({"outputs": {"artifacts": artifacts, "outputFile": str(told)}})]
    paths = ["--metrics", str(tmp_path / "m" / "metrics"), "--page", str(tmp_path / "p" / "page")]
    done = nodes.launch(EVALUATOR, "first", *outputs, *paths)
    assert done.exit_code == 0, done.output
    figures = json.loads(told.read_text())["artifacts"]["metrics"]["artifacts"][0]["metadata"]
    assert figures["blessed"] == 1
    assert 0.6 <= figures["tone/high: recall"] <= 1
    assert json.loads((tmp_path / "m" / "metrics").read_text()) == figures
    assert "<html" in (tmp_path / "p" / "page").read_text()


def test_other_code_than_the_submitter_s_is_refused_in_one_line(nodes: Nodes) -> None:
    command = nodes.command("Pusher", "other")
    command[command.index("--code") + 1] = "0" * 16
    done = subprocess.run(command, cwd=nodes.bench.project, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"dacapo: this image holds code {nodes.code}, the pipeline was compiled from code 0000")
