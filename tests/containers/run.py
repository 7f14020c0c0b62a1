"""A whole pipeline from the compiled YAML, each step in a container of its own.

    python -m tests.containers.run FOLDER --image dacapo:cpu

Kubeflow's own local runner (``kfp.local``) starts the steps on the Docker engine of ``DOCKER_HOST``; metadata is in a
MariaDB server that is started for it, files are on one shared folder, and containers run as an ordinary user with a
read-only root and no capabilities. Four runs: one whose Trainer's container is killed, the same again under the same
run id (``kfp.local`` ignores retries, so the id is given), one with nothing changed, one whose model the gate blocks.
The image must hold the code that this module stands in.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import yaml
from kfp import components, local

from components.source_hash import source_hash
from pipeline import lineage
from pipeline.kubeflow_lint import lint_file
from pipeline.kubeflow_runner import compile_to, nodes
from pipeline.metadata import connection_config
from pipeline.placement import Placement
from pipeline.settings import PROJECT, Settings, load_settings
from tests.containers.database import PASSWORD, USER, mariadb
from tests.end_to_end.workbench import MINIMUM, TAGGING

MOUNT = Path("/dacapo")
PASSWORD_ENV = "DACAPO_METADATA_PASSWORD"
CONTAINER_USER = 10001
IMPOSSIBLE = {"floors": {"precision": 1.0, "recall": 1.0}, "drops": {"precision": 0.0, "recall": 0.0}}
UNTRAINED = {"train.steps": 30, "train.learning_rate": 1e-7}


@dataclass(frozen=True)
class Bench:
    """One compiled pipeline and what its containers see.

    Attributes
    ----------
    folder : of this machine that the containers see as ``/dacapo``.
    inside : settings as the containers have them.
    outside : the same with the paths of this machine.
    pipeline : the compiled YAML.
    """

    folder: Path
    inside: Settings
    outside: Settings
    pipeline: Path

    def run(self, run_id: str, **parameters: Any) -> bool:
        """Runs the pipeline under `run_id`; whether every step ended well."""
        component = components.load_component_from_file(str(self.pipeline))
        try:
            component(resume=run_id, **parameters)
        except RuntimeError as error:
            print(f"-- {run_id}: {' '.join(str(error).split())[:200]}")
            return False
        return True

    def lineage(self, run_id: str) -> lineage.Run:
        """The run in ML Metadata."""
        run = lineage.find_run(lineage.open_store(connection_config(self.outside)), run_id)
        check(run is not None, f"{run_id}: is in ML Metadata")
        assert run is not None
        return run

    def served(self) -> list[str]:
        """The served versions."""
        return sorted(path.name for path in (self.folder / "home" / "serving" / self.inside.name).glob("[0-9]*"))


def main() -> int:
    """Runs it all; answers 0, or stops at what is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.containers.run", description=__doc__)
    parser.add_argument(
        "folder", type=Path, help="made anew; shared with the containers, and pipeline and logs stay in it"
    )
    parser.add_argument("--image", default="dacapo:cpu")
    options = parser.parse_args()
    folder = options.folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ[PASSWORD_ENV] = PASSWORD
    client = docker.from_env()
    version = client.version()
    print(f"Docker {version['Version']}, image {options.image} {client.images.get(options.image).short_id}")
    with mariadb(folder) as database:
        database.create("dacapo")
        print(f"metadata: {database.sql('SELECT VERSION()').strip()}, database dacapo, empty")
        bench = prepare(folder / "shared", options.image, database.port)
        _kfp_local(bench)
        init = ["metadata", "init", "--host=127.0.0.1", f"--port={database.port}", f"--user={USER}"]
        said = client.containers.run(
            options.image, ["python", "-m", "pipeline", *init], **_container(bench), remove=True
        )
        print(said.decode().strip())
        scenarios(bench, client)
        check(not database.holds(PASSWORD), "the password is not in the database")
    print("all as it should be")
    return 0


def scenarios(bench: Bench, client: docker.DockerClient) -> None:
    """The runs and what is asked of them."""
    with timed("first, the Trainer's container killed after its first checkpoint"), killer(bench, client) as killed:
        check(not bench.run("first"), "the run failed with its Trainer")
    # Only here has the killer ended: on a busy machine the run may know of the kill before the killer does.
    check(killed.is_set(), "the Trainer's container was killed")
    check(bench.served() == [], "nothing is served")
    with timed("first again, under the same run id"):
        check(bench.run("first"), "the same YAML under the same run id ends well")
    first = bench.lineage("first")
    check(first.verdict == "pushed" and bench.served() == [first.version], f"version {first.version} is served")
    figures = list((bench.folder / "kfp").rglob("metrics"))
    check(any('"blessed": 1.0' in path.read_text() for path in figures), "Kubeflow got the verdict as metrics")
    check(any("<html" in path.read_text() for path in (bench.folder / "kfp").rglob("page")), "and an HTML page")
    with timed("second, nothing changed"):
        check(bench.run("second"), "it ends well")
    second = bench.lineage("second")
    check(second.executed == (), "every step was cached")
    check(bench.served() == [first.version], "and nothing was pushed")
    write_gate(bench.folder / "schemas", IMPOSSIBLE)
    with timed("third, untrained and with an impossible gate (blocked_model: fail)"):
        check(not bench.run("third", overrides=UNTRAINED), "the Pusher's step says that the model was blocked")
    third = bench.lineage("third")
    check(third.verdict == "not blessed" and bench.served() == [first.version], "the blocked model is not served")


def prepare(folder: Path, image: str, port: int) -> Bench:
    """Library, schemas and the compiled pipeline in `folder`."""
    TAGGING.make_library(folder / "library")
    schemas = folder / "schemas"
    schemas.mkdir()
    shutil.copy(PROJECT / "schemas" / "tagging" / "builtin" / "schema.pbtxt", schemas)
    (schemas / "tags.yaml").write_text(yaml.safe_dump({"tags": list(TAGGING.tags)}))
    write_gate(schemas, dict(TAGGING.gate))
    metadata = {"store": "mysql", "host": "127.0.0.1", "port": port, "user": USER}
    inside, outside = (
        load_settings(
            {
                "library": "tiny",
                "home": root / "home",
                "catalog": root / "library" / "catalog.csv",
                "schemas": root / "schemas",
                "metadata": metadata,
            },
            TAGGING.training,
        )
        for root in (MOUNT, folder)
    )
    placement = Placement.model_validate(
        {
            "image": image,
            "volumes": [{"claim": "dacapo", "mount": str(MOUNT)}],
            "secrets": [{"secret": "dacapo-metadata", "keys": {"password": PASSWORD_ENV}}],
            "blocked_model": "fail",
            "pools": {"cpu": {"node_selector": {"dacapo.music/pool": "cpu"}}},
        }
    )
    path = compile_to(folder / "tagging-tiny.yaml", inside, placement, graph=nodes(outside))
    findings = [str(finding) for finding in lint_file(path)]
    check(findings == [], f"the lint finds nothing in {path.name}")
    tasks = next(yaml.safe_load_all(path.read_text()))["root"]["dag"]["tasks"]
    retried = [name for name, task in tasks.items() if task.get("retryPolicy", {}).get("maxRetryCount")]
    check(set(tasks) - set(retried) == {"pusher"}, f"{len(tasks)} steps, all but the Pusher with a retry policy")
    print(f"code {source_hash()}")
    for shared in ("home", "kfp", "workspace"):
        (folder / shared).mkdir()
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", f"{CONTAINER_USER}:{CONTAINER_USER}", str(folder)], check=True)
    return Bench(folder, inside, outside, path)


def write_gate(schemas: Path, gate: dict[str, Any]) -> None:
    """Writes ``gate.yaml``."""
    (schemas / "gate.yaml").write_text(yaml.safe_dump({"minimum": MINIMUM} | gate))


def _container(bench: Bench) -> dict[str, Any]:
    """How containers run: as on Kubernetes, as far as an engine alone can."""
    user = CONTAINER_USER if os.getuid() == 0 else os.getuid()
    return {
        "mounts": [docker.types.Mount(str(MOUNT), str(bench.folder), type="bind")],
        "network_mode": "host",
        "environment": {PASSWORD_ENV: PASSWORD},
        "user": f"{user}:{user}",
        "read_only": True,
        "tmpfs": {"/tmp": "size=2g"},
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
    }


def _kfp_local(bench: Bench) -> None:
    runner = local.DockerRunner(**_container(bench))
    roots = {"pipeline_root": str(bench.folder / "kfp"), "workspace_root": str(bench.folder / "workspace")}
    local.init(runner=runner, raise_on_error=True, **roots)


@contextlib.contextmanager
def killer(bench: Bench, client: docker.DockerClient) -> Iterator[threading.Event]:
    """Kills the Trainer's container as soon as there is a checkpoint, once."""
    killed, over = threading.Event(), threading.Event()

    def watch() -> None:
        while not over.wait(0.05) and not killed.is_set():
            if list((bench.folder / "home" / "checkpoints").rglob("step-*.npz")):
                for container in client.containers.list():
                    if "Trainer" in container.attrs["Config"]["Cmd"]:
                        container.kill()
                        killed.set()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    """Says what runs, and how long it took."""
    print(f"== {what}", flush=True)
    started = time.monotonic()
    yield
    print(f"== {time.monotonic() - started:.0f} s", flush=True)


def check(holds: bool, what: str, fail: Callable[[str], Any] = sys.exit) -> None:
    """Says what was asked, and stops where it does not hold."""
    print(f"   {'ok' if holds else 'NOT SO'}: {what}", flush=True)
    if not holds:
        fail(f"not so: {what}")


if __name__ == "__main__":
    sys.exit(main())
