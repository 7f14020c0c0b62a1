"""The tagger in service beside two peers, on one split of real recordings: `python -m benchmarks.tagging --help`."""

import hashlib
import json
import os
from collections import Counter, defaultdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
import yaml

from benchmarks.report import BenchmarkError, Table, say, say_validations, show

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
SPLITS = ("train", "validation", "eval")


@app.command()
def tagging(
    home: Annotated[Path, typer.Option(help="Home folder of the run.")] = Path(".dacapo"),
    pipeline: Annotated[str, typer.Option(help="Pipeline whose newest run is judged.")] = "tagging-debian-full",
    model: Annotated[Path | None, typer.Option(help="Exported model; by default the one that the run pushed.")] = None,
    catalog: Annotated[Path | None, typer.Option(help="Catalog, for the licences in the caption.")] = None,
    checkpoint: Annotated[str, typer.Option(help="musicnn's weights: MTT_musicnn or MSD_musicnn.")] = "MTT_musicnn",
    patches: Annotated[int, typer.Option(min=1, help="3 s patches of a recording that musicnn hears at most.")] = 40,
    separate: Annotated[bool, typer.Option(help="Train one binary model a tag as well (long).")] = True,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Hyperparameters of the separate models.")
    ] = None,
    cluster: Annotated[str, typer.Option(help="What the bootstrap draws: artist or recording.")] = "artist",
    resamples: Annotated[int, typer.Option(min=1, help="Bootstrap samples.")] = 2000,
    output: Annotated[Path | None, typer.Option(help="Markdown file to write as well.")] = None,
) -> None:
    """Precision, recall, ROC-AUC and average precision of every tag with bootstrap intervals, beside musicnn embeddings
    with logistic regression and one binary model a tag, all on the split and the audio of one run. A killed benchmark
    goes on where it was.
    """
    if cluster not in ("artist", "recording"):
        raise typer.BadParameter(f"--cluster {cluster}: artist or recording")
    overrides = {key: yaml.safe_load(value) for key, _, value in (item.partition("=") for item in assignments or ())}
    from benchmarks.embeddings import Split, embed, logistic_regression
    from benchmarks.past_runs import newest_run
    from benchmarks.scores import judge
    from benchmarks.separate import separate_models

    say_validations()
    home = home.absolute()
    past = newest_run(home, pipeline, pushed=model is None)
    model = model or past.model
    if model is None:
        raise BenchmarkError(f"{pipeline}: the run {past.run.run_id} left no model; name one with --model")
    folder = home / "benchmarks" / "tagging" / pipeline
    say(f"run {past.run.run_id}; model {model}")

    embedded = folder / f"{checkpoint}-{patches}-examples-{Path(past.examples).name}"
    surveys, splits = {}, {}
    for split in SPLITS:
        say(f"musicnn on {split}")
        surveys[split] = Survey()
        arrays = embed(surveys[split].watch(past, split), str(embedded / split), checkpoint, patches)
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
    results = [judge(system, splits["eval"].labels, clusters, resamples=resamples) for system in systems]
    facts = _protocol(past, surveys, catalog or home / "catalogs" / past.training["library"] / "catalog.csv")
    notes = [
        f"Intervals: 95 %, percentile bootstrap, {resamples} samples of the eval split that draw {cluster}s with "
        "replacement"
        + (
            " (recordings of an artist are no independent evidence: single recordings give narrower, wrong bounds)."
            if cluster == "artist"
            else "."
        ),
        f"musicnn: {checkpoint}, {layer}, at most {patches} patches of 3 s, mean and maximum; C a tag and layer chosen "
        "on validation.",
    ]
    if separate:
        shown = past.training["hyperparameters"] | overrides
        notes.append(
            f"Separate models: same architecture, rows and recipe, up to {shown['steps']} steps each, early stopping "
            "on validation; a child is plainly binary, on all recordings."
        )
    caption = " ".join([facts, *notes])
    show(f"Tagging, {pipeline}", _tables(results, past.tags, judged, caption), output)


class Survey:
    """What is kept of the recordings of a split while they pass by; audio is not."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.artists: list[str] = []
        self.packages: Counter[str] = Counter()
        self.labels: list[np.ndarray] = []
        self.serialized: list[bytes] = []
        self.heard_s = self.whole_s = 0.0

    def watch(self, past: Any, split: str) -> Any:
        """The recordings of a split, noted as they pass."""
        from benchmarks.recordings import read_split

        for recording in read_split(past.examples, split, past.spec):
            self.ids.append(recording.id)
            self.artists.append(" ".join(recording.artist.casefold().split()))
            self.packages[recording.package] += 1
            self.labels.append(recording.labels)
            self.heard_s += len(recording.waveform) / past.spec.sample_rate
            self.whole_s += recording.duration_s
            if split == "eval":
                self.serialized += recording.serialized
            yield recording


def _ours(model: Path, past: Any, judged: Survey, folder: Path) -> Any:
    import tensorflow as tf

    from benchmarks.scores import System
    from benchmarks.separate import DECISION, probabilities_of
    from trainers.checkpoints import read_arrays, write_arrays
    from trainers.export import FACTS

    vocabulary = tuple(json.loads(model.joinpath(*FACTS).read_text(encoding="utf-8"))["vocabulary"])
    if vocabulary != past.tags:
        raise BenchmarkError(f"{model}: knows the tags {', '.join(vocabulary)}; the run's are {', '.join(past.tags)}")
    identity = hashlib.sha256(f"{past.examples}|{model}|{os.stat(model / 'saved_model.pb').st_mtime_ns}".encode())
    answers = folder / f"ours-{identity.hexdigest()[:16]}.npz"
    if not answers.is_file():
        loaded = tf.saved_model.load(str(model))
        write_arrays(
            str(answers), {"probabilities": probabilities_of(loaded.signatures["evaluate"], judged.serialized)}, {}
        )
    probabilities = read_arrays(str(answers))[0]["probabilities"]
    return System("ours", probabilities, probabilities >= DECISION)


def _protocol(past: Any, surveys: dict[str, Survey], catalog: Path) -> str:
    parts = [
        f"{split} {len(survey.ids)} recordings of {len(set(survey.artists))} artists, {survey.whole_s / 60:.0f} minutes"
        + (f" ({survey.heard_s / 60:.0f} heard)" if survey.heard_s < 0.99 * survey.whole_s else "")
        for split, survey in surveys.items()
    ]
    shared = set(surveys["eval"].artists) & (set(surveys["train"].artists) | set(surveys["validation"].artists))
    packages = {package for survey in surveys.values() for package in survey.packages if package}
    library = past.training["library"]
    kind = {"builtin": "synthetic recordings", "debian": "real recordings"}.get(library, "recordings")
    sentences = [
        f"Library {library}: {kind} from {len(packages)} packages; {'; '.join(parts)}.",
        f"Artists of eval in another split: {len(shared)}.",
        "All learn from train, choose on validation, are judged on eval.",
        _licences(catalog, surveys),
    ]
    return " ".join(filter(None, sentences))


def _licences(catalog: Path, surveys: dict[str, Survey]) -> str:
    from catalog.format import open_catalog
    from catalog.recording import Recording

    if not catalog.is_file():
        return ""
    used = {recording_id for survey in surveys.values() for recording_id in survey.ids}
    rows = (row for row in open_catalog(catalog).rows() if isinstance(row, Recording) and row.id in used)
    counts = Counter(row.licence or "licence not stated" for row in rows)
    return f"Licences: {', '.join(f'{licence} ({count})' for licence, count in counts.most_common())}."


def _tables(results: list[Any], tags: tuple[str, ...], judged: Survey, caption: str) -> list[Table]:
    from benchmarks.scores import METRICS

    numbers = range(len(METRICS))
    ours, *peers = results
    labels = np.stack(judged.labels)
    tagged: dict[int, set[str]] = defaultdict(set)
    for tag in range(len(tags)):
        tagged[tag] = {artist for artist, has in zip(judged.artists, labels[:, tag], strict=True) if has}
    macro = [[result.name, *(str(result.macro(n)) for n in numbers)] for result in results]
    paired = [[f"ours - {peer.name}", *(ours.minus(peer, n).signed() for n in numbers)] for peer in peers]
    each = [
        [f"{tag} ({labels[:, n].sum()} of {len(tagged[n])} artists), {r.name}", *(str(r.of_tag(n, m)) for m in numbers)]
        for n, tag in enumerate(tags)
        for r in results
    ]
    return [
        Table("Macro averages", ["system", *METRICS], macro, caption),
        Table(
            "Paired differences of the macro averages",
            ["difference", *METRICS],
            paired,
            "On the same bootstrap samples.",
        ),
        Table(
            "Per tag",
            ["tag (eval recordings with it), system", *METRICS],
            each,
            "The protocol is that of the macro averages.",
        ),
    ]


if __name__ == "__main__":
    from benchmarks.report import one_line_errors

    with one_line_errors():
        app()
