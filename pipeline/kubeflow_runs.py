"""Runs and schedules on Kubeflow Pipelines: start, follow, list, stop."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.kubeflow_client import ENDED, Client, Cluster, KubeflowAway, KubeflowError, asking, not_kubeflow
from pipeline.kubeflow_package import Package

PATIENCE_S = 600.0
"""How long Kubeflow Pipelines may be away before waiting for a run is given up; the run itself goes on."""
NEWEST = 20
CRON_FIELD = re.compile(r"[0-9A-Za-z*?/,-]+")


class NotACron(KubeflowError):
    """A time table that is none."""


@dataclass(frozen=True)
class Placed:
    """What ``submit`` and ``schedule`` say beside the pipeline.

    Attributes
    ----------
    parameters : of the pipeline.
    experiment : under which runs are listed.
    pipeline_root : where Kubeflow keeps metrics and pages; None: as it is set up.
    service_account : of the steps' pods.
    """

    parameters: dict[str, Any]
    experiment: str
    pipeline_root: str | None
    service_account: str | None


@dataclass(frozen=True)
class RunState:
    """A run as Kubeflow Pipelines sees it.

    Attributes
    ----------
    id, name, state : of the run.
    created, finished : None where it is not known or not yet.
    steps : node -> state, in order of their start.
    error : what it says went wrong; may be empty.
    """

    id: str
    name: str
    state: str
    created: datetime | None
    finished: datetime | None
    steps: dict[str, str] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Schedule:
    """A recurring run.

    Attributes
    ----------
    id, name, cron, enabled : of the schedule.
    """

    id: str
    name: str
    cron: str
    enabled: bool


def submit(client: Client, cluster: Cluster, package: Package, placed: Placed, name: str) -> str:
    """Starts a run; answers its id.

    Raises
    ------
    KubeflowError
        As for all calls here: as within `asking`, and if the answer has no id, so that whoever answered is another.
    """
    with asking(cluster):
        result = client.create_run_from_pipeline_package(
            str(package.path),
            arguments=placed.parameters,
            run_name=name,
            experiment_name=placed.experiment,
            namespace=cluster.namespace,
            pipeline_root=placed.pipeline_root,
            service_account=placed.service_account,
        )
    return _id(cluster, "run", result.run_id)


def state_of(client: Client, cluster: Cluster, run_id: str) -> RunState:
    """A run and its steps."""
    with asking(cluster):
        run = client.get_run(run_id)
    _id(cluster, "run", run.run_id)
    return _state(run)


def follow(
    client: Client,
    cluster: Cluster,
    run_id: str,
    say: Callable[[str, str], None],
    *,
    poll_s: float = 10.0,
    timeout_s: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> RunState:
    """Waits until a run has ended.

    ``kfp.Client.wait_for_run_completion`` is not used: it never ends where a run was cancelled.

    Parameters
    ----------
    say : called with node and state whenever a state is new.
    poll_s : seconds between two looks.
    timeout_s : after which waiting is given up; the run goes on.
    sleep : waits for some seconds.

    Raises
    ------
    KubeflowError
        If Kubeflow Pipelines was away for ten minutes, or the time is up.
    """
    shown: dict[str, str] = {}
    started = answered = time.monotonic()
    while True:
        try:
            state = state_of(client, cluster, run_id)
            answered = time.monotonic()
        except KubeflowAway:
            if time.monotonic() - answered > PATIENCE_S:
                raise
        else:
            for step, now in state.steps.items():
                if shown.get(step) != now:
                    say(step, now)
            shown = state.steps
            if state.state in ENDED:
                return state
        if timeout_s is not None and time.monotonic() - started > timeout_s:
            raise KubeflowError(f"run {run_id} has not ended after {timeout_s:g} s; it goes on: dacapo status {run_id}")
        sleep(poll_s)


def newest_runs(client: Client, cluster: Cluster) -> list[RunState]:
    """The newest runs, newest first."""
    with asking(cluster):
        answer = client.list_runs(page_size=NEWEST, sort_by="created_at desc", namespace=cluster.namespace)
    return [_state(run) for run in answer.runs or ()]


def schedule(client: Client, cluster: Cluster, package: Package, placed: Placed, name: str, cron: str) -> str:
    """Makes a recurring run, one at a time and without catching up; answers its id.

    Raises
    ------
    NotACron
        If `cron` is no time table.
    KubeflowError
        If there is a schedule of this name.
    """
    table = six_fields(cron)
    if there := [entry for entry in schedules(client, cluster) if entry.name == name]:
        raise KubeflowError(f"there is a schedule {name} ({there[0].cron}): take it away with dacapo unschedule {name}")
    with asking(cluster):
        experiment = client.create_experiment(placed.experiment, namespace=cluster.namespace)
        answer = client.create_recurring_run(
            experiment.experiment_id,
            name,
            cron_expression=table,
            max_concurrency=1,
            no_catchup=True,
            params=placed.parameters,
            pipeline_package_path=str(package.path),
            pipeline_root=placed.pipeline_root,
            service_account=placed.service_account,
        )
    return _id(cluster, "schedule", answer.recurring_run_id)


def schedules(client: Client, cluster: Cluster) -> list[Schedule]:
    """All recurring runs."""
    return list(_schedules(client, cluster))


def unschedule(client: Client, cluster: Cluster, name: str) -> int:
    """Takes away the recurring runs called `name`, or of this id; answers how many there were.

    Raises
    ------
    KubeflowError
        If there is none.
    """
    found = [entry for entry in schedules(client, cluster) if name in (entry.name, entry.id)]
    if not found:
        known = ", ".join(sorted({entry.name for entry in schedules(client, cluster)})) or "none"
        raise KubeflowError(f"there is no schedule {name} (there are: {known})")
    for entry in found:
        with asking(cluster):
            client.delete_recurring_run(entry.id)
    return len(found)


def six_fields(cron: str) -> str:
    """`cron` with seconds in front, as Kubeflow Pipelines reads it; the five fields that everybody knows get ``0``.

    Raises
    ------
    NotACron
        If it has not five or six fields of digits, names, ``*``, ``?``, ``/``, ``,`` and ``-``.
    """
    fields = cron.split()
    if len(fields) not in (5, 6) or not all(CRON_FIELD.fullmatch(entry) for entry in fields):
        raise NotACron(f"cron={cron!r} is no time table such as '0 3 * * 1-5' (minute hour day month weekday)")
    return " ".join(fields if len(fields) == 6 else ["0", *fields])


def _id(cluster: Cluster, kind: str, found: str | None) -> str:
    """The id in an answer; JSON of somebody else has none."""
    if not found:
        raise not_kubeflow(cluster, f"answers with a {kind} that has no id")
    return found


def _schedules(client: Client, cluster: Cluster) -> Iterator[Schedule]:
    token = ""
    while True:
        with asking(cluster):
            answer = client.list_recurring_runs(page_token=token, page_size=100, namespace=cluster.namespace)
        for entry in answer.recurring_runs or ():
            cron = entry.trigger.cron_schedule if entry.trigger else None
            yield Schedule(
                id=entry.recurring_run_id,
                name=entry.display_name or "",
                cron=cron.cron if cron else "",
                enabled=entry.status != "DISABLED",
            )
        token = answer.next_page_token
        if not token:
            return


def _state(run: Any) -> RunState:
    tasks = list(run.run_details.task_details or ()) if run.run_details else []
    # Each step has two tasks of Kubeflow's beside its own, for driver and launcher, and the run has a root.
    own = [task for task in tasks if task.display_name and not task.display_name.endswith("-driver")]
    own.sort(key=lambda task: (task.start_time is None, task.start_time and task.start_time.timestamp()))
    error = run.error.message if run.error else ""
    return RunState(
        id=run.run_id,
        name=run.display_name or "",
        state=run.state or "PENDING",
        created=run.created_at,
        finished=run.finished_at if run.state in ENDED else None,
        steps={
            task.display_name: task.state or "PENDING" for task in own if task.display_name not in ("root", "executor")
        },
        error=" ".join(str(error or "").split()) if not isinstance(error, dict) else json.dumps(error),
    )
