"""Which packages the debian library is made of, and what is known of each file: ``mapping.yaml``.

Conventions
-----------
Splits follow from the mapping alone: which packages a machine could get, and in which order, moves no artist. Sources
are placed one after the other, so a source that is appended moves nothing that stood before it.
"""

import fnmatch
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from catalog.errors import CatalogError
from catalog.recording import Recording, Split, check_path, normalise_tag
from catalog.splits import SplitAssigner
from catalog.yaml_text import NotYaml, read_yaml

MAPPING = Path(__file__).with_name("mapping.yaml")
UNKNOWN = "?"
# No test split: the gate and the benchmark need every recording there is. Of the seeds 0 to 299 this one keeps
# recordings near the shares with the most artists for every tag; it was chosen on counts, before any model was trained.
SHARES: Mapping[Split, float] = {"train": 0.55, "validation": 0.15, "eval": 0.30}
SEED = 2
MIN_DURATION_S = 10.0  # of music: what is shorter is a jingle

_Tag = Annotated[str, AfterValidator(normalise_tag)]
_Folder = Annotated[str, AfterValidator(check_path)]


class Source(BaseModel):
    """One package.

    Attributes
    ----------
    name : of the folder it gets and of its recordings' ids; does not change with the package's version.
    package : shell pattern of the package's name.
    folders : where its music lies, each a path in the package in which ``*`` stands for one folder's name; a zip
        archive counts as a folder.
    licence : of the music, where the package's copyright file does not say it in a machine-readable way.
    tags : of every recording.
    artists : artist to shell pattern of a file, without its suffix and relative to its folder, to further tags. ``?``
        is an artist that nobody names: the file's metadata and the copyright file are asked, else the package is the
        unit of the split.
    skip : patterns of files that are left out on purpose: jingles, noises, second versions, music that none of our
        words fits. A file with a label is only left out where `labelled_only` is set.
    stems : name of a stem to its file, beside the recording.
    min_duration_s : files shorter than this are not kept.
    labelled_only : only files with a label, and of those none that fits `skip`, are unpacked: for a few sounds out of a
        package of thousands.
    needs_ffmpeg : the recordings are in a format that libsndfile does not read; they are kept as flac.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+-]*$")]
    package: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+*\[\]-]*$")]
    folders: Annotated[tuple[_Folder, ...], Field(min_length=1)]
    licence: str | None = None
    tags: tuple[_Tag, ...] = ()
    artists: Mapping[str, Mapping[str, tuple[_Tag, ...]]]
    skip: tuple[str, ...] = ()
    stems: Mapping[str, str] = Field(default_factory=dict)
    min_duration_s: Annotated[float, Field(gt=0)] = MIN_DURATION_S
    labelled_only: bool = False
    needs_ffmpeg: bool = False

    def place(self, path: str) -> str | None:
        """The relative path that the file at `path` in the package gets, None if it lies in none of `folders`."""
        parts = path.split("/")
        for folder in self.folders:
            wanted = folder.split("/")
            if len(parts) > len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted)):
                return "/".join(parts[len(wanted) :])
        return None

    def label(self, path: str) -> "Label | None":
        """What the mapping knows of the file at the relative `path`, None if it is not named."""
        stem = os.path.splitext(path)[0]
        for artist, files in self.artists.items():
            for pattern, tags in files.items():
                if fnmatch.fnmatchcase(stem, pattern):
                    return Label(None if artist == UNKNOWN else artist, tuple(dict.fromkeys(self.tags + tags)))
        return None

    def is_skipped(self, path: str) -> bool:
        """Whether a file is meant to be left out: named under `skip`, or a stem of a recording."""
        known = any(fnmatch.fnmatchcase(os.path.splitext(path)[0], pattern) for pattern in self.skip)
        return known or os.path.basename(path) in self.stems.values()

    @property
    def selection(self) -> str | None:
        """What an unpacked package depends on besides its folders; None for all the audio in them."""
        if not self.labelled_only:
            return None
        patterns = sorted(pattern for files in self.artists.values() for pattern in files)
        return json.dumps([patterns, sorted(self.skip), self.min_duration_s])

    def is_wanted(self, path: str) -> bool:
        """Whether the file at the relative `path` is to be unpacked, as far as labels go."""
        return not self.labelled_only or (self.label(path) is not None and not self.is_skipped(path))

    def reaches_into(self, path: str) -> bool:
        """Whether the archive at `path` is one of the folders on the way to the music."""
        parts = path.split("/")
        wanted = (folder.split("/") for folder in self.folders)
        return any(len(parts) <= len(way) and all(map(fnmatch.fnmatchcase, parts, way)) for way in wanted)


@dataclass(frozen=True)
class Label:
    """What the mapping says about a file."""

    artist: str | None
    tags: tuple[str, ...]


class _MappingFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    pinned: Mapping[str, Split] = Field(default_factory=dict)
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class LabelMap:
    """The sources in their order, and the artists whose split is given rather than found."""

    sources: tuple[Source, ...]
    pinned: Mapping[str, Split] = field(default_factory=dict)

    @cached_property
    def expected(self) -> tuple[Recording, ...]:
        """A recording for every pattern of the mapping: the library as it is when every package can be had."""
        return tuple(
            Recording(
                id=f"{source.name}/{pattern}",
                path=f"{source.name}/{pattern}",
                artist=None if artist == UNKNOWN else artist,
                package=source.name,
                tags=source.tags + tags,
                split=self.pinned.get(artist),
            )
            for source in self.sources
            for artist, files in source.artists.items()
            for pattern, tags in files.items()
        )

    @cached_property
    def _splits(self) -> dict[str, Split]:
        assigner = SplitAssigner(SEED, SHARES)
        return {unit_of(row.artist, str(row.package)): assigner.assign(row) for row in self._largest_first()}

    def split(self, artist: str | None, source: str) -> Split | None:
        """Split of the recordings of `artist`, else of those of `source` that have none; None if that is unknown."""
        return self._splits.get(unit_of(artist, source)) or self._splits.get(unit_of(None, source))

    def _largest_first(self) -> list[Recording]:
        """Source by source, in each the unit with the most recordings first: the small ones even out the rest."""
        rows: list[Recording] = []
        for source in self.sources:
            mine = [row for row in self.expected if row.package == source.name]
            size = {row.artist: sum(other.artist == row.artist for other in mine) for row in mine}
            rows += sorted(mine, key=lambda row: (-size[row.artist], row.artist or ""))
        return rows


def unit_of(artist: str | None, source: str) -> str:
    """Name of what must stay in one split: the artist, else the source."""
    return f"artist {artist.casefold()}" if artist else f"source {source}"


def load_mapping(path: Path = MAPPING) -> LabelMap:
    """The mapping in the YAML file at `path`.

    Raises
    ------
    CatalogError
        If the file cannot be read or says something else than `Source` describes, or two sources have one name.
    """
    try:
        content = _MappingFile.model_validate(read_yaml(path.read_text(encoding="utf-8")))
    except (OSError, NotYaml, UnicodeDecodeError) as error:
        raise CatalogError(f"{path}: cannot be read: {error}") from error
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise CatalogError(f"{path}: {'.'.join(map(str, detail['loc']))}: {detail['msg']}") from error
    names = [source.name for source in content.sources]
    for name in names:
        if names.count(name) > 1:
            raise CatalogError(f'{path}: source "{name}" stands there twice')
    return LabelMap(content.sources, content.pinned)
