"""What the commands on tagging take alike."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from trainers.tagging.published import CHECKPOINTS


class Checkpoint(StrEnum):
    """musicnn's published networks."""

    MTT = CHECKPOINTS[0]
    MSD = CHECKPOINTS[1]


CatalogOption = Annotated[Path | None, typer.Option(help="Catalog, for the licences in the caption.")]
CheckpointOption = Annotated[
    list[Checkpoint] | None, typer.Option(help="musicnn's weights, more than one by repeating it; all by default.")
]
PatchesOption = Annotated[int, typer.Option(min=1, help="3 s patches of a recording that musicnn hears at most.")]
ClusterOption = Annotated[str, typer.Option(help="What the bootstrap draws: artist or recording.")]
ResamplesOption = Annotated[int, typer.Option(min=1, help="Bootstrap samples.")]
OutputOption = Annotated[Path | None, typer.Option(help="Markdown file to write as well.")]


def chosen_checkpoints(checkpoints: Sequence[Checkpoint] | None) -> tuple[str, ...]:
    """The networks that the regression hears, each once, in the order that they were published in."""
    named = {checkpoint.value for checkpoint in checkpoints or ()}
    return tuple(name for name in CHECKPOINTS if not named or name in named)


def check_cluster(cluster: str) -> None:
    """Refuse what the bootstrap cannot draw.

    Raises
    ------
    typer.BadParameter
        It is neither artist nor recording.
    """
    if cluster not in ("artist", "recording"):
        raise typer.BadParameter(f"--cluster {cluster}: artist or recording")
