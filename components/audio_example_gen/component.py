"""AudioExampleGen: the recordings of a catalog as Examples."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.channel import Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from audio.spec import AudioSpec
from catalog.recording import Split
from catalog.vocabulary import Vocabulary
from components.artifact_types import CatalogReport
from components.audio_example_gen.driver import Driver
from components.audio_example_gen.executor import Executor
from components.audio_example_gen.settings import Detail, Settings


class AudioExampleGenSpec(ComponentSpec):
    """The component as TFX sees it; the meaning of the parameters is in `Settings`."""

    PARAMETERS: ClassVar[Mapping[str, ExecutionParameter]] = {
        "catalog_path": ExecutionParameter(type=str),
        "vocabulary": ExecutionParameter(type=str),
        "audio": ExecutionParameter(type=str),
        "descriptors": ExecutionParameter(type=str),
        "timed_labels": ExecutionParameter(type=int),
        "split_seed": ExecutionParameter(type=int),
        "shares": ExecutionParameter(type=str),
        "max_set_aside_share": ExecutionParameter(type=float),
        "index_path": ExecutionParameter(type=str),
        "code": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[Mapping[str, ChannelParameter]] = {}
    OUTPUTS: ClassVar[Mapping[str, ChannelParameter]] = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "report": ChannelParameter(type=CatalogReport),
    }


class AudioExampleGen(base_beam_component.BaseBeamComponent):
    """Decodes the recordings of a catalog into Examples, without asking which task they are for.

    Outputs
    -------
    ``examples`` : standard Examples in the splits train, validation, eval and test; their layout is in
    `examples.examples`. Train and validation hold segments of one length, eval and test one Example a recording.

    ``report`` : CatalogReport, what was set aside and why, and what each split holds; read it with
    `report.read_report`.

    Parameters
    ----------
    index_path : SQLite file for the SHA-256 of files that did not change; outside of TFX's folders, shared by all
    pipelines.
    code : hash of the sources behind this component, so that a changed source runs it again.

    See Also
    --------
    settings.Settings : the other parameters.
    """

    SPEC_CLASS = AudioExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self,
        *,
        catalog_path: str | Path,
        vocabulary: Vocabulary | str,
        audio: AudioSpec | str,
        descriptors: Detail,
        timed_labels: bool,
        split_seed: int,
        shares: Mapping[Split, float],
        index_path: str | Path,
        code: str,
        max_set_aside_share: float = 0.05,
    ) -> None:
        settings = Settings.read(
            {
                "catalog_path": catalog_path,
                "vocabulary": vocabulary,
                "audio": audio,
                "descriptors": descriptors,
                "timed_labels": timed_labels,
                "split_seed": split_seed,
                "shares": shares,
                "max_set_aside_share": max_set_aside_share,
                "index_path": index_path,
                "code": code,
            }
        )
        spec = AudioExampleGenSpec(
            **settings.exec_properties(),
            examples=Channel(type=standard_artifacts.Examples),
            report=Channel(type=CatalogReport),
        )
        super().__init__(spec=spec)
