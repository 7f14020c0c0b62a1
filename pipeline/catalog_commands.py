"""``dacapo catalog``: make, import and check catalogs."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.import_commands import import_app
from pipeline.settings import HOME
from pipeline.terminal import HomeOption, absolute_path, one_line_errors, progress_bar, typed
from pipeline.titles import library_title

catalog_app = typer.Typer(
    help="Make, import and check the catalog of a library.", no_args_is_help=True, rich_markup_mode=None
)
build_app = typer.Typer(help="Make a library and its catalog.", no_args_is_help=True, rich_markup_mode=None)
catalog_app.add_typer(build_app, name="build")
catalog_app.add_typer(import_app, name="import")

SeedOption = Annotated[
    int, typer.Option(help="Of everything that is drawn: the same seed makes the same files.", min=0)
]
MinutesOption = Annotated[float | None, typer.Option(help="About so much audio at most.")]
ExcerptMinutesOption = Annotated[float | None, typer.Option(help="About so much audio in excerpts at most.")]
TrainingTakesOption = Annotated[
    int | None, typer.Option(min=1, help="Excerpts of each training recording; without, as many as of every other one.")
]
ValidationTakesOption = Annotated[
    int | None,
    typer.Option(min=1, help="Excerpts of each validation recording: on them thresholds are learnt."),
]
SoundMinutesOption = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        help="About so much at most of long validation recordings, whole and unbroken (without, 400, or as many as of "
        "excerpts): on them the detector learns how sure it has to be of an event.",
    ),
]
CatalogOption = Annotated[Path | None, typer.Option(help="Another catalog to read.", callback=absolute_path)]


def build_builtin_catalog(home: Path) -> Path:
    """Makes the built-in synthetic library in `home` if it is not there, with a progress bar; answers its catalog."""
    from catalog.builtin import build_builtin

    with progress_bar("built-in library (synthetic)") as advance:
        return build_builtin(home / "catalogs" / "builtin", progress=advance)


def build_derived_catalogs(home: Path, library: str, *, seed: int = 0) -> list[Path]:
    """Makes what the other tasks learn from out of a library in `home`, where it is not there; answers the catalogs."""
    return [make(home / "catalogs" / library / "catalog.csv", seed) for make in (_damaged, _noisy)]


def _damaged(source: Path, seed: int, **options: Any) -> Path:
    from catalog.damage import build_damaged

    return _derived("damaged", build_damaged, source, seed, **options)


def _noisy(source: Path, seed: int, **options: Any) -> Path:
    from catalog.noise import build_noisy

    return _derived("noisy", build_noisy, source, seed, **options)


def _derived(kind: str, build: Callable[..., Path], source: Path, seed: int, **options: Any) -> Path:
    with progress_bar(f"{kind} recordings of {library_title(source.parent.name)}") as advance:
        return build(source, seed=seed, progress=advance, say=typer.echo, **options)


@build_app.command("builtin")
def builtin(home: HomeOption = HOME) -> None:
    """The built-in library: synthetic songs with stems, lyrics and word times, made in under a minute."""
    with one_line_errors():
        _say_next("tagging", build_builtin_catalog(home), home)


@build_app.command("debian")
def debian(
    minutes: Annotated[
        float | None, typer.Option(help="Stop after about this much music; by default all there is.")
    ] = None,
    home: HomeOption = HOME,
) -> None:
    """Real recordings from Debian's free music packages, fetched with apt and without root."""
    from catalog.debian import build_debian

    with one_line_errors(), progress_bar("Debian's music packages") as advance:
        path = build_debian(home / "catalogs" / "debian", minutes=minutes, progress=advance, say=typer.echo)
    _say_next("tagging", path, home, "--profile", "full")


@build_app.command("debian-sources")
def debian_sources(home: HomeOption = HOME) -> None:
    """Voices, noises, two-track songs and assembled mixtures from Debian's packages, beside the music of 'debian'."""
    from catalog.debian import build_debian_sources

    with one_line_errors(), progress_bar("Debian's voices, noises and tracks") as advance:
        paths = build_debian_sources(home / "catalogs" / "debian", progress=advance, say=typer.echo)
    for path in paths:
        typer.echo(str(path))


@catalog_app.command("damage")
def damage(
    library: Annotated[str, typer.Argument(help="A library in the home folder: its catalog.csv is read.")] = "builtin",
    catalog: CatalogOption = None,
    minutes: ExcerptMinutesOption = None,
    training_takes: TrainingTakesOption = None,
    validation_takes: ValidationTakesOption = None,
    sound_minutes: SoundMinutesOption = None,
    seed: SeedOption = 0,
    home: HomeOption = HOME,
) -> None:
    """Break recordings the way networks and codecs do: damaged.csv and its audio beside the catalog, for defects."""
    with one_line_errors():
        source = catalog or home / "catalogs" / library / "catalog.csv"
        path = _damaged(
            source,
            seed,
            minutes=minutes,
            training_takes=training_takes,
            validation_takes=validation_takes,
            sound_minutes=sound_minutes,
        )
    _say_next("defects", path, home)


@catalog_app.command("noise")
def noise(
    library: Annotated[str, typer.Argument(help="A library in the home folder: its catalog.csv is read.")] = "builtin",
    catalog: CatalogOption = None,
    noises: Annotated[
        Path | None, typer.Option(help="Catalog of real noise recordings to mix in as well.", callback=absolute_path)
    ] = None,
    minutes: MinutesOption = None,
    training_takes: TrainingTakesOption = None,
    seed: SeedOption = 0,
    home: HomeOption = HOME,
) -> None:
    """Mix noise into recordings at drawn levels: noisy.csv and its audio beside the catalog, for restoration."""
    with one_line_errors():
        source = catalog or home / "catalogs" / library / "catalog.csv"
        path = _noisy(source, seed, minutes=minutes, training_takes=training_takes, noises=noises)
    _say_next("restoration", path, home)


@catalog_app.command("check")
def check(path: Annotated[Path, typer.Argument(help="A catalog, CSV or Parquet.")]) -> None:
    """Check every row of a catalog; one line for each wrong cell, exit code 2 if there is one."""
    from catalog.format import Problem, open_catalog
    from catalog.wording import counted

    rows = problems = 0
    with one_line_errors():
        catalog = open_catalog(path)
        for row in catalog.rows(check_files=True):
            if isinstance(row, Problem):
                problems += 1
                typer.echo(str(row))
            else:
                rows += 1
    counts = f"{counted(rows, 'recording')}, {counted(problems, 'problem')}"
    typer.echo(f"{path}: library {library_title(catalog.library)}, {counts}")
    raise typer.Exit(2 if problems else 0)


def _say_next(task: str, made: Path, home: Path, *options: str) -> None:
    """Prints the catalog that was `made`, and the command that retrains `task` on it."""
    from catalog.format import open_catalog

    library = open_catalog(made).library
    at_home = made.absolute() == (home / "catalogs" / library / made.name).absolute()
    where = () if at_home else ("--catalog", made)
    typer.echo(f"{made}\nNext: {typed('run', task, '--library', library, *where, *options, home=home)}")
