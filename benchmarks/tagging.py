"""The tagger in service beside two peers, on one split of real recordings: `python -m benchmarks.tagging --help`."""

import hashlib
import json
import os
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.overrides import read_overrides
from benchmarks.report import BenchmarkError, say, say_validations, show
from benchmarks.tagging_options import (
    CatalogOption,
    CheckpointOption,
    ClusterOption,
    OutputOption,
    PatchesOption,
    ResamplesOption,
    check_cluster,
    chosen_checkpoints,
)

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
SPLITS = ("train", "validation", "eval")


@app.command()
def tagging(
    home: Annotated[Path, typer.Option(help="Home folder of the run.")] = Path(".dacapo"),
    pipeline: Annotated[str, typer.Option(help="Pipeline whose newest run is judged.")] = "tagging-debian-full",
    model: Annotated[Path | None, typer.Option(help="Exported model; by default the one that the run pushed.")] = None,
    catalog: CatalogOption = None,
    checkpoint: CheckpointOption = None,
    patches: PatchesOption = 40,
    separate: Annotated[bool, typer.Option(help="Train one binary model a tag as well (long).")] = True,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Hyperparameters of the separate models.")
    ] = None,
    cluster: ClusterOption = "artist",
    resamples: ResamplesOption = 2000,
    output: OutputOption = None,
) -> None:
    """Precision, recall, ROC-AUC and average precision of every tag with bootstrap intervals, beside musicnn embeddings
    with logistic regression and one binary model a tag, all on the split and the audio of one run. A killed benchmark
    goes on where it was.
    """
    check_cluster(cluster)
    overrides = read_overrides(assignments)
    from benchmarks.embeddings import Split, embed, logistic_regression
    from benchmarks.past_runs import newest_run
    from benchmarks.scores import judge
    from benchmarks.separate import separate_models
    from benchmarks.tagging_page import Survey, cluster_note, tables

    say_validations()
    home = home.absolute()
    past = newest_run(home, pipeline, pushed=model is None)
    model = model or past.model
    if model is None:
        raise BenchmarkError(f"{pipeline}: the run {past.run.run_id} left no model; name one with --model")
    folder = home / "benchmarks" / "tagging" / pipeline
    say(f"run {past.run.run_id}; model {model}")

    checkpoints = chosen_checkpoints(checkpoint)
    surveys, splits = {}, {}
    for split in SPLITS:
        say(f"musicnn on {split}")
        surveys[split] = Survey()
        arrays = embed(surveys[split].watch(past, split), folder, checkpoints, patches)
        splits[split] = Split(arrays, np.stack(surveys[split].labels))
    judged = surveys["eval"]
    say("our model")
    systems = [_ours(model, past, judged, folder)]
    say("logistic regression")
    peer, layer = logistic_regression(splits["train"], splits["validation"], splits["eval"], past.tags)
    systems.append(peer)
    if separate:
        systems.append(separate_models(past, judged.serialized, folder, overrides))
    clusters = judged.artists if cluster == "artist" else judged.ids
    results = [judge([system], splits["eval"].labels, clusters, resamples=resamples) for system in systems]
    facts = _protocol(past, surveys, catalog or home / "catalogs" / past.training["library"] / "catalog.csv")
    notes = [
        cluster_note(cluster, resamples, "the eval split"),
        f"musicnn: {' and '.join(checkpoints)}, {layer}, at most {patches} patches of 3 s, mean and "
        "maximum; C a tag and layer chosen on validation.",
    ]
    if separate:
        shown = past.training["hyperparameters"] | overrides
        notes.append(
            f"Separate models: same architecture, rows and recipe, up to {shown['steps']} steps each, early stopping "
            "on validation; a child is plainly binary, on all recordings."
        )
    caption = " ".join([facts, *notes])
    show(f"Tagging, {pipeline}", tables(results, past.tags, splits["eval"].labels, judged.artists, caption), output)


def _ours(model: Path, past: Any, judged: Any, folder: Path) -> Any:
    import tensorflow as tf

    from benchmarks.scores import DECISION, System
    from benchmarks.separate import probabilities_of
    from trainers.checkpoints import read_arrays, write_arrays
    from trainers.export import FACTS

    vocabulary = tuple(json.loads(model.joinpath(*FACTS).read_text(encoding="utf-8"))["vocabulary"])
    if vocabulary != past.tags:
        raise BenchmarkError(f"{model}: knows the tags {', '.join(vocabulary)}; the run's are {', '.join(past.tags)}")
    identity = hashlib.sha256(f"{model}|{os.stat(model / 'saved_model.pb').st_mtime_ns}".encode())
    for example in judged.serialized:
        identity.update(hashlib.sha256(example).digest())
    answers = folder / f"ours-{identity.hexdigest()[:16]}.npz"
    if not answers.is_file():
        loaded = tf.saved_model.load(str(model))
        write_arrays(
            str(answers), {"probabilities": probabilities_of(loaded.signatures["evaluate"], judged.serialized)}, {}
        )
    probabilities = read_arrays(str(answers))[0]["probabilities"]
    return System("ours", probabilities, probabilities >= DECISION)


def _protocol(past: Any, surveys: dict[str, Any], catalog: Path) -> str:
    from benchmarks.tagging_page import library_kind, licences

    parts = [
        f"{split} {len(survey.ids)} recordings of {len(set(survey.artists))} artists, {survey.whole_s / 60:.0f} minutes"
        + (f" ({survey.heard_s / 60:.0f} heard)" if survey.heard_s < 0.99 * survey.whole_s else "")
        for split, survey in surveys.items()
    ]
    shared = set(surveys["eval"].artists) & (set(surveys["train"].artists) | set(surveys["validation"].artists))
    sentences = [
        f"{library_kind(past.training['library'], surveys.values())}; {'; '.join(parts)}.",
        f"Artists of eval in another split: {len(shared)}.",
        "All learn from train, choose on validation, are judged on eval.",
        licences(catalog, surveys.values()),
    ]
    return " ".join(filter(None, sentences))


if __name__ == "__main__":
    from benchmarks.report import one_line_errors

    with one_line_errors():
        app()
