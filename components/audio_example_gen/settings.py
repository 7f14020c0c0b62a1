"""What AudioExampleGen is told: checked once, carried through TFX as execution properties."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, Json, TypeAdapter, ValidationError, model_validator

from audio.errors import DaCapoError
from audio.spec import AudioSpec
from catalog.recording import SPLITS, Recording, Split
from catalog.vocabulary import Vocabulary

RECORDING_COLUMN = "audio"
"""The audio column that holds the recording itself; every other column is the stem of that name."""

Detail = Literal["none", "cheap", "all"]

_VOCABULARY = TypeAdapter(Vocabulary)


class Settings(BaseModel):
    """The settings of one AudioExampleGen.

    Attributes
    ----------
    catalog_path : catalog file, CSV or Parquet.
    vocabulary : of the library; an empty one accepts any tag, and Examples then have no ``labels``.
    audio : columns, rate, channels and lengths.
    descriptors : "none", "cheap" (all but tempo and key) or "all".
    timed_labels : whether Examples carry ``timed`` and ``events`` with ``onsets_s`` and ``offsets_s``.
    split_seed : of `catalog.splits.SplitAssigner`.
    shares : of recordings by split; they sum to 1.
    max_set_aside_share : the component fails if more than this share of the rows, 0 to 1, is set aside.
    index_path : SQLite file that remembers SHA-256 by path, size and times of change.
    code : hash of the sources behind this component; a part of the cache key and nothing else.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")  # the driver's fingerprint travels among the properties

    catalog_path: Path
    vocabulary: Vocabulary | Json[Vocabulary]
    audio: AudioSpec | Json[AudioSpec]
    descriptors: Detail
    timed_labels: bool
    split_seed: int
    shares: Mapping[Split, float] | Json[Mapping[Split, float]]
    max_set_aside_share: Annotated[float, Field(ge=0, le=1)]
    index_path: Path
    code: str

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        if min(self.shares.values(), default=-1) < 0 or abs(sum(self.shares.values()) - 1) > 1e-6:
            raise ValueError(f"{dict(self.shares)} must give {', '.join(SPLITS)} non-negative shares that sum to 1")
        return self

    @classmethod
    def read(cls, properties: Mapping[str, Any]) -> Self:
        """The settings in TFX's execution properties, or from plain arguments.

        Raises
        ------
        DaCapoError
            If one of them is wrong.
        """
        try:
            return cls.model_validate(dict(properties))
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in detail["loc"]) or "shares"
            raise DaCapoError(f"AudioExampleGen: {place}: {str(detail['input'])[:80]!r}: {detail['msg']}") from error

    def exec_properties(self) -> dict[str, str | int | float]:
        """The settings as TFX stores them: strings, numbers and JSON. `read` is the inverse."""
        return {
            "catalog_path": str(self.catalog_path),
            "vocabulary": _VOCABULARY.dump_json(self.vocabulary).decode(),
            "audio": self.audio.model_dump_json(),
            "descriptors": self.descriptors,
            "timed_labels": int(self.timed_labels),
            "split_seed": self.split_seed,
            "shares": json.dumps(dict(self.shares), sort_keys=True),
            "max_set_aside_share": self.max_set_aside_share,
            "index_path": str(self.index_path),
            "code": self.code,
        }

    def files_of(self, recording: Recording) -> dict[str, str]:
        """The files that are read of a recording: column to path in the catalog's folder.

        The recording's own file is ``"audio"``, read as a column or for the descriptors. A stem that the recording
        lacks is left out.
        """
        own = self.descriptors != "none" or RECORDING_COLUMN in self.audio.columns
        files = {RECORDING_COLUMN: recording.path} if own else {}
        stems = [column for column in self.audio.columns if column != RECORDING_COLUMN and column in recording.stems]
        return files | {column: recording.stems[column] for column in stems}
