"""What the lyrics branch is worth: the Trainer with it and without, over several seeds: `python -m benchmarks.lyrics
--help`.
"""

import hashlib
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.intervals import mean_interval
from benchmarks.report import Table, one_line_errors, say, say_validations, show

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
SIDES = ("with", "without")


@app.command()
def lyrics(
    home: Annotated[Path, typer.Option(help="Home folder of the run.")] = Path(".dacapo"),
    pipeline: Annotated[
        str, typer.Option(help="Pipeline whose newest run gives rows and settings.")
    ] = "tagging-builtin-quick",
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each side.")] = 5,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps at most; by default the run's.")] = None,
    themes: Annotated[
        str | None, typer.Option(help="Tags told by words, a,b,c; by default the built-in library's.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Markdown file to write as well.")] = None,
) -> None:
    """Average precision on the eval recordings with and without the lyrics branch (--set train.lyrics=false): the
    Trainer itself, on the rows of one run, a pair of trainings a seed. A killed benchmark goes on where it was.
    """
    from benchmarks.past_runs import newest_run
    from benchmarks.recordings import read_split
    from catalog.builtin.lexicon import THEMES
    from trainers.average_precision import average_precision

    say_validations()
    past = newest_run(home.absolute(), pipeline)
    told = tuple(themes.split(",")) if themes else THEMES
    recordings = [(r.serialized[0], r.labels) for r in read_split(past.examples, "eval", past.spec)]
    labels = np.stack([columns for _, columns in recordings])
    mixed = [n for n in range(len(past.tags)) if 0 < labels[:, n].sum() < len(labels)]
    changes = (
        {}
        if steps is None
        else {"steps": steps, "validate_every": min(steps, past.training["hyperparameters"]["validate_every"])}
    )

    # figures [sides, seeds, tags]
    figures = np.full((len(SIDES), seeds, len(past.tags)), np.nan)
    for seed in range(seeds):
        for side, name in enumerate(SIDES):
            say(f"seed {seed + 1} of {seeds}, {name} lyrics")
            scores = _trained(
                past, home.absolute(), seed, changes | {"lyrics": name == "with"}, [one for one, _ in recordings]
            )
            figures[side, seed, mixed] = [average_precision(scores[:, n], labels[:, n]) for n in mixed]

    groups = {
        "all tags": mixed,
        f"themes ({', '.join(told)})": [n for n in mixed if past.tags[n] in told],
        "all other tags": [n for n in mixed if past.tags[n] not in told],
    }
    macro = [_row(name, figures[:, :, members].mean(axis=-1)) for name, members in groups.items() if members]
    each = [
        _row(f"{tag} ({'theme' if tag in told else 'audio'})", figures[:, :, n])
        for n, tag in enumerate(past.tags)
        if n in mixed
    ]
    library = past.training["library"]
    kind = (
        "synthetic songs with synthetic lyrics: it says how the branch works, not what it is worth on real music"
        if library == "builtin"
        else "recordings"
    )
    shown = past.training["hyperparameters"] | changes
    caption = (
        f"Library {library}: {kind}. Average precision on {len(labels)} eval recordings, artists that training has not "
        f"heard; {seeds} seeds a side, the same seeds and rows on both, up to {shown['steps']} steps with early "
        "stopping on validation. Mean and 95 % interval over seeds (Student's t); the difference is paired by seed. "
        "It holds what training varies by, not which recordings are judged."
    )
    columns = ["tags", *(f"{side} lyrics" for side in SIDES), "difference"]
    tables = [
        Table("Macro average precision", columns, macro, caption),
        Table("Per tag", columns, each, "The protocol is that of the macro averages."),
    ]
    show(f"Lyrics, {pipeline}", tables, output)


def _row(name: str, values: np.ndarray) -> list[str]:
    """A row of `values` [sides, seeds]."""
    having, lacking = values
    return [name, str(mean_interval(having)), str(mean_interval(lacking)), mean_interval(having - lacking).signed()]


def _trained(past: Any, home: Path, seed: int, changes: dict[str, Any], serialized: list[bytes]) -> np.ndarray:
    """Probabilities of the eval recordings after one training, [recordings, tags]; kept, so that it is not done "
    "twice.
    """
    import keras
    import tensorflow as tf

    from benchmarks.separate import probabilities_of
    from trainers.checkpoints import read_arrays, write_arrays
    from trainers.run import run_fn

    folder = home / "benchmarks" / "lyrics" / past.run.pipeline
    settings = past.retraining(
        changes, seed=seed, checkpoint_root=str(folder / "checkpoints"), strategy="one_device", warm_start="none"
    )
    facts = {name: value for name, value in settings.items() if name != "checkpoint_root"} | {
        "data": past.data_stamps()
    }
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    answers = folder / f"eval-{key}.npz"
    if not answers.is_file():
        keras.backend.clear_session()
        model = folder / f"model-{key}"
        request = SimpleNamespace(
            custom_config=settings,
            train_files=past.trained_on("train"),
            eval_files=past.trained_on("validation"),
            transform_output=past.transform_graph,
            serving_model_dir=str(model),
            model_run_dir=str(folder / f"log-{key}"),
        )
        run_fn(request)
        loaded = tf.saved_model.load(str(model))
        write_arrays(str(answers), {"probabilities": probabilities_of(loaded.signatures["evaluate"], serialized)}, {})
        shutil.rmtree(model)
    return read_arrays(str(answers))[0]["probabilities"]


if __name__ == "__main__":
    with one_line_errors():
        app()
