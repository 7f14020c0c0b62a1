"""``dacapo run``: opens the log before anything heavy is loaded, and hands over."""

from pathlib import Path

from pipeline.console import quiet
from pipeline.own_catalog import open_own_catalog
from pipeline.settings import Settings
from pipeline.titles import pipeline_title


def log_path(settings: Settings) -> Path:
    """Where the output of the libraries goes in runs of this pipeline."""
    return settings.home / "logs" / f"{settings.name}.log"


def run(settings: Settings, *, verbose: bool) -> int:
    """Retrains and reports on the terminal.

    Parameters
    ----------
    settings : validated settings.
    verbose : show what the libraries say instead of writing it to the log.

    Returns
    -------
    int
        The exit code, see :class:`pipeline.retrain.Exit`.

    Raises
    ------
    CatalogError
        If the catalog cannot be opened, or is of another library.
    """
    with quiet(log_path(settings), verbose=verbose) as console:
        open_own_catalog(settings)  # what is wrong with it is said before anything heavy is loaded
        console.print(f"{pipeline_title(settings.name)}: loading TensorFlow Extended")
        from pipeline.session import session

        return session(settings, console, None if verbose else log_path(settings))
