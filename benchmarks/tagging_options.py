"""What the commands on tagging take alike."""

from pathlib import Path
from typing import Annotated

import typer

CatalogOption = Annotated[Path | None, typer.Option(help="Catalog, for the licences in the caption.")]
CheckpointOption = Annotated[str, typer.Option(help="musicnn's weights: MTT_musicnn or MSD_musicnn.")]
PatchesOption = Annotated[int, typer.Option(min=1, help="3 s patches of a recording that musicnn hears at most.")]
ClusterOption = Annotated[str, typer.Option(help="What the bootstrap draws: artist or recording.")]
ResamplesOption = Annotated[int, typer.Option(min=1, help="Bootstrap samples.")]
OutputOption = Annotated[Path | None, typer.Option(help="Markdown file to write as well.")]


def check_cluster(cluster: str) -> None:
    """Refuse what the bootstrap cannot draw.

    Raises
    ------
    typer.BadParameter
        It is neither artist nor recording.
    """
    if cluster not in ("artist", "recording"):
        raise typer.BadParameter(f"--cluster {cluster}: artist or recording")
