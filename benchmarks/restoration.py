"""The denoiser on real music under real noise that it has not heard: `python -m benchmarks.restoration --help`.

Music is of the test split of one catalog, noise of the test split of another (of eval where there is no test): no
artist and no recording session of either was heard in training, and none chose the weights.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.report import BenchmarkError, Table, one_line_errors, say, show
from catalog.served import newest_version

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
LEVELS_DB = (0.0, 5.0, 10.0, 15.0)
EXCERPT_S = 10.0
OURS, ORACLE, UNTOUCHED = "ours", "oracle IRM", "untouched"
_HIGHEST = 0.98
_QUIETEST = 1e-3  # level of music or noise below which there is nothing to judge


@dataclass(frozen=True)
class Mixture:
    """An excerpt of music under noise.

    Attributes
    ----------
    music, sound : names of the recordings; no sound without noise.
    level_db : signal-to-noise ratio; None without noise.
    clean, noise : float32 [samples], 16 kHz.
    """

    music: str
    sound: str
    level_db: float | None
    clean: np.ndarray
    noise: np.ndarray

    def __str__(self) -> str:
        return " + ".join(filter(None, (self.music, self.sound)))


@dataclass(frozen=True)
class Figures:
    """What a system made of the mixtures, dB: SI-SDR and SDR, np.ndarray [mixtures]."""

    si_sdr: np.ndarray
    sdr: np.ndarray


@app.command()
def restoration(
    home: Annotated[Path, typer.Option(help="Home folder.")] = Path(".dacapo"),
    model: Annotated[
        Path | None, typer.Option(help="Exported model; by default the one that restoration-debian-full serves.")
    ] = None,
    music: Annotated[Path | None, typer.Option(help="Catalog of music; by default debian's.")] = None,
    noises: Annotated[Path | None, typer.Option(help="Catalog of noises; by default debian's.")] = None,
    recordings: Annotated[int, typer.Option(help="Recordings of music at most, evenly spread.", min=1)] = 24,
    peers: Annotated[bool, typer.Option(help="Beside the published denoisers (extra bench).")] = True,
    output: Annotated[Path | None, typer.Option(help="Markdown file to write as well.")] = None,
) -> None:
    """SI-SDR and SDR at 0, 5, 10 and 15 dB and without noise, beside published denoisers and the oracle mask; the worst
    recording; the real-time factor of the streaming TFLite model on one thread.
    """
    from benchmarks.restoration_peers import peers as published
    from trainers.restoration.tflite import DYNAMIC_RANGE, FLOAT32, StreamingRestorer, real_time_factor

    debian = home.absolute() / "catalogs" / "debian"
    folder = (model or _served(home.absolute() / "serving" / "restoration-debian-full")).absolute()
    files = {name: (folder / "assets.extra" / name) for name in (FLOAT32, DYNAMIC_RANGE)}
    if not all(file.is_file() for file in files.values()):
        raise BenchmarkError(f"{folder}: holds no denoiser of Da Capo (assets.extra/{FLOAT32} is missing)")
    contents = {name: file.read_bytes() for name, file in files.items()}
    music, noises = music or debian / "catalog.csv", noises or debian / "noises.csv"
    mixtures = list(make_mixtures(music, noises, recordings))
    systems: dict[str, Callable[[Mixture], np.ndarray]] = {UNTOUCHED: lambda mixture: mixture.clean + mixture.noise}
    if peers:
        for name, denoiser in published().items():
            systems[name] = lambda mixture, run=denoiser: run(mixture.clean + mixture.noise)  # type: ignore[misc]
    systems[OURS] = lambda mixture: StreamingRestorer(contents[FLOAT32]).restore(mixture.clean + mixture.noise)
    systems[f"{OURS}, 8 bits"] = lambda mixture: StreamingRestorer(contents[DYNAMIC_RANGE]).restore(
        mixture.clean + mixture.noise
    )
    systems[ORACLE] = _oracle
    figures = {}
    for name, system in systems.items():
        say(f"{name}: {len(mixtures)} mixtures")
        figures[name] = judge(mixtures, system)
    tracks = {mixture.music for mixture in mixtures}
    sounds = {mixture.sound for mixture in mixtures if mixture.sound}
    protocol = (
        f"{len(tracks)} recordings of music (split {held_out(music)[1]}), {EXCERPT_S:g} s each, under "
        f"{len(sounds)} real noises (split {held_out(noises)[1]}: {', '.join(sorted(sounds))}), each "
        "under one of them at each level; mono at 16 kHz; means over recordings. Ours is the streaming model."
    )
    factors = {name: real_time_factor(content, 16_000) for name, content in contents.items()}
    tables = [
        *(_table(kind, mixtures, figures, protocol) for kind in ("SI-SDR", "SDR")),
        _worst(mixtures, figures),
        Table(
            "The streaming model on one thread",
            ("", "size", "real-time factor"),
            [(name, f"{len(content) / 2**20:.2f} MiB", f"{factors[name]:.4f}") for name, content in contents.items()],
            "TFLite, one frame of 64 ms a hop of 32 ms, transforms of the host included; fastest of five.",
        ),
    ]
    show("Restoration of real music under real noise", tables, output)


def make_mixtures(music: Path, noises: Path, recordings: int) -> Iterator[Mixture]:
    """Mixtures of what is held out, the same for the same catalogs."""
    from audio.files import probe, read
    from audio.noises.mixing import at_snr, fill

    tracks, sounds = held_out(music)[0], held_out(noises)[0]
    chosen = np.unique(np.linspace(0, len(tracks) - 1, min(recordings, len(tracks))).round().astype(int))
    for number, index in enumerate(chosen):
        track, sound = tracks[index], sounds[number % len(sounds)]
        rng = np.random.default_rng(number)
        room = max(0.0, probe(track).duration_s - EXCERPT_S)
        clean = read(track, sample_rate=16_000, channels=1, offset_s=room * rng.uniform(0.2, 0.8), duration_s=EXCERPT_S)
        y = clean[0][0]
        whole = read(sound, sample_rate=16_000, channels=1)[0][0]
        noise = fill(whole[rng.integers(max(1, len(whole) - len(y))) :], len(y), 4000)
        if min(np.sqrt(np.mean(y**2)), np.sqrt(np.mean(noise**2))) < _QUIETEST:
            continue
        yield Mixture(track.stem, "", None, y, np.zeros_like(y))
        for level in LEVELS_DB:
            added = at_snr(y, noise, level)
            gain = np.float32(min(1.0, _HIGHEST / float(np.abs(y + added).max())))
            yield Mixture(track.stem, sound.stem, level, gain * y, gain * added)


def judge(mixtures: Sequence[Mixture], system: Callable[[Mixture], np.ndarray]) -> Figures:
    """The scores of a system on every mixture."""
    import tensorflow as tf

    from audio.scores import sdr, si_sdr

    pairs = [(tf.constant(mixture.clean), tf.constant(system(mixture))) for mixture in mixtures]
    return Figures(*(np.array([float(score(*pair)) for pair in pairs]) for score in (si_sdr, sdr)))


def _served(folder: Path) -> Path:
    newest = newest_version(folder)
    if newest is None:
        raise BenchmarkError(
            f"{folder}: serves no model; run './dacapo run restoration --library debian --profile full'"
        )
    return newest


def held_out(catalog: Path) -> tuple[list[Path], str]:
    """Recordings that no training heard, and the name of their split: test, or eval where there is none.

    Raises
    ------
    BenchmarkError
        Neither split holds a recording.
    """
    from catalog.format import Problem, open_catalog
    from catalog.splits import SplitAssigner, with_splits

    opened = open_catalog(catalog)
    rows = [placed for placed in with_splits(opened, SplitAssigner()) if not isinstance(placed, Problem)]
    for wanted in ("test", "eval"):
        paths = [opened.locate(row.path) for row, split in rows if split == wanted]
        if paths:
            return paths, wanted
    raise BenchmarkError(f"{catalog}: no recording is in the splits test and eval")


def _oracle(mixture: Mixture) -> np.ndarray:
    from benchmarks.restoration_peers import oracle

    return oracle(mixture.clean, mixture.noise)


def _table(kind: str, mixtures: Sequence[Mixture], figures: Mapping[str, Figures], protocol: str) -> Table:
    levels = [mixture.level_db for mixture in mixtures]
    asked = (*LEVELS_DB, None)

    def values(name: str) -> np.ndarray:
        return figures[name].si_sdr if kind == "SI-SDR" else figures[name].sdr

    def means(name: str) -> np.ndarray:
        return np.array(
            [np.mean([v for v, level in zip(values(name), levels, strict=True) if level == a]) for a in asked]
        )

    before, best = means(UNTOUCHED), means(ORACLE)
    rows = []
    for name in figures:
        after = means(name)
        noisy = slice(0, len(LEVELS_DB))
        share = (after - before)[noisy] / (best - before)[noisy]
        shares = "" if name in (UNTOUCHED, ORACLE) else " / ".join(f"{100 * s:.0f} %" for s in share)
        rows.append((name, *(f"{value:.1f}" for value in after), shares))
    columns = ("", *(f"{level:g} dB" for level in LEVELS_DB), "clean", "share of the oracle's gain")
    return Table(f"{kind} in dB", columns, rows, f"{kind}, cut at 60 dB. {protocol}")


def _worst(mixtures: Sequence[Mixture], figures: Mapping[str, Figures]) -> Table:
    """For every system the noisy recording that it served worst by each score, the clean one that it harmed most."""
    noisy = np.array([mixture.level_db is not None for mixture in mixtures])
    rows = []
    for name, own in figures.items():
        if name in (UNTOUCHED, ORACLE):
            continue
        row = [name]
        for score in ("si_sdr", "sdr"):
            gain = np.where(noisy, getattr(own, score) - getattr(figures[UNTOUCHED], score), np.inf)
            worst = int(np.argmin(gain))
            row += [f"{gain[worst]:+.1f}", f"{mixtures[worst]} at {mixtures[worst].level_db:g} dB"]
        harmed = int(np.argmin(np.where(noisy, np.inf, own.sdr)))
        rows.append((*row, f"{own.sdr[harmed]:.1f}", str(mixtures[harmed])))
    return Table(
        "The worst recording",
        ("", "SI-SDR gain", "noisy recording", "SDR gain", "noisy recording", "SDR", "clean recording"),
        rows,
        "The lowest gain over the input among all noisy recordings by each score. Clean music has nothing to gain: of "
        "it the lowest SDR; at 30 dB the change is a thirtieth of the music.",
    )


if __name__ == "__main__":
    with one_line_errors():
        app(standalone_mode=False)
