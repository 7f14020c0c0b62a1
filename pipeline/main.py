"""The command line ``dacapo``; heavy libraries are loaded by the commands that need them, so ``--help`` is quick."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline import kubeflow_commands
from pipeline.catalog_commands import catalog_app
from pipeline.settings import HOME, Settings, load_settings
from pipeline.terminal import STOPPED, HomeOption, absolute_path, one_line_errors, typed
from trainers.task import TASKS

BUILTIN = "builtin"
EPILOG = "Exit codes of run and demo: 0 served, 3 trained but not blessed, 2 bad input or findings, 1 failure."

app = typer.Typer(
    name="dacapo",
    help="Da Capo retrains the models of a music library behind a quality gate.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(catalog_app, name="catalog")

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Any setting, for example train.steps=200 or ingest.descriptors=all."
    ),
]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Show everything that TensorFlow, Beam and TFX say.")]


@app.command(epilog=EPILOG)
def run(
    task: Annotated[
        str, typer.Argument(help="The task to retrain: tagging, separation, defects or restoration.")
    ] = "tagging",
    library: Annotated[
        str, typer.Option(help="Names the catalog, as its header does, and the folder under schemas/<task>.")
    ] = BUILTIN,
    profile: Annotated[str, typer.Option(help="quick (minutes on a laptop) or full.")] = "quick",
    catalog: Annotated[
        Path | None, typer.Option(help="Catalog file; by default the one that 'catalog build' made.")
    ] = None,
    schemas: Annotated[Path | None, typer.Option(help="Folder of schema.pbtxt, gate.yaml and tags.yaml.")] = None,
    warm_start: Annotated[
        str | None, typer.Option(help="none, latest, a served version, or musicnn (tagging).")
    ] = None,
    home: HomeOption = HOME,
    assignments: SetOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Retrain one task on one library: from the catalog to a served model.

    Nothing that has not changed runs again: a second run with nothing touched takes seconds and pushes nothing.

    \b
    Examples:
      ./dacapo run tagging --library builtin
      ./dacapo run tagging --library debian --profile full --warm-start latest
    """  # noqa: D301 (\b is click's: the lines under it stay as they are)
    with one_line_errors():
        settings = load_settings(
            {
                "task": task,
                "library": library,
                "profile": profile,
                "catalog": catalog,
                "schemas": schemas,
                "warm_start": warm_start,
                "home": home,
            },
            assignments or (),
        )
        code = _run(settings, verbose=verbose)
    raise typer.Exit(code)


@app.command(epilog=EPILOG)
def demo(home: HomeOption = HOME, verbose: VerboseOption = False) -> None:
    """Make the built-in synthetic library and retrain all four tasks on it (what 'make demo' does)."""
    from pipeline.catalog_commands import build_builtin_catalog, build_derived_catalogs

    with one_line_errors():
        settings = [load_settings({"task": task, "home": home}) for task in TASKS]
        build_builtin_catalog(home)
        build_derived_catalogs(home, BUILTIN)
        codes = []
        for task in settings:
            codes.append(_run(task, verbose=verbose))
            if codes[-1] == STOPPED:
                raise typer.Exit(STOPPED)
    typer.echo(f"\nNext: {typed('runs', home=home)}")
    raise typer.Exit(next((code for code in codes if code), 0))


@app.command()
def runs(
    run_id: Annotated[str | None, typer.Argument(help="One run alone; by default all of them, newest last.")] = None,
    open_: Annotated[
        bool, typer.Option("--open", help="Write the run's data and evaluation as offline HTML and print where.")
    ] = False,
    home: HomeOption = HOME,
) -> None:
    """List past runs: verdict, duration, steps that ran, served version."""
    from pipeline import runs_command

    with one_line_errors():
        runs_command.show(home, run_id, pages=open_)


@app.command(epilog="Exit codes of scan: 0 done, 2 bad input or no recording could be answered, 1 failure.")
def scan(
    task: Annotated[
        str, typer.Argument(help="The task whose model answers: tagging, separation, defects, restoration.")
    ],
    library: Annotated[str, typer.Option(help="Library that the model learnt from.")] = BUILTIN,
    profile: Annotated[str, typer.Option(help="quick or full: of the model.")] = "quick",
    catalog: Annotated[
        Path | None, typer.Option(help="Catalog of the recordings; by default the one that the model learnt from.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Folder of an exported model; by default the newest that is served.", callback=absolute_path),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder of the answers; by default <home>/scans/<name>/<version>.", callback=absolute_path),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Only so many rows of the catalog, from the first.", min=1)] = None,
    home: HomeOption = HOME,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting that a scan reads, for example beam.workers=4."),
    ] = None,
    verbose: VerboseOption = False,
) -> None:
    """Answer every recording of a catalog with a model: a line of JSON each, and audio where the model makes some.

    A second scan answers only what is new or has changed; a killed one goes on where it was.

    \b
    Examples:
      ./dacapo scan tagging --library builtin
      ./dacapo scan separation --catalog my/catalog.csv --output my/stems
    """  # noqa: D301 (as above)
    from pipeline import scan_command

    with one_line_errors():
        names = {"task": task, "library": library, "profile": profile, "catalog": catalog, "home": home}
        settings = load_settings(names, assignments or ())
        scan_command.check_assignments(assignments or ())
        code = scan_command.scan(settings, model=model, output=output, limit=limit, verbose=verbose)
    raise typer.Exit(int(code))


kubeflow_commands.register(app)


def _run(settings: Settings, *, verbose: bool) -> int:
    from pipeline.run_command import run as run_settings

    return int(run_settings(settings, verbose=verbose))
