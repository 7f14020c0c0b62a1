"""Four runs of one pipeline at once, on an empty MySQL-compatible database and one home folder.

    python -m tests.containers.four_runs FOLDER

Each run is a process that launches every node as its container would (`pipeline.run_node`). All must end well,
and each have a lineage of its own that is complete. Each finds nothing to take from a cache, and so trains for itself.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2

from pipeline import lineage
from pipeline.metadata import connection_config, open_store
from pipeline.placement import STEPS
from pipeline.settings import PROJECT, load_settings
from tests.containers.database import PASSWORD, USER, mariadb
from tests.containers.run import PASSWORD_ENV, check, write_gate
from tests.end_to_end.workbench import TAGGING

INPUT, COMPLETE = metadata_store_pb2.Event.INPUT, metadata_store_pb2.Execution.COMPLETE
RUNS = ("one", "two", "three", "four")
LAUNCHER = """
import sys
from pipeline.run_node import main
settings, run_id, *nodes = sys.argv[1:]
for node in nodes:
    code = main(["--settings", settings, "--run-id", run_id, "--node", node])
    if code:
        sys.exit(f"{node}: {code}")
"""


def main() -> int:
    """Runs it; answers 0, or stops at what is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.containers.four_runs", description=__doc__)
    parser.add_argument("folder", type=Path, help="made anew")
    folder = parser.parse_args().folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    catalog = TAGGING.make_library(folder / "library")
    schemas = folder / "schemas"
    schemas.mkdir()
    shutil.copy(PROJECT / "schemas" / "tagging" / "builtin" / "schema.pbtxt", schemas)
    (schemas / "tags.yaml").write_text(yaml.safe_dump({"tags": list(TAGGING.tags)}))
    write_gate(schemas, dict(TAGGING.gate))
    os.environ[PASSWORD_ENV] = PASSWORD
    with mariadb(folder) as database:
        database.create("dacapo")
        metadata = {"store": "mysql", "host": "127.0.0.1", "port": database.port, "user": USER}
        given = {
            "library": "tiny",
            "home": folder / "home",
            "catalog": catalog,
            "schemas": schemas,
            "metadata": metadata,
        }
        settings = load_settings(given, TAGGING.training)
        started = time.monotonic()
        command = [sys.executable, "-c", LAUNCHER, settings.model_dump_json(exclude_none=True)]
        running = {run_id: subprocess.Popen([*command, run_id, *STEPS], cwd=PROJECT) for run_id in RUNS}
        ended = {run_id: process.wait() for run_id, process in running.items()}
        print(f"{len(RUNS)} runs at once: {time.monotonic() - started:.0f} s")
        check(set(ended.values()) == {0}, f"all ended well: {ended}")
        runs = {run.run_id: run for run in lineage.runs(open_store(connection_config(settings)))}
        check(set(runs) == set(RUNS), "ML Metadata knows the four runs")
        check({run.verdict for run in runs.values()} == {"pushed"}, "every run's model passed the gate and was pushed")
        for run in runs.values():
            files = (run.evaluation, run.statistics, run.anomalies, run.report, run.approval)
            check(all(path is not None and path.is_dir() for path in files), f"{run.run_id}: every artifact is there")
        check_lineage(open_store(connection_config(settings)))
        finished = list((folder / "home" / "checkpoints").rglob("finished.npz"))
        print(f"   trainings: {len(finished)}; versions: {len({run.version for run in runs.values()})}")
    print("all as it should be")
    return 0


def check_lineage(store: metadata_store.MetadataStore) -> None:
    """Nothing was written by two runs, and nothing was read of another run but what a resolver had chosen."""
    types = {kind.id: kind.name for kind in store.get_execution_types()}
    writers: dict[int, set[str]] = {}
    for context in store.get_contexts_by_type("pipeline_run"):
        executions = {execution.id: execution for execution in store.get_executions_by_context(context.id)}
        resolvers = {key for key, execution in executions.items() if types[execution.type_id].endswith("Resolver")}
        events = store.get_events_by_execution_ids(list(executions))
        own = {event.artifact_id for event in events if event.type in lineage.OUTPUT_EVENTS}
        read = [event for event in events if event.type == INPUT and event.execution_id not in resolvers]
        foreign = {event.artifact_id for event in read} - own
        check(bool(read) and not foreign, f"{context.name}: {len(read)} inputs, each of this run (foreign: {foreign})")
        for event in events:
            state = executions[event.execution_id].last_known_state
            if event.type in lineage.OUTPUT_EVENTS and event.execution_id not in resolvers and state == COMPLETE:
                writers.setdefault(event.artifact_id, set()).add(context.name)
    shared = sorted(artifact for artifact, names in writers.items() if len(names) > 1)
    check(bool(writers) and not shared, f"{len(writers)} artifacts, each written by one run (shared: {shared})")


if __name__ == "__main__":
    sys.exit(main())
