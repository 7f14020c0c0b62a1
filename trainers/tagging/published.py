"""Where the weights lie that musicnn (Pons & Serra 2019, ISC) was published with: in its PyPI wheel."""

from importlib.metadata import version
from importlib.util import find_spec

from audio.errors import DaCapoError

MUSICNN = "musicnn"
# Trained on MagnaTagATune and on the Million Song Dataset.
CHECKPOINTS = ("MTT_musicnn", "MSD_musicnn")


def published_checkpoints() -> str:
    """The folder that holds a folder for each of `CHECKPOINTS`.

    The package itself is never imported: it needs TensorFlow 1 and turns eager execution off.

    Raises
    ------
    DaCapoError
        musicnn is not installed.
    """
    package = find_spec(MUSICNN)
    if package is None or not package.submodule_search_locations:
        raise DaCapoError(
            "warm_start='musicnn' needs the package musicnn, whose wheel carries the published weights: `make setup` "
            "brings it (the extra `musicnn` of pyproject.toml)"
        )
    return package.submodule_search_locations[0]


def package_version() -> str:
    """The release whose weights these are."""
    return version(MUSICNN)
