"""VoiceBank-DEMAND as a catalog: speech of 30 or 58 speakers under noises of DEMAND (Valentini-Botinhao 2017).

Conventions
-----------
As published: ``clean_trainset_28spk_wav`` and ``noisy_trainset_28spk_wav`` (or 56spk), ``clean_testset_wav`` and
``noisy_testset_wav``, 48 kHz, files called ``<speaker>_<sentence>.wav``. The noise of each pair is written to
``noise/``. The published test split holds two speakers of its own; the last two speakers of the training set are
validation.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from audio.errors import AudioError
from audio.noises import background
from catalog.errors import CatalogError
from catalog.pairs import write_noise
from catalog.problem import Problem, printable
from catalog.published import Imported, Row, recording_or_problem, write_catalog
from catalog.recording import Split

LIBRARY = "voicebank-demand"
LICENCE = "CC-BY-4.0"
VALIDATION_SPEAKERS = 2
_SETS = re.compile(r"clean_(trainset(?:_\d+spk)?|testset)_wav")


def import_voicebank_demand(
    source: str | os.PathLike[str], *, test_split: Literal["test", "eval"] = "eval"
) -> Imported:
    """Write ``catalog.csv`` into the folder of the published folders.

    Parameters
    ----------
    source : the folder.
    test_split : our split for the published test set: with ``eval`` the gate judges on it, with ``test`` on nothing.

    Raises
    ------
    CatalogError
        If there is no published folder, or one lacks its noisy half.
    """
    root = Path(source)
    sets = sorted(match[1] for path in root.glob("clean_*_wav") if (match := _SETS.fullmatch(path.name)))
    if not any(name.startswith("trainset") for name in sets):
        raise CatalogError(f"{root}: holds no clean_trainset_28spk_wav")
    for name in sets:
        if not (root / f"noisy_{name}_wav").is_dir():
            raise CatalogError(f"{root}: noisy_{name}_wav is missing beside clean_{name}_wav")
    return write_catalog(root, LIBRARY, _rows(root, sets, test_split))


def _rows(root: Path, sets: list[str], test_split: Split) -> Iterator[Row | Problem]:
    line = 0
    for name in sets:
        sentences = sorted(path.stem for path in (root / f"clean_{name}_wav").glob("*.wav"))
        speakers = sorted({_speaker(sentence) for sentence in sentences})
        held_out = speakers[-VALIDATION_SPEAKERS:] if len(speakers) > VALIDATION_SPEAKERS else []
        for sentence in sentences:
            line += 1
            clean, noisy = (f"{half}_{name}_wav/{sentence}.wav" for half in ("clean", "noisy"))
            try:
                pair = write_noise(root, clean, noisy, f"noise/{name}/{sentence}.flac")
            except AudioError as error:
                shown = printable(os.path.relpath(error.path, root))
                yield Problem(line, "path", shown, error.reason, printable(sentence), root.name)
                continue
            split = test_split if name == "testset" else "validation" if _speaker(sentence) in held_out else "train"
            yield recording_or_problem(
                root,
                line,
                id=f"{name}/{sentence}",
                path=noisy,
                artist=_speaker(sentence),
                licence=LICENCE,
                tags=(background.NAME, *pair.tags),
                stems={"clean": clean, "noise": pair.noise},
                split=split,
            )


def _speaker(sentence: str) -> str:
    return sentence.partition("_")[0]
