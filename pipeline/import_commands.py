"""``dacapo catalog import``: catalogs for published data sets, and for folders in a known layout, on this disk."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipeline.terminal import one_line_errors, progress_bar


class TestSplit(StrEnum):
    """The splits that a published test split can become."""

    EVAL = "eval"
    TEST = "test"


import_app = typer.Typer(
    help="Write a catalog for a published data set on this disk.", no_args_is_help=True, rich_markup_mode=None
)
TestSplitOption = Annotated[
    TestSplit, typer.Option(help="What the published test split becomes: eval, which the gate judges on, or test.")
]
AudioOption = Annotated[
    Path | None, typer.Option(help="Folder of the audio, where it lies apart; the catalog is written there.")
]
LibraryOption = Annotated[str, typer.Option(help="Name of the library in the catalog.")]


@import_app.command("magnatagatune")
def magnatagatune(
    source: Annotated[Path, typer.Argument(help="Folder of annotations_final.csv and the mp3 folders 0 to f.")],
    audio: AudioOption = None,
    test_split: TestSplitOption = TestSplit.EVAL,
) -> None:
    """MagnaTagATune in its published layout, for tagging."""
    from catalog.magnatagatune import import_magnatagatune

    with one_line_errors():
        typer.echo(str(import_magnatagatune(source, audio, test_split=test_split.value)))


@import_app.command("mtg-jamendo")
def mtg_jamendo(
    source: Annotated[Path, typer.Argument(help="Folder of the audio (00 to 99) and of data/ with the TSV files.")],
    audio: AudioOption = None,
    subset: Annotated[str, typer.Option(help="The TSV to read, such as autotagging_moodtheme.")] = "autotagging",
    split: Annotated[int, typer.Option(help="The published split, 0 to 4.", min=0, max=4)] = 0,
    test_split: TestSplitOption = TestSplit.EVAL,
) -> None:
    """MTG-Jamendo in its published layout, for tagging."""
    from catalog.mtg_jamendo import import_mtg_jamendo

    with one_line_errors():
        typer.echo(str(import_mtg_jamendo(source, audio, subset=subset, split=split, test_split=test_split.value)))


@import_app.command("musdb18")
def musdb18(
    source: Annotated[Path, typer.Argument(help="Folder of train/ and test/: stem files, or folders of wav files.")],
    test_split: TestSplitOption = TestSplit.EVAL,
) -> None:
    """MUSDB18 or MUSDB18-HQ in its published layout, for separation."""
    from catalog.musdb18 import import_musdb18

    with one_line_errors(), progress_bar("MUSDB18") as advance:
        typer.echo(str(import_musdb18(source, test_split=test_split.value, progress=advance)))


@import_app.command("stems")
def stems(
    source: Annotated[Path, typer.Argument(help="Folder of songs, each with vocals.wav and accompaniment.wav.")],
    library: LibraryOption = "stems",
) -> None:
    """Plain folders of stems, for separation; a mixture.wav is written where there is none of yours."""
    from catalog.stem_folders import import_stem_folders

    with one_line_errors():
        typer.echo(str(import_stem_folders(source, library=library)))


@import_app.command("sound-events")
def sound_events(
    source: Annotated[Path, typer.Argument(help="Folder of metadata/ with weak and strong TSV files, and audio/.")],
    library: LibraryOption = "sound-events",
) -> None:
    """Weak and strong labels in the layout of DESED and AudioSet, for defects; one wrong row costs its clip."""
    from catalog.sound_events import import_sound_events

    with one_line_errors():
        typer.echo(str(import_sound_events(source, library)))


@import_app.command("voicebank-demand")
def voicebank_demand(
    source: Annotated[Path, typer.Argument(help="Folder of the published clean_ and noisy_ train and test folders.")],
    test_split: TestSplitOption = TestSplit.EVAL,
) -> None:
    """VoiceBank-DEMAND in its published layout, for restoration."""
    from catalog.voicebank_demand import import_voicebank_demand

    with one_line_errors():
        typer.echo(str(import_voicebank_demand(source, test_split=test_split.value)))


@import_app.command("noisy-pairs")
def noisy_pairs(
    source: Annotated[Path, typer.Argument(help="Folder of clean/ and noisy/ with files of the same names.")],
    library: LibraryOption = "pairs",
) -> None:
    """Folders of clean and noisy recordings, for restoration."""
    from catalog.noisy_pairs import import_noisy_pairs

    with one_line_errors():
        typer.echo(str(import_noisy_pairs(source, library=library)))
