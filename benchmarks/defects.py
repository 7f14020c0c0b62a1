"""The detector beside Essentia's, on a damaged library with times: `python -m benchmarks.defects --help`."""

import json
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.report import BenchmarkError, Table, one_line_errors, say, show

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
PEER_RATE = 44_100
CLICK = "click"
_BATCH = 40
_FEWEST = 3


@dataclass
class Answers:
    """What a system says of every recording.

    Attributes
    ----------
    decided : defects of each recording.
    events : of each recording (`catalog.recording.Event`).
    scores : frame probabilities [frames, defects] of each recording; empty for a system that has none.
    answers : defects that the system looks for.
    """

    name: str
    answers: tuple[str, ...]
    decided: list[frozenset[str]] = field(default_factory=list)
    events: list[list[Any]] = field(default_factory=list)
    scores: list[np.ndarray] = field(default_factory=list)


@app.command()
def defects(
    catalog: Annotated[Path, typer.Argument(help="damaged.csv of a library, as `dacapo catalog damage` wrote it.")],
    model: Annotated[Path, typer.Argument(help="Exported model: a numbered folder of the served ones.")],
    peer: Annotated[
        Path | None, typer.Option(help="Python of an environment with Essentia (extra `bench`); without, ours alone.")
    ] = None,
    split: Annotated[str, typer.Option(help="Split that is judged.")] = "eval",
    limit: Annotated[int | None, typer.Option(min=1, help="Recordings at most.")] = None,
    output: Annotated[Path | None, typer.Option(help="Markdown file to write as well.")] = None,
) -> None:
    """Precision, recall and F1 of every defect by recording, event-based and segment-based F1, PSDS, and false events
    in ten clean minutes: of undamaged excerpts, and of the whole recordings that the excerpts were taken from.
    """
    from catalog.format import open_catalog
    from pipeline.titles import library_title

    opened = open_catalog(catalog)
    rows = list(islice(excerpts(opened, split), limit))
    if not rows:
        raise BenchmarkError(f"{catalog}: holds no recording of the split {split}; make it with dacapo catalog damage")
    listen = load_detector(model)
    systems = [ours(listen, opened.root, rows)]
    if peer is not None:
        systems.append(essentia(peer, opened.root, rows))
    durations = _durations(opened.root, rows)
    names = systems[0].answers
    artists, minutes = len({row.artist for row in rows}), sum(durations) / 60
    caption = (
        f"Library {library_title(opened.library)}, split {split}: {len(rows)} excerpts of {artists} artists, "
        f"{minutes:.0f} minutes; training has heard none of the artists. "
        "Damage made by `dacapo catalog damage` with real encoders and decoders, labels by comparison with the "
        "undamaged decode. Ours decides at 0.5 (thresholds learnt on validation); "
        "Essentia with its defaults, a recording has what it finds once or more."
    )
    tables = [
        Table(
            "By recording",
            ("defect", "recordings", *_heads(systems, "P R F1")),
            _recordings(systems, rows, names),
            caption,
        ),
        Table(
            "By event and by second",
            ("defect", "events", *_heads(systems, "event-F1 segment-F1")),
            _events(systems, rows, names),
            "Micro averages: counts summed over recordings. Event-based: onset within 200 ms, offset free; segments of "
            "1 s (Mesaros, Heittola, Virtanen 2016).",
        ),
        *_by_source(systems, rows, sources := _sources(rows, catalog.with_name("catalog.csv"))),
        _clean(systems, rows, durations, names),
        *_whole(listen, opened.root, list(sources.values())),
        _psds(systems[0], rows, durations, names),
    ]
    show(f"Defects, {library_title(opened.library)}", tables, output)


def excerpts(catalog: Any, split: str) -> Iterator[Any]:
    """The excerpts of a split of a damaged library, without the recordings that stand there whole."""
    from catalog.damage.plan import is_whole
    from catalog.format import Recording

    for row in catalog.rows():
        if isinstance(row, Recording) and row.split == split and not is_whole(row):
            yield row


def load_detector(model: Path) -> Any:
    """The signature ``waveform`` of an exported model."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(model))
    if "waveform" not in loaded.signatures:
        raise BenchmarkError(f"{model}: has no signature 'waveform'; name a model of the task defects")
    return loaded.signatures["waveform"]


def ours(listen: Any, root: Path, rows: Sequence[Any]) -> Answers:
    """What a detector (`load_detector`) answers."""
    import tensorflow as tf

    from audio.files import read
    from catalog.recording import Event
    from trainers.defects.frames import RATE

    result = Answers("ours", ())
    for number, row in enumerate(rows):
        if number % 50 == 0:
            say(f"  ours: {number} of {len(rows)}")
        y, _ = read(root / row.path, sample_rate=RATE, channels=1)
        report = {name: value.numpy()[0] for name, value in listen(waveform=tf.constant(y)).items()}
        result.answers = tuple(name.decode() for name in report["defects"])
        present = report["probabilities"] >= 0.5
        result.decided.append(frozenset(name for name, on in zip(result.answers, present, strict=True) if on))
        columns = (report[f"event_{name}"] for name in ("defect", "onset_s", "offset_s"))
        result.events.append(
            [Event(result.answers[d], float(on), float(off)) for d, on, off in zip(*columns, strict=True)]
        )
        result.scores.append(report["frame_probabilities"])
    return result


def essentia(python: Path, root: Path, rows: Sequence[Any]) -> Answers:
    """What Essentia's detectors answer, in a process of their own environment."""
    from audio.files import read
    from catalog.recording import Event

    script = Path(__file__).with_name("essentia_detectors.py")
    result = Answers("Essentia", ("click", "dropout", "skip", "clipping", "hum", "burst"))
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(rows), _BATCH):
            say(f"  Essentia: {start} of {len(rows)}")
            paths = []
            for number, row in enumerate(rows[start : start + _BATCH]):
                y, _ = read(root / row.path, sample_rate=PEER_RATE, channels=1)
                paths.append(f"{folder}/{number}.npy")
                np.save(paths[-1], y[0])
            done = subprocess.run(
                [python, script], input=json.dumps(paths), capture_output=True, text=True, check=False
            )
            if done.returncode:
                last = done.stderr.strip().splitlines()[-1:] or ["no word"]
                raise BenchmarkError(f"--peer {python}: {last[0]}")
            for answer in json.loads(done.stdout):
                result.events.append([Event(*event) for event in answer])
                result.decided.append(frozenset(name for name, _, _ in answer))
    return result


def _durations(root: Path, rows: Iterable[Any]) -> list[float]:
    from audio.files import probe

    return [probe(root / row.path).duration_s for row in rows]


def _heads(systems: Sequence[Answers], figures: str) -> Iterator[str]:
    return (f"{system.name} {figure.replace('-', ' ')}" for system in systems for figure in figures.split())


def _recordings(systems: Sequence[Answers], rows: Sequence[Any], names: Sequence[str]) -> list[list[str]]:
    everywhere = range(len(rows))
    return [[name, str(_having(rows, name)), *_decisions(systems, rows, name, everywhere)] for name in names]


def _having(rows: Sequence[Any], name: str) -> int:
    return sum(name in row.tags for row in rows)


def _decisions(systems: Sequence[Answers], rows: Sequence[Any], name: str, numbers: Iterable[int]) -> Iterator[str]:
    """Precision, recall and F1 of every system on some of the recordings; empty where it does not look for `name`."""
    from trainers.defects.event_scores import Counts

    numbers = list(numbers)
    has = [name in rows[number].tags for number in numbers]
    for system in systems:
        said = [name in system.decided[number] for number in numbers]
        counts = Counts(sum(a and b for a, b in zip(has, said, strict=True)), sum(said), sum(has))
        known = name in system.answers
        yield from (f"{figure:.3f}" if known else "" for figure in (counts.precision, counts.recall, counts.f1))


def _sources(rows: Iterable[Any], catalog: Path) -> dict[str, Any]:
    """The recordings that excerpts were taken from, by id; none where the catalog is not there."""
    from catalog.format import Recording, open_catalog

    wanted = {_source_id(row) for row in rows}
    if not catalog.is_file():
        return {}
    return {row.id: row for row in open_catalog(catalog).rows() if isinstance(row, Recording) and row.id in wanted}


def _source_id(row: Any) -> str:
    return str(row.id.rpartition("~")[0])


def _by_source(systems: Sequence[Answers], rows: Sequence[Any], sources: Mapping[str, Any]) -> Iterator[Table]:
    """How clicks are found in the kinds of music that the library knows: drums and distortion click by themselves."""
    if not sources:
        return
    numbers: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        source = sources.get(_source_id(row))
        for tag in source.tags if source else ():
            numbers.setdefault(tag, []).append(number)
    lines = []
    for tag, own in sorted(numbers.items()):
        clicks = _having([rows[number] for number in own], CLICK)
        if clicks >= _FEWEST:
            lines.append([tag, str(len(own)), str(clicks), *_decisions(systems, rows, CLICK, own)])
    columns = ("music", "recordings", "with clicks", *_heads(systems, "P R F1"))
    yield Table(
        "Clicks by the music that they are in", columns, lines, f"Tags with at least {_FEWEST} such recordings."
    )


def _events(systems: Sequence[Answers], rows: Sequence[Any], names: Sequence[str]) -> list[list[str]]:
    from trainers.defects.event_scores import event_counts, segment_counts, total

    lines = []
    for name in names:
        line = [name, str(sum(event.event == name for row in rows for event in row.labels))]
        for system in systems:
            for count in (event_counts, segment_counts):
                pairs = zip(rows, system.events, strict=True)
                f1 = total([count(row.labels, events, name) for row, events in pairs]).f1
                line.append(f"{f1:.3f}" if name in system.answers else "")
        lines.append(line)
    return lines


def _clean(systems: Sequence[Answers], rows: Sequence[Any], durations: Sequence[float], names: Sequence[str]) -> Table:
    sound = [number for number, row in enumerate(rows) if not row.tags]
    minutes = sum(durations[number] for number in sound) / 60
    lines = []
    for system in systems:
        rates = _in_ten_minutes([system.events[number] for number in sound], minutes, names)
        known = [*(name in system.answers for name in names), True]
        lines.append([system.name, *(f"{rate:.2f}" if ok else "" for rate, ok in zip(rates, known, strict=True))])
    caption = f"False events in ten minutes of the {len(sound)} undamaged excerpts, {minutes:.1f} minutes in all."
    return Table("On clean excerpts", ("system", *names, "all"), lines, caption)


def _whole(listen: Any, root: Path, sources: Sequence[Any]) -> Iterator[Table]:
    """What a scan of the library would say of the recordings themselves."""
    every = len(sources)
    sources = [source for source in sources if _is_sound(root / source.path)]
    if not sources:
        return
    say(f"  whole recordings: {len(sources)}")
    answers = ours(listen, root, sources)
    minutes = sum(_durations(root, sources)) / 60
    names = answers.answers
    with_events = [{event.event for event in events} for events in answers.events]
    lines = [
        ["events in ten minutes", *(f"{rate:.2f}" for rate in _in_ten_minutes(answers.events, minutes, names))],
        ["recordings with events", *_counts(with_events, names)],
        ["recordings decided", *_counts(answers.decided, names)],
    ]
    caption = (
        f"{len(sources)} of the {every} recordings that the excerpts were taken from, from beginning to end, "
        f"{minutes:.0f} minutes, as a scan answers them; the others are clipped by themselves somewhere. They are "
        "taken to be undamaged: what is really broken in them counts as false. The more windows a recording has, the "
        "surer one of them has to be to decide it."
    )
    yield Table("On whole recordings", ("", *names, "all"), lines, caption)


def _is_sound(path: Path) -> bool:
    """Whether a recording can be taken to be undamaged; why not is said."""
    from audio.errors import AudioError
    from catalog.damage.library import check_sound

    try:
        check_sound(path)
    except AudioError as error:
        say(f"  left out: {error}")
        return False
    return True


def _in_ten_minutes(events: Sequence[Sequence[Any]], minutes: float, names: Sequence[str]) -> list[float]:
    """How often each defect is told in ten minutes, and all of them; not a number of no minutes."""
    counts = [sum(event.event == name for found in events for event in found) for name in names]
    return [10 * count / minutes if minutes else float("nan") for count in (*counts, sum(counts))]


def _counts(found: Sequence[Set[str]], names: Sequence[str]) -> list[str]:
    """Recordings that have each defect, and that have any."""
    return [*(str(sum(name in own for own in found)) for name in names), str(sum(map(bool, found)))]


def _psds(system: Answers, rows: Sequence[Any], durations: Sequence[float], names: Sequence[str]) -> Table:
    """Polyphonic sound detection score of the frame probabilities, by sed_scores_eval."""
    from sed_scores_eval.base_modules.scores import create_score_dataframe
    from sed_scores_eval.intersection_based import psds

    from trainers.defects.event_metrics import MAX_EFPR, PSDS, reference_of
    from trainers.defects.frames import FRAME_S

    scores, truth, lengths = {}, {}, {}
    for row, frames, duration_s in zip(rows, system.scores, durations, strict=True):
        times = np.arange(len(frames) + 1) * FRAME_S
        times[-1] = max(duration_s, times[-2] + 1e-3)
        scores[row.id] = create_score_dataframe(frames, times, event_classes=list(names))
        truth[row.id] = reference_of(row.labels)
        lengths[row.id] = float(times[-1])
    value, by_class, *_ = psds(scores=scores, ground_truth=truth, audio_durations=lengths, max_efpr=MAX_EFPR, **PSDS)
    line = [f"{by_class[name]:.3f}" if name in by_class else "" for name in names]
    caption = (
        "PSDS (Bilen et al. 2020) of ours by sed_scores_eval: detection and ground-truth tolerance 0.7, up to 100 "
        "false events an hour, alpha_st 1. It asks for 70 % overlap, which a click of 1 ms in frames of 64 ms cannot "
        "give: for clicks and skips read the event-based F1."
    )
    return Table("PSDS", (*names, "all"), [[*line, f"{value:.3f}"]], caption)


if __name__ == "__main__":
    with one_line_errors():
        app()
