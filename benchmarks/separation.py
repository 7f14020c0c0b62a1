"""The separator on real recordings beside simple peers: `python -m benchmarks.separation --help`.

Three tables that mean different things and are never merged: (a) real multitracks, in which the wanted voice is a lead
guitar; (b) mixtures assembled of real voices and real music; (c) one stem of six seconds, an anecdote. Whoever owns
MUSDB18 gets the published protocol with ``--musdb``.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from benchmarks.report import BenchmarkError, Table, one_line_errors, say, say_validations, show

if TYPE_CHECKING:
    from audio.spec import AudioSpec
    from benchmarks.separation_training import Song
    from catalog.recording import Split
    from trainers.separation.signatures import Separator
    from trainers.separation.task import SeparationHyperparameters

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
COLUMNS = ("mixture", "REPET-SIM", "ours", "oracle IRM")
STEM_FILE_STREAMS = {"drums": 1, "bass": 2, "other": 3, "vocals": 4}
STEM_LEAD_IN = 5_000
"""Samples at the start of stempeg's excerpt that are its encoder's."""


@app.command()
def separation(
    home: Annotated[Path, typer.Option(help="Home folder; trainings are kept in its benchmarks/.")] = Path(".dacapo"),
    multitracks: Annotated[
        Path | None, typer.Option(help="(a) Catalog of real multitracks; by default debian's, if it is there.")
    ] = None,
    assembled: Annotated[
        Path | None, typer.Option(help="(b) Catalog of assembled mixtures; by default debian's, if it is there.")
    ] = None,
    stem: Annotated[
        Path | None, typer.Option(help="(c) A .stem.mp4 of MUSDB18, such as the one in stempeg; needs ffmpeg.")
    ] = None,
    musdb: Annotated[Path | None, typer.Option(help="Folder of MUSDB18: train, and judge the 50 test songs.")] = None,
    profile: Annotated[str, typer.Option(help="Profile whose audio and hyperparameters are used.")] = "full",
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Hyperparameters, such as steps=500.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Markdown file to write as well.")] = None,
) -> None:
    """SDR (museval, median of frames of one second, then median of songs) of vocals and accompaniment, beside the
    unprocessed mixture, REPET-SIM and the oracle ratio mask. A killed benchmark goes on where it was.
    """
    from pipeline.settings import load_settings
    from trainers.separation.task import TASK, SeparationHyperparameters

    settings = load_settings(
        {"task": "separation", "profile": profile}, [f"train.{assignment}" for assignment in assignments or ()]
    )
    hyperparameters = settings.hyperparameters()
    assert isinstance(hyperparameters, SeparationHyperparameters)
    bench = _Bench(TASK.audio[profile], hyperparameters, home.absolute() / "benchmarks" / "separation")
    say_validations()
    debian = home.absolute() / "catalogs" / "debian"
    multitracks = multitracks or _if_there(debian / "multitracks.csv")
    assembled = assembled or _if_there(debian / "assembled.csv")
    tables = []
    if multitracks is not None:
        tables.append(bench.leave_one_out(multitracks.absolute()))
    if assembled is not None:
        tables.append(bench.assembled(assembled.absolute()))
    if stem is not None:
        if assembled is None:
            raise BenchmarkError("--stem: the model of (b) is asked about it; name its data with --assembled")
        tables.append(bench.anecdote(stem.absolute(), assembled.absolute()))
    if musdb is not None:
        tables.append(bench.musdb(musdb.absolute()))
    if not tables:
        raise BenchmarkError(f"{debian}: holds no data; run './dacapo catalog build debian-sources', or name catalogs")
    show(f"Separation, profile {profile}", tables, output)


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None


class _Bench:
    """What all tables share: audio, hyperparameters, and a folder for trainings."""

    def __init__(self, spec: "AudioSpec", hyperparameters: "SeparationHyperparameters", folder: Path) -> None:
        self.spec, self.hyperparameters, self.folder = spec, hyperparameters, folder

    def leave_one_out(self, catalog: Path) -> Table:
        """(a): each song is judged by a separator that was trained on the others; one of these chooses the weights."""
        from benchmarks.separation_training import songs_of

        songs = songs_of(catalog)
        if len(songs) < 3:
            raise BenchmarkError(f"{catalog}: {len(songs)} songs; leaving one out takes 3")
        figures = []
        for number, song in enumerate(songs):
            say(f"(a) song {number + 1} of {len(songs)}, left out: {song.name}")
            chooser = songs[(number + 1) % len(songs)]
            training = [other for other in songs if other not in (song, chooser)]
            separator = self._train(training, [chooser])
            figures.append((song, self._judge(song, separator)))
        return self._table(
            "(a) Real multitracks: the lead guitar against the rest",
            figures,
            ("guitar", "rest"),
            f"{len(songs)} real two-track songs ({_packages(songs)}); there is no voice in them: the lead guitar "
            f"stands in its place. Trained on the other songs of the same bands, {len(songs) - 2} for each song "
            "and one more that chooses the weights; leave one song out.",
            each=True,
        )

    def assembled(self, catalog: Path) -> Table:
        """(b): trained on train, weights chosen on validation, judged on test."""
        separator, songs = self._by_split(catalog)
        counts = ", ".join(f"{len(songs[split])} {split}" for split in ("train", "validation", "test"))
        return self._table(
            "(b) Assembled mixtures: real voices over real music that knows nothing of them",
            self._judge_all(songs["test"], separator),
            ("vocals", "accompaniment"),
            f"Mixtures that were assembled, not recorded ({counts}): speakers, packages and artists of test occur in "
            "no other split. Trained on the assembled mixtures of train, mixed anew all the time.",
        )

    def anecdote(self, stem_file: Path, assembled: Path) -> Table:
        """(c): the separator of (b) on one excerpt of MUSDB18."""
        separator, _ = self._by_split(assembled)
        stems = _excerpt(stem_file, self.spec)
        return self._table(
            "(c) An anecdote: one excerpt of MUSDB18",
            [("the excerpt", self._figures(stems, separator))],
            ("vocals", "accompaniment"),
            f"{stems.shape[-1] / self.spec.sample_rate:.1f} s of one song, by the separator of (b), which has heard "
            "assembled mixtures only. One excerpt says nothing about others.",
        )

    def musdb(self, root: Path) -> Table:
        """The published protocol: trained on the 86 songs of train, chosen on its 14 of validation, 50 of test."""
        from catalog.musdb18 import import_musdb18

        imported = import_musdb18(root, test_split="eval")  # as `dacapo catalog import musdb18` does
        separator, songs = self._by_split(imported.catalog.path, judged="eval")
        return self._table(
            "MUSDB18",
            self._judge_all(songs["eval"], separator),
            ("vocals", "accompaniment"),
            f"Trained on MUSDB18's {len(songs['train'])} train songs, weights chosen on {len(songs['validation'])}, "
            f"judged on its {len(songs['eval'])} test songs. For vocals, 6.32 dB are published of Open-Unmix, 2.30 of "
            "REPET-SIM and 8.52 of the oracle IRM (SiSEC 2018).",
        )

    def _by_split(self, catalog: Path, judged: "Split" = "test") -> tuple["Separator", dict[str, list["Song"]]]:
        from benchmarks.separation_training import songs_of

        songs: dict[str, list[Song]] = {split: [] for split in ("train", "validation", "eval", "test")}
        for song in songs_of(catalog):
            songs[song.split].append(song)
        missing = [split for split in ("train", "validation", judged) if not songs[split]]
        if missing:
            raise BenchmarkError(f"{catalog}: no song is in the split {missing[0]}")
        say(f"{catalog.name}: training on {len(songs['train'])} songs")
        return self._train(songs["train"], songs["validation"]), songs

    def _train(self, training: Sequence["Song"], validation: Sequence["Song"]) -> "Separator":
        from benchmarks.separation_training import train_separator

        return train_separator(
            training, validation, spec=self.spec, hyperparameters=self.hyperparameters, folder=self.folder
        )

    def _judge_all(self, songs: Sequence["Song"], separator: "Separator") -> list[tuple["Song | str", np.ndarray]]:
        figures: list[tuple[Song | str, np.ndarray]] = []
        for number, song in enumerate(songs):
            say(f"  judging {number + 1} of {len(songs)}: {song.name}")
            figures.append((song, self._judge(song, separator)))
        return figures

    def _judge(self, song: "Song", separator: "Separator") -> np.ndarray:
        from benchmarks.separation_training import stems_of

        return self._figures(stems_of(song, self.spec), separator)

    def _figures(self, stems: np.ndarray, separator: "Separator") -> np.ndarray:
        """Median SDR of every system: np.ndarray [systems, 2 stems]."""
        import tensorflow as tf

        from benchmarks.museval_sdr import median_sdr
        from benchmarks.separation_peers import mixture, oracle, repet_sim
        from trainers.separation.task import STEMS

        answer = separator.separate(tf.constant(stems.sum(axis=0)))
        ours = np.stack([answer[stem].numpy() for stem in STEMS])
        rate = self.spec.sample_rate
        systems = (mixture(stems), repet_sim(stems, rate), ours, oracle(stems, rate))
        return np.stack([median_sdr(stems, estimate, rate) for estimate in systems])

    def _table(
        self,
        title: str,
        figures: Sequence[tuple["Song | str", np.ndarray]],
        stems: tuple[str, str],
        data: str,
        *,
        each: bool = False,
    ) -> Table:
        every = np.stack([figure for _, figure in figures])
        rows = list(_rows("median of songs", np.nanmedian(every, axis=0), stems)) if len(figures) > 1 else []
        if each or len(figures) == 1:
            for song, figure in figures:
                rows += _rows(song if isinstance(song, str) else song.name, figure, stems)
        channels = {1: "mono", 2: "stereo"}.get(self.spec.channels, f"{self.spec.channels} channels")
        settings = self.hyperparameters
        caption = (
            f"{data} SDR in dB by museval (BSS Eval v4), median of frames of 1 s, then of songs; all at "
            f"{self.spec.sample_rate} Hz {channels}. At most {settings.steps} steps of {settings.batch_size} examples "
            f"of {self.spec.segment_s:g} s, mask {settings.mask}, loss {settings.loss}."
        )
        silent = int(np.isnan(every).any(axis=(1, 2)).sum())
        if silent:
            caption += f" In {silent} of {len(figures)} songs no frame has both stems; they are in no median."
        return Table(title, ["songs, stem", *COLUMNS], rows, caption)


def _rows(name: str, figure: np.ndarray, stems: tuple[str, str]) -> Iterator[list[str]]:
    for number, stem in enumerate(stems):
        yield [f"{name}, {stem}", *(f"{value:.2f}" for value in figure[:, number])]


def _packages(songs: Sequence["Song"]) -> str:
    return ", ".join(sorted({song.recording.package or song.root.name for song in songs}))


def _excerpt(stem_file: Path, spec: "AudioSpec") -> np.ndarray:
    """The two stems of a stem file as the task hears them: np.ndarray [2, channels, samples]."""
    from contextlib import closing

    from audio.ffmpeg import FfmpegSource
    from audio.resampling import Resampler, to_channels

    def stream(number: int) -> np.ndarray:
        with closing(FfmpegSource(stem_file, stream=number)) as source:
            y = source.read(source.info.frames).T[:, STEM_LEAD_IN:]
            return Resampler(source.info.sample_rate, spec.sample_rate, spec.channels).push(
                to_channels(y, spec.channels), last=True
            )

    parts = {name: stream(number) for name, number in STEM_FILE_STREAMS.items()}
    return np.stack([parts["vocals"], parts["drums"] + parts["bass"] + parts["other"]]).astype(np.float32)


if __name__ == "__main__":
    with one_line_errors():
        app()
