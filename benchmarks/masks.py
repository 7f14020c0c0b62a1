"""The three masks under two losses, trained alike on one fixed set: `python -m benchmarks.masks --help`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from benchmarks.report import Table, one_line_errors, say, say_validations, show

if TYPE_CHECKING:
    from trainers.restoration.model import RestorationLearner
    from trainers.rows import Rows

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
MASKS = ("irm", "psm", "cirm")
LOSSES = ("error", "mask")


@app.command()
def masks(
    home: Annotated[Path, typer.Option(help="Home folder; trainings are kept in its benchmarks/.")] = Path(".dacapo"),
    library: Annotated[str, typer.Option(help="Library with a noisy catalog (dacapo catalog noise).")] = "builtin",
    losses: Annotated[list[str] | None, typer.Option("--loss", help="Losses to train with.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Hyperparameters, such as steps=500.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of weights and batches.", min=0)] = 0,
    output: Annotated[Path | None, typer.Option(help="Markdown file to write as well.")] = None,
) -> None:
    """Improvement of SI-SDR and SDR on validation by mask and loss, beside what each mask could reach; the same rows,
    steps and seed for all. A killed benchmark goes on where it was.
    """
    from pipeline.settings import load_settings

    settings = load_settings({"task": "restoration"}, [f"train.{assignment}" for assignment in assignments or ()])
    base = settings.hyperparameters().model_dump(mode="json")
    folder = home.absolute() / "benchmarks" / "masks"
    say_validations()
    from benchmarks.restoration_training import rows_of, train_denoiser

    rows, folder = rows_of(home.absolute() / "catalogs" / library / "noisy.csv", folder)
    table = []
    for mask in MASKS:
        for number, loss in enumerate(losses or LOSSES):
            say(f"{mask}, loss {loss}")
            learner, scores = train_denoiser(rows, base | {"mask": mask, "loss": loss}, folder, seed)
            if number == 0:
                table.append(_row(f"oracle {mask}", "", _oracle(learner, rows["validation"])))
            table.append(_row(mask, loss, scores))
    caption = (
        f"{len(rows['train'])} segments of train, {len(rows['validation'])} of validation ({library}"
        f"{', a synthetic library' if library == 'builtin' else ''}); {base['steps']} steps of {base['batch_size']} "
        f"examples, seed {seed}. Means over noisy segments that sound, in dB, at the best validation; clean: SDR of "
        "those that came clean, cut at 60 dB. The oracles' masks are made of the true music."
    )
    columns = ("mask", "loss", "SI-SDR improvement", "SDR improvement", "level error", "clean")
    show("Masks", [Table("Masks and losses", columns, table, caption)], output)


def _row(mask: str, loss: str, scores: dict[str, np.ndarray]) -> Sequence[str]:
    from trainers.undefined import mean_of_defined

    noisy = scores["noisy"] > 0
    metrics = ("si_sdr_improvement", "sdr_improvement", "level_error_db")
    means = [f"{mean_of_defined(scores[metric][noisy]):.2f}" for metric in metrics]
    return (mask, loss, *means, f"{mean_of_defined(scores['sdr'][~noisy]):.1f}")


def _oracle(learner: "RestorationLearner", rows: "Rows") -> dict[str, Any]:
    """The scores of the ideal mask itself."""
    from benchmarks.restoration_training import judged
    from trainers.restoration.mask import ideal_mask

    kind = learner.hyperparameters.mask
    return judged(learner, rows, lambda batch: ideal_mask(kind, batch["clean"], batch["mixture"]))


if __name__ == "__main__":
    with one_line_errors():
        app(standalone_mode=False)
