"""Every pool of the detector on one fixed set: `python -m benchmarks.pooling --help`."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, get_args

import typer

from benchmarks.overrides import read_overrides
from benchmarks.report import Table, one_line_errors, say, say_validations, show

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def pooling(
    catalog: Annotated[Path, typer.Argument(help="damaged.csv of the library that the run was made of.")],
    home: Annotated[Path, typer.Option(help="Home folder of the run.")] = Path(".dacapo"),
    pipeline: Annotated[
        str, typer.Option(help="Pipeline whose newest run gives rows and settings.")
    ] = "defects-builtin-quick",
    split: Annotated[str, typer.Option(help="Split that is judged.")] = "eval",
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Hyperparameters, for every pool alike.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Markdown file to write as well.")] = None,
) -> None:
    """Macro F1 by recording, by event and by second for each pool: the same rows, seed, steps and network, the Trainer
    itself. A killed benchmark goes on where it was.
    """
    from benchmarks.defects import Answers, excerpts, load_detector, ours
    from benchmarks.past_runs import newest_run
    from catalog.format import open_catalog
    from pipeline.titles import library_title, pipeline_title
    from trainers.defects.task import Pooling

    say_validations()
    past = newest_run(home.absolute(), pipeline)
    changes = read_overrides(assignments)
    opened = open_catalog(catalog)
    rows = list(excerpts(opened, split))
    systems: dict[str, Answers] = {}
    for kind in get_args(Pooling):
        say(f"pool {kind}")
        model = _trained(past, home.absolute(), changes | {"pooling": kind})
        systems[kind] = ours(load_detector(model), opened.root, rows)
    lines = [[kind, *(f"{figure:.3f}" for figure in _figures(system, rows))] for kind, system in systems.items()]
    shown = past.training["hyperparameters"] | changes
    caption = (
        f"Library {library_title(opened.library)}, split {split}: {len(rows)} recordings. Each pool trained once on "
        f"the rows of one run with the same seed, up to {shown['steps']} steps with early stopping on validation, "
        "weak labels only; thresholds learnt on validation. Macro averages over defects; event-based with an onset "
        "collar of 200 ms, segments of 1 s. One training each: differences below a few hundredths are noise."
    )
    columns = ("pool", "F1 by recording", "event F1", "segment F1")
    show(f"Pooling, {pipeline_title(pipeline)}", [Table("Pools", columns, lines, caption)], output)


def _figures(system: Any, rows: list[Any]) -> tuple[float, float, float]:
    """Macro F1 by recording, event and segment."""
    import numpy as np

    from trainers.defects.event_scores import Counts, event_counts, segment_counts, total

    by_recording: list[float] = []
    by_event: list[float] = []
    by_segment: list[float] = []
    for name in system.answers:
        has = [name in row.tags for row in rows]
        said = [name in decided for decided in system.decided]
        right = sum(a and b for a, b in zip(has, said, strict=True))
        by_recording.append(Counts(right, sum(said), sum(has)).f1)
        for figures, count in ((by_event, event_counts), (by_segment, segment_counts)):
            pairs = zip(rows, system.events, strict=True)
            figures.append(total([count(row.labels, events, name) for row, events in pairs]).f1)
    return float(np.nanmean(by_recording)), float(np.nanmean(by_event)), float(np.nanmean(by_segment))


def _trained(past: Any, home: Path, changes: dict[str, Any]) -> Path:
    """The exported model of one training; kept, so that it is not done twice."""
    import keras

    from trainers.export import FACTS
    from trainers.run import run_fn

    folder = home / "benchmarks" / "pooling" / past.run.pipeline
    settings = past.retraining(
        changes, checkpoint_root=str(folder / "checkpoints"), strategy="one_device", warm_start="none"
    )
    facts = {name: value for name, value in settings.items() if name != "checkpoint_root"}
    key = hashlib.sha256(json.dumps([facts, past.data_stamps()], sort_keys=True).encode()).hexdigest()[:16]
    model = folder / f"model-{key}"
    if not model.joinpath(*FACTS).is_file():
        keras.backend.clear_session()
        request = SimpleNamespace(
            custom_config=settings,
            train_files=past.trained_on("train"),
            eval_files=past.trained_on("validation"),
            transform_output=past.transform_graph,
            serving_model_dir=str(model),
            model_run_dir=str(folder / f"log-{key}"),
        )
        run_fn(request)
    return model


if __name__ == "__main__":
    with one_line_errors():
        app()
