"""The tagger beside two peers, every recording judged once, in folds of artists: `python -m benchmarks.tagging_folds
--help`.
"""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.overrides import read_overrides
from benchmarks.report import Table, one_line_errors, say, say_validations, show
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
def tagging_folds(
    home: Annotated[Path, typer.Option(help="Home folder of the run.")] = Path(".dacapo"),
    pipeline: Annotated[
        str, typer.Option(help="Pipeline whose newest run gives rows and settings.")
    ] = "tagging-debian-full",
    folds: Annotated[int, typer.Option(min=3, help="Parts that artists are dealt into.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the division into folds.")] = 0,
    catalog: CatalogOption = None,
    checkpoint: CheckpointOption = None,
    patches: PatchesOption = 40,
    trainings: Annotated[
        int,
        typer.Option(min=1, help="Of each model in each fold, each with a seed of its own; figures are their mean."),
    ] = 3,
    separate: Annotated[bool, typer.Option(help="Train one binary model a tag as well.")] = True,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Hyperparameters, ours and the separate.")
    ] = None,
    cluster: ClusterOption = "artist",
    resamples: ResamplesOption = 2000,
    output: OutputOption = None,
) -> None:
    """The figures of `benchmarks.tagging` by cross-validation: artists are dealt into folds, and each fold is judged by
    systems that learnt from the others, all from the same. Needs a run under `--warm-start musicnn`. A killed benchmark
    goes on where it was.
    """
    check_cluster(cluster)
    overrides = read_overrides(assignments)
    from benchmarks.embeddings import Split, embed, joined
    from benchmarks.fold_rows import all_rows
    from benchmarks.fold_training import FoldTraining
    from benchmarks.folds import artist_folds, rotate
    from benchmarks.past_runs import newest_run
    from benchmarks.scores import judge
    from benchmarks.tagging_page import Survey, cluster_note, tables

    say_validations()
    home = home.absolute()
    past = newest_run(home, pipeline)
    folder = home / "benchmarks" / "tagging" / pipeline
    checkpoints = chosen_checkpoints(checkpoint)
    surveys, arrays = [], []
    for split in SPLITS:
        say(f"musicnn on {split}")
        surveys.append(Survey())
        arrays.append(embed(surveys[-1].watch(past, split), folder, checkpoints, patches))
    whole = Survey.joined(surveys)
    labels = np.stack(whole.labels)
    heard = Split(joined(arrays), labels)

    fold_of = artist_folds(whole.artists, labels, folds, seed)
    training = FoldTraining(past, whole.ids, folder / "folds", overrides)
    rows = all_rows(past, whole.serialized, folder, training.learner())
    systems = _systems(rotate(fold_of), training, rows, heard, past.tags, trainings, separate=separate)
    clusters = whole.artists if cluster == "artist" else whole.ids
    results = [judge(each, labels, clusters, resamples=resamples, folds=fold_of) for each in systems]
    catalog = catalog or home / "catalogs" / past.training["library"] / "catalog.csv"
    caption = " ".join(
        [
            *_protocol(past.training, whole, fold_of, catalog),
            cluster_note(cluster, resamples, "all recordings"),
            f"musicnn: {' and '.join(checkpoints)}, at most {patches} patches of 3 s, mean and maximum; layer, and C a "
            "tag, chosen on validation.",
            _recipe_note(past.training["hyperparameters"] | overrides, trainings, separate=separate),
        ]
    )
    pages = tables(results, past.tags, labels, whole.artists, caption)
    ends = np.cumsum([len(survey.ids) for survey in surveys])
    shown = _by_split(systems, labels, clusters, fold_of, ends, resamples)
    show(f"Tagging in {folds} folds, {pipeline}", [*pages[:2], shown, *pages[2:]], output)


def _systems(
    folds: list[Any], training: Any, rows: str, heard: Any, tags: tuple[str, ...], trainings: int, *, separate: bool
) -> list[list[Any]]:
    """What each system says of every recording, put together from the folds: once for each training of it."""
    from benchmarks.embeddings import logistic_regression
    from benchmarks.scores import DECISION, System

    shape = heard.labels.shape
    ours, one_a_tag = np.zeros((trainings, *shape)), np.zeros((trainings, *shape))
    peer_scores, peer_decisions = np.zeros(shape), np.zeros(shape, bool)
    for number, fold in enumerate(folds):
        say(f"fold {number + 1} of {len(folds)}: logistic regression")
        learnt, chosen, judged = (heard.take(part) for part in (fold.train, fold.validation, fold.judged))
        peer, _ = logistic_regression(learnt, chosen, judged, tags)
        peer_scores[fold.judged], peer_decisions[fold.judged] = peer.scores, peer.decisions
        for repeat in range(trainings):
            say(f"fold {number + 1} of {len(folds)}, training {repeat + 1} of {trainings}: our model")
            ours[repeat, fold.judged] = training.answers(fold, rows, repeat)
            if separate:
                one_a_tag[repeat, fold.judged] = training.separate_answers(fold, rows, repeat)
    systems = [
        [System("ours", scores, scores >= DECISION) for scores in ours],
        [System(peer.name, peer_scores, peer_decisions)],
    ]
    if separate:
        systems.append([System("one binary model a tag", scores, scores >= DECISION) for scores in one_a_tag])
    return systems


def _by_split(
    systems: list[list[Any]],
    labels: np.ndarray,
    clusters: list[str],
    fold_of: np.ndarray,
    ends: np.ndarray,
    resamples: int,
) -> Table:
    """The paired differences on the recordings of each split of the run alone."""
    from benchmarks.scores import METRICS, System, judge

    rows = []
    for split, start, end in zip(SPLITS, [0, *ends], ends, strict=False):
        part = slice(start, end)
        ours, *peers = (
            judge(
                [System(each.name, each.scores[part], each.decisions[part]) for each in system],
                labels[part],
                clusters[part],
                resamples=resamples,
                folds=fold_of[part],
            )
            for system in systems
        )
        rows += [
            [
                f"{split} ({len(set(clusters[part]))} of them), ours - {peer.name}",
                *(ours.minus(peer, metric).signed() for metric in range(len(METRICS))),
            ]
            for peer in peers
        ]
    return Table(
        "Paired differences by the split that a recording has in the run",
        ["split (what the bootstrap draws), difference", *METRICS],
        rows,
        "The same answers, judged on a part of the recordings.",
    )


def _protocol(training: dict[str, Any], whole: Any, fold_of: np.ndarray, catalog: Path) -> list[str]:
    from benchmarks.tagging_page import library_kind, licences

    sizes = np.bincount(fold_of)
    return [
        f"{library_kind(training['library'], [whole])}; {len(whole.ids)} recordings of {len(set(whole.artists))} "
        f"artists, {whole.whole_s / 60:.0f} minutes ({whole.heard_s / 60:.0f} heard: of a recording of eval at most "
        f"{training['spec']['eval_max_s']:.0f} s).",
        f"{len(sizes)} folds of whole artists ({', '.join(map(str, sizes))} recordings), tags spread evenly; each is "
        "judged once, the next one is what all systems choose on (early stopping, regularisation, thresholds), they "
        "learn from the others: no system heard an artist that it is judged on.",
        "Ranking figures compare a recording only with those of its fold, since scores of two trainings are not on one "
        "scale (ROC-AUC: the share of pairs within a fold in the right order; average precision: the mean over the "
        "tagged recordings of the precision at their place in their fold); decisions are taken together.",
        licences(catalog, [whole]),
    ]


def _recipe_note(hyperparameters: dict[str, Any], trainings: int, *, separate: bool) -> str:
    repeated = (
        f"{trainings} trainings with seeds of their own a fold, of whose figures the mean is given, on all recordings "
        "and on each bootstrap sample"
    )
    ours = (
        "Ours: the Trainer's own learner, loop and calibration, warm start from musicnn, up to "
        f"{hyperparameters['steps']} steps, early stopping on validation, "
        f"{repeated if trainings > 1 else 'one seed a fold'}."
    )
    return f"{ours} Separate models: the same; a child is plainly binary, on all recordings." if separate else ours


if __name__ == "__main__":
    with one_line_errors():
        app()
