"""``dacapo compile``, ``submit``, ``schedule``, ``unschedule``, ``status`` and ``metadata init``."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from audio.errors import DaCapoError
from pipeline.console import WIDTH, quiet
from pipeline.settings import load_settings
from pipeline.terminal import one_line_errors, typed

if TYPE_CHECKING:
    from pipeline.kubeflow_client import Cluster

CLUSTER_HOME = Path("/dacapo")
FAILED = 1

metadata_app = typer.Typer(help="The ML Metadata store of a cluster.", no_args_is_help=True, rich_markup_mode=None)

Pipeline = Annotated[Path, typer.Argument(help="File that 'dacapo compile' wrote.")]
Endpoint = Annotated[
    str | None,
    typer.Option(envvar="DACAPO_KFP_ENDPOINT", help="URL of Kubeflow Pipelines, or of a port-forward to it."),
]
Namespace = Annotated[
    str | None, typer.Option(envvar="DACAPO_KFP_NAMESPACE", help="Only where Kubeflow Pipelines serves several users.")
]
Authority = Annotated[
    Path | None,
    typer.Option(envvar="DACAPO_KFP_CA", help="Certificate authority of the endpoint; by default the system's."),
]
Root = Annotated[
    str | None,
    typer.Option(envvar="DACAPO_KFP_PIPELINE_ROOT", help="Where Kubeflow keeps metrics and pages: gs, s3 or minio."),
]
Account = Annotated[str | None, typer.Option(help="Service account of the steps.")]
Experiment = Annotated[str, typer.Option(help="Under which Kubeflow lists the runs.")]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A parameter of the run form, such as steps=400."),
]


def register(app: typer.Typer) -> None:
    """Adds the commands of this module to `app`."""
    for name, command in (
        ("compile", compile_),
        ("submit", submit),
        ("schedule", schedule),
        ("unschedule", unschedule),
        ("status", status),
    ):
        app.command(name)(command)
    app.add_typer(metadata_app, name="metadata")


def compile_(
    task: Annotated[str, typer.Argument(help="The task to retrain.")] = "tagging",
    output: Annotated[Path | None, typer.Option(help="File to write; by default <task>-<library>.yaml here.")] = None,
    library: Annotated[
        str, typer.Option(help="Names the catalog, as its header does, and the folder under schemas/<task>.")
    ] = "builtin",
    profile: Annotated[str, typer.Option(help="Default of the run form.")] = "full",
    catalog: Annotated[Path | None, typer.Option(help="Default of the run form; a path in the containers.")] = None,
    warm_start: Annotated[str | None, typer.Option(help="Default of the run form.")] = None,
    home: Annotated[
        Path, typer.Option(help="Home folder in the containers, on a volume of the placement.")
    ] = CLUSTER_HOME,
    placement: Annotated[Path | None, typer.Option(help="By default kubeflow/placement.yaml.")] = None,
    image: Annotated[str | None, typer.Option(help="Image of the steps, in place of the placement's.")] = None,
    gpu_image: Annotated[str | None, typer.Option(help="Image on GPUs, in place of the placement's.")] = None,
    assignments: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting.")] = None,
) -> None:
    """Compile one task's graph for Kubeflow Pipelines: pipeline spec and Kubernetes platform spec in one YAML file."""
    from pipeline.placement import PLACEMENT, load_placement

    with _errors():
        given = {"task": task, "library": library, "profile": profile, "catalog": catalog, "warm_start": warm_start}
        settings = load_settings(given | {"home": home, "metadata": {"store": "mysql"}}, assignments or ())
        placed = load_placement(placement or PLACEMENT, image=image, gpu_image=gpu_image)
        path = output or Path(f"{task}-{library}.yaml")
        with quiet(Path(os.devnull), verbose=False):
            from components.source_hash import source_hash
            from pipeline.kubeflow_lint import lint_file
            from pipeline.kubeflow_runner import compile_to

            compile_to(path, settings, placed)
            findings = lint_file(path)
            code = source_hash()
    for finding in findings:
        typer.echo(f"dacapo: {path}: {finding}", err=True)
    if findings:
        raise typer.Exit(2)
    images = ", ".join(filter(None, (placed.image, placed.gpu_image and f"on GPUs {placed.gpu_image}")))
    typer.echo(f"{path}: {images}, code {code}\nNext: {typed('submit', path, '--wait')}")


def submit(
    pipeline: Pipeline,
    parameters: Parameters = None,
    name: Annotated[str | None, typer.Option(help="Of the run; by default pipeline and time.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until the run has ended; exit code 1 if it failed.")] = False,
    timeout: Annotated[float | None, typer.Option(help="Seconds that --wait waits at most.")] = None,
    poll: Annotated[float, typer.Option(help="Seconds between two looks of --wait.", min=0.05)] = 10.0,
    endpoint: Endpoint = None,
    namespace: Namespace = None,
    ca: Authority = None,
    pipeline_root: Root = None,
    service_account: Account = "dacapo-step",
    experiment: Experiment = "dacapo",
) -> None:
    """Start a run of a compiled pipeline on Kubeflow Pipelines. The token is read from DACAPO_KFP_TOKEN."""
    with _errors():
        from pipeline import kubeflow_runs as runs
        from pipeline.kubeflow_client import connect
        from pipeline.kubeflow_package import open_package

        package = open_package(pipeline)
        values = package.run_values(parameters or (), pipeline_root)
        placed = runs.Placed(values, experiment, pipeline_root, service_account)
        cluster = _cluster(endpoint, namespace, ca)
        client = connect(cluster)
        run_name = name or f"{package.name} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
        run_id = runs.submit(client, cluster, package, placed, run_name)
        typer.echo(f"{run_name}: run {run_id}")
        if not wait:
            typer.echo(f"Next: ./dacapo status {run_id}")
            return
        said = lambda step, state: typer.echo(f"  {step:<24}{state.lower():>12}")  # noqa: E731
        state = runs.follow(client, cluster, run_id, said, poll_s=poll, timeout_s=timeout)
    typer.echo(f"{run_name}: {state.state.lower()}{': ' + state.error if state.error else ''}")
    raise typer.Exit(0 if state.state == "SUCCEEDED" else FAILED)


def schedule(
    pipeline: Pipeline,
    cron: Annotated[str, typer.Option(help="Minute, hour, day, month, weekday: '0 3 * * 1-5'; UTC.")],
    parameters: Parameters = None,
    name: Annotated[str | None, typer.Option(help="Of the schedule; by default the pipeline's.")] = None,
    endpoint: Endpoint = None,
    namespace: Namespace = None,
    ca: Authority = None,
    pipeline_root: Root = None,
    service_account: Account = "dacapo-step",
    experiment: Experiment = "dacapo",
) -> None:
    """Retrain on a time table. One run at a time; runs that were missed are not made up for."""
    with _errors():
        from pipeline import kubeflow_runs as runs
        from pipeline.kubeflow_client import connect
        from pipeline.kubeflow_package import open_package

        table = runs.six_fields(cron)
        package = open_package(pipeline)
        values = package.run_values(parameters or (), pipeline_root)
        placed = runs.Placed(values, experiment, pipeline_root, service_account)
        cluster = _cluster(endpoint, namespace, ca)
        title = name or package.name
        made = runs.schedule(connect(cluster), cluster, package, placed, title, cron)
    typer.echo(f"{title}: schedule {made}, cron {table}\nNext: ./dacapo status")


def unschedule(
    name: Annotated[str, typer.Argument(help="Name or id of the schedule.")],
    endpoint: Endpoint = None,
    namespace: Namespace = None,
    ca: Authority = None,
) -> None:
    """Take a schedule away; runs that it has started go on."""
    with _errors():
        from pipeline import kubeflow_runs as runs
        from pipeline.kubeflow_client import connect

        cluster = _cluster(endpoint, namespace, ca)
        count = runs.unschedule(connect(cluster), cluster, name)
    typer.echo(f"{name}: {count} taken away")


def status(
    run_id: Annotated[str | None, typer.Argument(help="One run with its steps; by default the newest runs.")] = None,
    endpoint: Endpoint = None,
    namespace: Namespace = None,
    ca: Authority = None,
) -> None:
    """What runs on Kubeflow Pipelines, and what is scheduled."""
    with _errors():
        from pipeline import kubeflow_runs as runs
        from pipeline.kubeflow_client import KubeflowError, connect

        if run_id is not None and not run_id.strip():
            raise KubeflowError(f"run id={run_id!r} is empty; dacapo status without one lists the newest runs")
        cluster = _cluster(endpoint, namespace, ca)
        client = connect(cluster)
        console = Console(highlight=False, width=WIDTH)
        if run_id is not None:
            state = runs.state_of(client, cluster, run_id)
            console.print(_table(("step", "state"), [(step, now.lower()) for step, now in state.steps.items()]))
            typer.echo(f"{state.name}: {state.state.lower()}{': ' + state.error if state.error else ''}")
            return
        rows = [
            (r.name, r.id, r.state.lower(), _time(r.created), _time(r.finished))
            for r in runs.newest_runs(client, cluster)
        ]
        console.print(_table(("name", "run", "state", "created (UTC)", "finished (UTC)"), rows))
        entries = runs.schedules(client, cluster)
    if entries:
        rows = [(e.name, e.id, e.cron, "on" if e.enabled else "off", "") for e in entries]
        console.print(_table(("schedule", "id", "cron (UTC)", "", ""), rows))


@metadata_app.command("init")
def metadata_init(
    host: Annotated[
        str | None, typer.Option(envvar="DACAPO_METADATA_HOST", help="Of MySQL; none: SQLite in --home.")
    ] = None,
    port: Annotated[int, typer.Option(envvar="DACAPO_METADATA_PORT")] = 3306,
    database: Annotated[str, typer.Option(envvar="DACAPO_METADATA_DATABASE")] = "dacapo",
    user: Annotated[str, typer.Option(envvar="DACAPO_METADATA_USER")] = "dacapo",
    home: Annotated[Path, typer.Option(help="Home folder, for SQLite.")] = CLUSTER_HOME,
) -> None:
    """Make the tables of ML Metadata if they are not there. The password is read from DACAPO_METADATA_PASSWORD."""
    with _errors():
        if host is None and home == CLUSTER_HOME and not home.is_dir():
            raise DaCapoError(f"home={str(home)!r} is no folder: give --host, or --home of a folder for SQLite")
        mysql = {"store": "mysql", "host": host, "port": port, "database": database, "user": user}
        settings = load_settings({"home": home, "metadata": mysql if host else {"store": "sqlite"}})
        with quiet(Path(os.devnull), verbose=False):
            from pipeline.metadata import create_tables

            where = create_tables(settings)
    typer.echo(f"{where}: the tables of ML Metadata are there")


def _cluster(endpoint: str | None, namespace: str | None, ca: Path | None) -> "Cluster":
    from pipeline.kubeflow_client import ENDPOINT, TOKEN, Cluster, KubeflowError

    if not endpoint:
        raise KubeflowError(f"where is Kubeflow Pipelines? set {ENDPOINT}, or give --endpoint")
    if not endpoint.startswith(("http://", "https://")):
        raise KubeflowError(
            f"endpoint={endpoint!r} is no URL: write https://... (http://localhost:... for a port-forward)"
        )
    if ca is not None and not ca.is_file():
        raise KubeflowError(f"ca={str(ca)!r} is no file")
    token = os.environ.get(TOKEN, "").strip()  # a file's, from which it mostly comes, ends in a new line
    if not all("!" <= letter <= "~" for letter in token):
        raise KubeflowError(f"{TOKEN} holds no token: a blank, a new line or a letter that no header takes is in it")
    return Cluster(endpoint.rstrip("/"), token or None, namespace or None, ca)


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*map(escape, row))  # names are whatever somebody typed
    return table


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment else ""


@contextmanager
def _errors() -> Iterator[None]:
    with one_line_errors():
        try:
            yield
        except DaCapoError as error:
            from pipeline.kubeflow_client import KubeflowAway

            if not isinstance(error, KubeflowAway):
                raise
            typer.echo(f"dacapo: {error}", err=True)
            raise typer.Exit(FAILED) from error
