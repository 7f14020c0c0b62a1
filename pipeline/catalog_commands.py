"""``dacapo catalog``: make, import and check catalogs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from audio.errors import DaCapoError
from pipeline.settings import HOME


class TestSplit(StrEnum):
    """The splits that a published test split can become."""

    EVAL = "eval"
    TEST = "test"


catalog_app = typer.Typer(
    help="Make, import and check the catalog of a library.", no_args_is_help=True, rich_markup_mode=None
)
build_app = typer.Typer(help="Make a library and its catalog.", no_args_is_help=True, rich_markup_mode=None)
import_app = typer.Typer(
    help="Write a catalog for a published data set on this disk.", no_args_is_help=True, rich_markup_mode=None
)
catalog_app.add_typer(build_app, name="build")
catalog_app.add_typer(import_app, name="import")

TestSplitOption = Annotated[
    TestSplit, typer.Option(help="What the published test split becomes: eval, which the gate judges on, or test.")
]
SeedOption = Annotated[
    int, typer.Option(help="Of everything that is drawn: the same seed makes the same files.", min=0)
]
HomeOption = Annotated[Path, typer.Option(help="Folder of catalogs, metadata, checkpoints, logs and served models.")]


def build_builtin_catalog(home: Path) -> Path:
    """Makes the built-in synthetic library in `home` if it is not there, with a progress bar; answers its catalog."""
    from catalog.builtin import build_builtin

    with _progress("built-in library (synthetic)") as advance:
        return build_builtin(home / "catalogs" / "builtin", progress=advance)


def build_derived_catalogs(home: Path, library: str, *, seed: int = 0) -> list[Path]:
    """Makes what the other tasks learn from out of a library in `home`, where it is not there; answers the catalogs."""
    return [make(home / "catalogs" / library / "catalog.csv", seed) for make in (_damaged, _noisy)]


def _damaged(source: Path, seed: int) -> Path:
    from catalog.damage import build_damaged

    with _progress(f"damaged recordings of {source.parent.name}") as advance:
        return build_damaged(source, seed=seed, progress=advance)


def _noisy(source: Path, seed: int, noises: Path | None = None) -> Path:
    from catalog.noise import build_noisy

    with _progress(f"noisy recordings of {source.parent.name}") as advance:
        return build_noisy(source, noises=noises, seed=seed, progress=advance)


@build_app.command("builtin")
def builtin(home: HomeOption = HOME) -> None:
    """The built-in library: synthetic songs with stems, lyrics and word times, made in under a minute."""
    with _errors():
        path = build_builtin_catalog(home)
    typer.echo(f"{path}\nNext: ./dacapo run tagging --library builtin")


@build_app.command("debian")
def debian(
    minutes: Annotated[
        float | None, typer.Option(help="Stop after about this much music; by default all there is.")
    ] = None,
    home: HomeOption = HOME,
) -> None:
    """Real recordings from Debian's free music packages, fetched with apt and without root."""
    from catalog.debian import build_debian

    with _errors(), _progress("Debian's music packages") as advance:
        path = build_debian(home / "catalogs" / "debian", minutes=minutes, progress=advance, say=typer.echo)
    typer.echo(f"{path}\nNext: ./dacapo run tagging --library debian --profile full")


@import_app.command("magnatagatune")
def magnatagatune(
    source: Annotated[Path, typer.Argument(help="Folder of annotations_final.csv and the mp3 folders 0 to f.")],
    test_split: TestSplitOption = TestSplit.EVAL,
) -> None:
    """MagnaTagATune in its published layout; writes catalog.csv into the folder."""
    from catalog.magnatagatune import import_magnatagatune

    with _errors():
        typer.echo(str(import_magnatagatune(source, test_split=test_split.value)))


@import_app.command("mtg-jamendo")
def mtg_jamendo(
    source: Annotated[Path, typer.Argument(help="Folder of the audio (00 to 99) and of data/ with the TSV files.")],
    subset: Annotated[str, typer.Option(help="The TSV to read, such as autotagging_moodtheme.")] = "autotagging",
    split: Annotated[int, typer.Option(help="The published split, 0 to 4.", min=0, max=4)] = 0,
    test_split: TestSplitOption = TestSplit.EVAL,
) -> None:
    """MTG-Jamendo in its published layout; writes catalog.csv into the folder."""
    from catalog.mtg_jamendo import import_mtg_jamendo

    with _errors():
        typer.echo(str(import_mtg_jamendo(source, subset=subset, split=split, test_split=test_split.value)))


@catalog_app.command("damage")
def damage(
    library: Annotated[str, typer.Argument(help="A library in the home folder: its catalog.csv is read.")] = "builtin",
    catalog: Annotated[Path | None, typer.Option(help="Another catalog to read.")] = None,
    seed: SeedOption = 0,
    home: HomeOption = HOME,
) -> None:
    """Break recordings the way networks and codecs do: damaged.csv and its audio beside the catalog, for defects."""
    with _errors():
        path = _damaged(catalog or home / "catalogs" / library / "catalog.csv", seed)
    typer.echo(f"{path}\nNext: ./dacapo run defects --library {library}")


@catalog_app.command("noise")
def noise(
    library: Annotated[str, typer.Argument(help="A library in the home folder: its catalog.csv is read.")] = "builtin",
    catalog: Annotated[Path | None, typer.Option(help="Another catalog to read.")] = None,
    noises: Annotated[Path | None, typer.Option(help="Catalog of real noise recordings to mix in as well.")] = None,
    seed: SeedOption = 0,
    home: HomeOption = HOME,
) -> None:
    """Mix noise into recordings at drawn levels: noisy.csv and its audio beside the catalog, for restoration."""
    with _errors():
        path = _noisy(catalog or home / "catalogs" / library / "catalog.csv", seed, noises)
    typer.echo(f"{path}\nNext: ./dacapo run restoration --library {library}")


@catalog_app.command("check")
def check(path: Annotated[Path, typer.Argument(help="A catalog, CSV or Parquet.")]) -> None:
    """Check every row of a catalog; one line for each wrong cell, exit code 2 if there is one."""
    from catalog.format import Problem, open_catalog

    rows = problems = 0
    with _errors():
        for row in open_catalog(path).rows(check_files=True):
            if isinstance(row, Problem):
                problems += 1
                typer.echo(str(row))
            else:
                rows += 1
    typer.echo(f"{path}: {rows} recordings, {problems} problems")
    raise typer.Exit(2 if problems else 0)


@contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(highlight=False)) as progress:
        bar = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except DaCapoError as error:
        typer.echo(f"dacapo: {error}", err=True)
        raise typer.Exit(2) from error
