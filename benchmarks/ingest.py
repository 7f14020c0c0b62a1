"""What reading and preparing audio costs beside bare loops: `python -m benchmarks.ingest --help`."""

import json
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from benchmarks.one_thread import pin_to_one_processor
from benchmarks.peak_memory import STEPS, measure
from benchmarks.report import Table, one_line_errors, say, show
from catalog.writing import whole

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
DESCRIPTORS: tuple[Literal["none", "cheap", "all"], ...] = ("none", "cheap", "all")
AIMS = {"none": 55, "cheap": 40, "all": 35}
_BARE = "bare loop"


@app.command()
def ingest(
    home: Annotated[Path, typer.Option(help="Home folder.")] = Path(".dacapo"),
    library: Annotated[str, typer.Option(help="Library whose recordings are read.")] = "debian",
    catalog: Annotated[Path | None, typer.Option(help="Catalog; by default the library's in the home folder.")] = None,
    schemas: Annotated[Path | None, typer.Option(help="Folder of tags.yaml and schema.pbtxt.")] = None,
    recordings: Annotated[int, typer.Option(min=1, help="Recordings, spread evenly over the catalog.")] = 32,
    repeats: Annotated[int, typer.Option(min=1, help="Of every measurement, interleaved; the fastest counts.")] = 3,
    times: Annotated[int, typer.Option(min=2, help="How much larger the larger input of the memory test is.")] = 4,
    pipeline: Annotated[
        str, typer.Option(help="Pipeline whose newest whole run gives the overhead.")
    ] = "tagging-debian-full",
    only: Annotated[str | None, typer.Option(help="reading, transform, memory or overhead; by default all.")] = None,
    fresh: Annotated[bool, typer.Option(help="Measure again what an earlier command measured.")] = False,
    output: Annotated[Path | None, typer.Option(help="Markdown file to write as well.")] = None,
) -> None:
    """AudioExampleGen against a bare decode and resample loop, Transform against librosa's mel, peak memory at 1x and
    more of the input, and what the graph costs besides training. One processor for both sides, same files, interleaved.
    A killed benchmark goes on with the next table.
    """
    pin_to_one_processor()
    home = home.absolute()
    catalog = (catalog or home / "catalogs" / library / "catalog.csv").absolute()
    folder = home / "benchmarks" / "ingest" / f"{library}-{recordings}"
    kept = folder / f"tables-{repeats}-{times}"
    if fresh:
        shutil.rmtree(kept, ignore_errors=True)

    def tables() -> list[Table]:
        from benchmarks.ingest_work import quiet_libraries, schemas_of

        quiet_libraries()
        place = (schemas or schemas_of(library)).absolute()
        measured: dict[str, Callable[[], Table]] = {
            "reading": lambda: _reading(catalog, place, folder, recordings, repeats),
            "transform": lambda: _transform(catalog, place, folder, recordings, repeats),
            "memory": lambda: _memory(catalog, place, folder, recordings, times),
            "overhead": lambda: _overhead(home, pipeline),
        }
        if only is not None and only not in measured:
            raise typer.BadParameter(f"--only {only}: one of {', '.join(measured)}")
        return [_kept(kept, name, make) for name, make in measured.items() if only in (None, name)]

    show(f"Reading and preparing audio, {library}", tables(), output)


def _kept(folder: Path, name: str, make: Callable[[], Table]) -> Table:
    """A table, measured unless an earlier command did."""
    file = folder / f"{name}.json"
    if not file.is_file() or name == "overhead":
        say(name)
        table = make()
        folder.mkdir(parents=True, exist_ok=True)
        with whole(file) as opened:
            opened.write(json.dumps(vars(table)))
    return Table(**json.loads(file.read_text()))


def _fastest(work: dict[str, Callable[[], object]], repeats: int) -> dict[str, tuple[float, float]]:
    """Wall and processor seconds of each, the fastest of interleaved repeats, after one round that does not count."""
    best = {name: (float("inf"), float("inf")) for name in work}
    for repeat in range(repeats + 1):
        for name, do in work.items():
            wall, busy = time.perf_counter(), time.process_time()
            do()
            took = (time.perf_counter() - wall, time.process_time() - busy)
            say(
                f"  {'warm-up' if repeat == 0 else f'repeat {repeat}'}, {name}: {took[0]:.1f} s, {took[1]:.1f} s of "
                "processor"
            )
            if repeat:
                best[name] = min(best[name][0], took[0]), min(best[name][1], took[1])
    return best


def _rows(best: dict[str, tuple[float, float]], audio_s: float, aims: dict[str, str]) -> list[list[str]]:
    bare_wall, bare_busy = best[_BARE]
    return [
        [
            name,
            f"{wall:.1f}",
            f"{audio_s / wall:.0f}",
            f"{100 * bare_wall / wall:.0f} %",
            f"{100 * bare_busy / busy:.0f} %",
            aims.get(name, ""),
        ]
        for name, (wall, busy) in best.items()
    ]


_COLUMNS = ("", "seconds", "times real time", "of the bare loop", "of it by processor time", "aim")


def _reading(catalog: Path, schemas: Path, folder: Path, count: int, repeats: int) -> Table:
    from benchmarks.ingest_work import bare_loop, ingest, some_recordings

    library = some_recordings(catalog, schemas, folder / "library", count)
    work: dict[str, Callable[[], object]] = {_BARE: lambda: bare_loop(library.files)}
    for descriptors in DESCRIPTORS:
        work[f"AudioExampleGen, descriptors {descriptors}"] = partial(ingest, library, descriptors, folder / "ingest")
    best = _fastest(work, repeats)
    aims = {f"AudioExampleGen, descriptors {name}": f"{aim} %" for name, aim in AIMS.items()}
    caption = (
        f"{count} recordings, {library.audio_s / 60:.0f} minutes of audio. Bare loop: soundfile reads the whole file, "
        "channels are averaged, soxr (HQ) resamples to 16 kHz, nothing is kept. AudioExampleGen: its executor, block "
        "by block with all checks, descriptors, PCM16 Examples written. One processor for both, in turn in one "
        f"process, the fastest of {repeats} repeats after one that does not count; files are in the system's cache. "
        "100 % is as fast as the bare loop."
    )
    return Table("AudioExampleGen", _COLUMNS, _rows(best, library.audio_s, aims), caption)


def _transform(catalog: Path, schemas: Path, folder: Path, count: int, repeats: int) -> Table:
    from benchmarks.ingest_work import SPEC, librosa_loop, some_recordings, transform, waveforms

    library = some_recordings(catalog, schemas, folder / "library", count)
    _, examples = transform(library, folder / "transform", 0)
    segments = waveforms(examples)
    audio_s = sum(map(len, segments)) / SPEC.sample_rate
    work: dict[str, Callable[[], object]] = {
        _BARE: lambda: librosa_loop(segments),
        "Transform": lambda: transform(library, folder / "transform", 0),
    }
    best = _fastest(work, repeats)
    shutil.rmtree(folder / "transform")
    caption = (
        f"{len(segments)} segments of the splits that Transform writes, {audio_s / 60:.0f} minutes. Bare loop: "
        "librosa.feature.melspectrogram and the logarithm, segment by segment, nothing is kept. Transform: the "
        "component as a run launches it (metadata and the cached nodes before it included): it computes the spectra "
        "of train twice, once for the statistics, and writes float16 Examples. One processor for "
        f"both, in turn in one process, the fastest of {repeats} repeats after one that does not count."
    )
    return Table("Transform against librosa", _COLUMNS, _rows(best, audio_s, {}), caption)


def _memory(catalog: Path, schemas: Path, folder: Path, count: int, times: int) -> Table:
    rows = []
    for step in STEPS:
        results = []
        for factor in (1, times):
            results.append(measure(step, catalog, schemas, folder / "memory", count, factor))
            say(f"  {step}, {factor}x: {results[-1]['peak_mib']:.0f} MiB")
            shutil.rmtree(folder / "memory")
        small, large = (result["peak_mib"] for result in results)
        minutes = " / ".join(f"{result['audio_s'] / 60:.0f}" for result in results)
        rows.append([step, minutes, f"{small:.0f}", f"{large:.0f}", f"{large / small:.2f}"])
    caption = (
        f"Largest resident set of a process of its own; {times}x holds every recording {times} times. Transform's "
        "process runs AudioExampleGen "
        "before it. Flat: the ratio stays near 1."
    )
    return Table(
        "Peak memory", ("", f"minutes at 1x / {times}x", "MiB at 1x", f"MiB at {times}x", "ratio"), rows, caption
    )


def _overhead(home: Path, pipeline: str) -> Table:
    from benchmarks.past_runs import loop_seconds, newest_run

    past = newest_run(
        home, pipeline, executed=("AudioExampleGen", "StatisticsGen", "Transform", "Trainer", "Evaluator")
    )
    loop_s = loop_seconds(past)
    bare_s = loop_s or past.seconds["Trainer"]
    total_s = sum(past.seconds.values())
    rows = [[node, f"{seconds:.1f}", f"{100 * seconds / bare_s:.1f} %"] for node, seconds in past.seconds.items()]
    rows.append(["all nodes", f"{total_s:.1f}", f"{100 * total_s / bare_s:.1f} %"])
    rows.append(
        [
            "bare training loop" if loop_s else "bare training loop (taken as the whole Trainer)",
            f"{bare_s:.1f}",
            "100 %",
        ]
    )
    rows.append(["overhead of the graph", f"{total_s - bare_s:.1f}", f"{100 * (total_s - bare_s) / bare_s:.1f} %"])
    caption = (
        f"Run {past.run.run_id} of {pipeline}, nothing cached; seconds by ML Metadata. Bare loop: steps and "
        "validations, from the times of the validations in TensorBoard's log. The overhead depends on how long is "
        "trained: a run with cached nodes has only its Trainer's own."
    )
    return Table("Overhead of the graph", ("node", "seconds", "of the bare training loop"), rows, caption)


if __name__ == "__main__":
    with one_line_errors():
        app()
