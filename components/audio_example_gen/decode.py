"""A recording's audio columns as PCM16 and its descriptors, each file decoded once, block by block."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio.descriptors import Descriptors, DescriptorSet
from audio.errors import AudioError, DaCapoError
from audio.files import blocks, probe
from audio.resampling import Resampler, to_channels
from audio.spec import AudioSpec
from catalog.recording import Recording
from components.audio_example_gen.segments import MIN_AUDIO_S
from components.audio_example_gen.settings import RECORDING_COLUMN, Detail, Settings
from components.audio_example_gen.spool import PcmSpool

ALIGNMENT_S = 0.01
"""Columns of a recording may differ in length by this much and are cut to the shortest; beyond it they are not
aligned."""


class SetAside(DaCapoError):
    """A recording that cannot be used; the message is `reason`.

    Attributes
    ----------
    column, value : the catalog's column to blame and what stands there.
    reason : so that ``value reason`` is a sentence.
    """

    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.value, self.reason = column, value, reason


@dataclass(frozen=True)
class Decoded:
    """A recording that is decoded to its end.

    Attributes
    ----------
    columns : audio columns in the order of the specification.
    num_samples : length of every column, samples a channel.
    descriptors : of the recording's own file, None when none are asked for.
    """

    columns: dict[str, PcmSpool]
    num_samples: int
    descriptors: Descriptors | None


@contextmanager
def decoded(recording: Recording, root: Path, settings: Settings) -> Iterator[Decoded]:
    """The recording's columns and descriptors; the audio is there as long as the block runs.

    Raises
    ------
    SetAside
        If a file cannot be decoded to its end, the recording is shorter than `MIN_AUDIO_S`, its columns are not
        equally long, or an event that the task reads begins after its end.
    """
    with ExitStack() as stack:
        spec, files = settings.audio, settings.files_of(recording)
        columns = {column: stack.enter_context(PcmSpool(spec.channels)) for column in spec.columns}
        descriptors = None
        for column, path in files.items():
            described = settings.descriptors if column == RECORDING_COLUMN else "none"
            try:
                found = _decode(root / path, columns.get(column), spec, described)
            except AudioError as error:
                raise SetAside(_cell(column), path, error.reason) from error
            descriptors = descriptors or found
        num_samples = _common_length(files, columns, spec.sample_rate)
        if settings.timed_labels:
            _check_events(recording, num_samples / spec.sample_rate)
        yield Decoded(columns, num_samples, descriptors)


def _check_events(recording: Recording, duration_s: float) -> None:
    for name, onset_s, _ in recording.labels:
        if onset_s > duration_s:
            raise SetAside("labels", name, f"begins at {onset_s} s, and the recording ends at {duration_s:.3f} s")


def _decode(path: Path, spool: PcmSpool | None, spec: AudioSpec, detail: Detail) -> Descriptors | None:
    """One pass over a file: into `spool` as the specification wants it, as it is into the descriptors."""
    if detail == "none" and spool is not None:
        for y in blocks(path, sample_rate=spec.sample_rate, channels=spec.channels):
            spool.append(y)
        return None
    info = probe(path)
    measured = DescriptorSet(info.sample_rate, info.channels, frames=info.frames, tempo_and_key=detail == "all")
    if spool is None:
        for y in blocks(path):
            measured.update(y)
        return measured.result()
    resampler = Resampler(info.sample_rate, spec.sample_rate, spec.channels)
    for y in blocks(path):
        measured.update(y)
        spool.append(resampler.push(_to_channels(path, y, spec.channels)))
    spool.append(resampler.push(np.empty((spec.channels, 0), np.float32), last=True))
    return measured.result()


def _to_channels(path: Path, y: np.ndarray, channels: int) -> np.ndarray:
    try:
        return to_channels(y, channels)
    except ValueError as error:
        raise AudioError(path, str(error)) from error


def _cell(column: str) -> str:
    """The catalog's column that names the file of an audio column."""
    return "path" if column == RECORDING_COLUMN else "stems"


def _common_length(files: Mapping[str, str], columns: dict[str, PcmSpool], sample_rate: int) -> int:
    lengths = {column: spool.num_samples for column, spool in columns.items()}
    shortest, longest = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
    if lengths[longest] - lengths[shortest] > ALIGNMENT_S * sample_rate:
        raise SetAside(
            "stems",
            shortest,
            f"lasts {lengths[shortest] / sample_rate:.3f} s and {longest} {lengths[longest] / sample_rate:.3f} s: "
            f"they must be equally long to {ALIGNMENT_S} s",
        )
    if lengths[shortest] < MIN_AUDIO_S * sample_rate:
        reason = f"lasts {lengths[shortest] / sample_rate:.3f} s; at least {MIN_AUDIO_S} s are needed"
        raise SetAside(_cell(shortest), files[shortest], reason)
    return lengths[shortest]
