"""How trainings went and how long they took: `python -m benchmarks.learning_curves --help`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmarks.report import Table, one_line_errors, show

if TYPE_CHECKING:
    from benchmarks.past_runs import PastRun, Scalars

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
LOSS, SCORE = "loss/train", "score/validation"


@app.command()
def learning_curves(
    pipelines: Annotated[
        list[str], typer.Argument(help="Pipelines, such as tagging-debian-full; the newest run of each.")
    ],
    picture: Annotated[Path, typer.Option(help="Picture to write (.svg or .png).")],
    home: Annotated[Path, typer.Option(help="Home folder of the runs.")] = Path(".dacapo"),
    output: Annotated[Path | None, typer.Option(help="Markdown file to write as well.")] = None,
) -> None:
    """Training loss and validation score over the steps of each pipeline's newest training, and the time it took."""
    from benchmarks.past_runs import loop_seconds, newest_run, scalars

    runs = [newest_run(home.absolute(), pipeline, executed=("Trainer",)) for pipeline in pipelines]
    curves = [scalars(past) for past in runs]
    _draw(runs, curves, picture)
    rows = []
    for past, curve in zip(runs, curves, strict=True):
        score = curve[SCORE]
        first = min(past.training["hyperparameters"].get("select_from_step", 0), max(score))
        best = max((step for step in score if step >= first), key=lambda step: score[step])
        loop = loop_seconds(past)
        minutes = "" if loop is None else f"{loop / 60:.1f}"
        rows.append(
            [
                past.run.pipeline,
                str(max(score)),
                str(best),
                f"{score[best]:.3f}",
                minutes,
                f"{past.seconds['Trainer'] / 60:.1f}",
            ]
        )
    show(
        "Learning curves",
        [
            Table(
                picture.name,
                ["training", "steps", "best at", "validation score", "loop, minutes", "Trainer, minutes"],
                rows,
                "The score is the task's own (trainers/<task>/model.py), the best from `select_from_step` on. The loop "
                "is steps and validations, without reading rows and exporting. A training that was gone on with counts "
                "its last part only.",
            )
        ],
        output,
    )


def _draw(runs: "list[PastRun]", curves: "list[Scalars]", picture: Path) -> None:
    """A column a training: loss above, score below."""
    from matplotlib.figure import Figure

    from pipeline.titles import pipeline_title

    figure = Figure(figsize=(4 * len(runs), 5), layout="constrained")
    axes = figure.subplots(2, len(runs), squeeze=False, sharex="col")
    for column, (past, curve) in enumerate(zip(runs, curves, strict=True)):
        axes[0, column].set_title(pipeline_title(past.run.pipeline), fontsize=10)
        for row, (name, label) in enumerate(((LOSS, "training loss"), (SCORE, "validation score"))):
            axes[row, column].plot(list(curve[name]), list(curve[name].values()), marker=".", color="C0")
            axes[row, column].set_ylabel(label)
            axes[row, column].grid(alpha=0.3)
        axes[1, column].set_xlabel("step")
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    with one_line_errors():
        app()
