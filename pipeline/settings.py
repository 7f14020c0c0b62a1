"""The settings of a run: typed, frozen, validated once, at the door."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from audio.errors import DaCapoError
from catalog.recording import Split
from catalog.yaml_text import NotYaml, read_yaml
from pipeline.beam import Beam
from trainers.task import TASKS, Hyperparameters, Task, load_task

PROJECT = Path(__file__).resolve().parent.parent
HOME = PROJECT / ".dacapo"
GLOB = frozenset("*?[]")
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # one slash: a Path has lost the other


class SettingsError(DaCapoError):
    """A setting that cannot be used; one line naming the field, the value and what would be right."""


def absolute(value: Any) -> Any:
    """A path, absolute, with a leading ``~`` as the home folder; anything else as it is.

    Raises
    ------
    ValueError
        It is a URL, or begins with a user whom nobody knows.
    """
    if not isinstance(value, str | Path):
        return value
    if URL.match(str(value)):
        raise ValueError("is a URL, write the path of a file system that is mounted")
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError("begins with a user whom this machine does not know") from error


def absolute_home(value: Any) -> Any:
    """`absolute`, of a folder below which files are looked for by pattern.

    Raises
    ------
    ValueError
        As `absolute`, or its name holds what patterns are made of.
    """
    path = absolute(value)
    if GLOB & set(str(path)):
        raise ValueError(f"holds one of {' '.join(sorted(GLOB))}, which TFX takes for a pattern of names")
    return path


AbsolutePath = Annotated[Path, BeforeValidator(absolute)]
Word = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]
"""Text, in which YAML saw a number: ``warm_start=1764000000`` is a version."""


class Shares(BaseModel):
    """Share of the library that each split aims at."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    train: float = Field(0.6, gt=0, lt=1)
    validation: float = Field(0.15, gt=0, lt=1)
    eval: float = Field(0.2, gt=0, lt=1)
    test: float = Field(0.05, ge=0, lt=1)

    def by_split(self) -> dict[Split, float]:
        """The shares by the name of their split."""
        return {"train": self.train, "validation": self.validation, "eval": self.eval, "test": self.test}


class Ingest(BaseModel):
    """How AudioExampleGen reads recordings.

    Attributes
    ----------
    descriptors : ``none``, ``cheap``, or ``all`` (tempo and key too).
    max_set_aside_share : share of recordings that may be unusable before the run fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    descriptors: Literal["none", "cheap", "all"] = "cheap"
    max_set_aside_share: float = Field(0.05, ge=0, le=1)
    shares: Shares = Shares()


class Metadata(BaseModel):
    """Where ML Metadata keeps what runs did: a SQLite file in the home folder, or MySQL, which many runs share.

    Attributes
    ----------
    store : ``sqlite`` or ``mysql`` (MariaDB answers as well); PostgreSQL fails in ml-metadata 1.21.
    host, port, database, user : of MySQL.
    password_env : name of the environment variable that holds the password, so that no settings hold it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: Literal["sqlite", "mysql"] = "sqlite"
    host: str = Field("dacapo-mysql", min_length=1)
    port: int = Field(3306, ge=1, le=65535)
    database: str = Field("dacapo", min_length=1)
    user: str = Field("dacapo", min_length=1)
    password_env: str = Field("DACAPO_METADATA_PASSWORD", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")


class Settings(BaseModel):
    """Everything that a run depends on besides the data and the code.

    Attributes
    ----------
    task, library, profile : name the pipeline; a model is never compared with one of another pipeline.
    home : where catalogs, metadata, checkpoints, logs and served models live.
    catalog : the catalog file; by default ``<home>/catalogs/<library>/<task's catalog>.csv``.
    schemas : folder of ``schema.pbtxt``, ``gate.yaml`` and ``tags.yaml``; by default ``schemas/<task>/<library>``.
    train : overrides of the task's hyperparameters.
    warm_start : ``none``, ``latest`` (the newest served version), a version, or for tagging ``musicnn``: published
        networks listen in place of the model's own.
    strategy : how training is distributed; ``auto`` takes what the machine has.
    metadata : where ML Metadata keeps what runs did.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    task: str = "tagging"
    library: str = Field("builtin", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    profile: str = "quick"
    home: Annotated[Path, BeforeValidator(absolute_home)] = HOME
    catalog: AbsolutePath | None = None
    schemas: AbsolutePath | None = None
    seed: int = Field(0, ge=0, lt=2**32)
    ingest: Ingest = Ingest()
    beam: Beam = Beam()
    train: dict[str, Any] = Field(default_factory=dict)
    warm_start: Word = "none"
    strategy: Literal["auto", "one_device", "mirrored", "multi_worker"] = "auto"
    metadata: Metadata = Metadata()

    @property
    def name(self) -> str:
        """The pipeline's name: ``<task>-<library>-<profile>``."""
        return f"{self.task}-{self.library}-{self.profile}"

    @property
    def catalog_path(self) -> Path:
        """The catalog file."""
        return self.catalog or self.home / "catalogs" / self.library / f"{self.load_task().catalog}.csv"

    @property
    def schemas_path(self) -> Path:
        """The folder of schema, gate and vocabulary."""
        return self.schemas or PROJECT / "schemas" / self.task / self.library

    @property
    def pipeline_root(self) -> Path:
        """Where TFX writes the artifacts of this pipeline."""
        return self.home / "pipelines" / self.name

    @property
    def served(self) -> Path:
        """The folder that TensorFlow Serving watches, one numbered directory a version."""
        return self.home / "serving" / self.name

    @property
    def metadata_file(self) -> Path:
        """The SQLite file of ML Metadata, where that is the store; all pipelines of a home share it."""
        return self.home / "metadata.sqlite"

    def load_task(self) -> Task:
        """The task that these settings name."""
        return load_task(self.task)

    def hyperparameters(self) -> Hyperparameters:
        """The task's hyperparameters for the profile, with the overrides of ``train``.

        Raises
        ------
        SettingsError
            If an override names no hyperparameter or has a wrong value.
        """
        preset = self.load_task().hyperparameters[self.profile]
        try:
            return type(preset).model_validate(preset.model_dump() | self.train)
        except ValidationError as error:
            raise SettingsError(_first(error, "train.")) from error


def read_assignment(assignment: str, *, example: str) -> tuple[str, Any]:
    """Key and value of ``--set key=value``; the value is read as YAML.

    Raises
    ------
    SettingsError
        It has no key or no value; the message names `example`.
    """
    key, equals, text = assignment.partition("=")
    if not equals or not key:
        raise SettingsError(f"--set {assignment!r}: write key=value, for example {example}")
    try:
        return key, read_yaml(text)
    except NotYaml as error:
        raise SettingsError(f"--set {assignment!r}: {text!r} is not a value") from error


def load_settings(
    values: dict[str, Any], assignments: Iterable[str] = (), *, dotted: Mapping[str, Any] = MappingProxyType({})
) -> Settings:
    """Settings from named values and ``key=value`` assignments, which win.

    Parameters
    ----------
    values : top-level fields.
    assignments : such as ``train.steps=200`` or ``ingest.descriptors=all``; values are read as YAML.
    dotted : the same, read already: ``{"train.steps": 200}``.

    Raises
    ------
    SettingsError
        If an assignment is malformed or a field has a wrong name or value.
    """
    merged: dict[str, Any] = {key: value for key, value in values.items() if value is not None}
    given = [(f"--set {text!r}", *read_assignment(text, example="train.steps=200")) for text in assignments]
    given += [(key, key, value) for key, value in dotted.items()]
    for name, key, value in given:
        *parents, leaf = key.split(".")
        target = merged
        for parent in parents:
            target = target.setdefault(parent, {})
            if not isinstance(target, dict):
                raise SettingsError(f"{name}: {parent} is no group of settings")
        target[leaf] = value
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise SettingsError(_first(error, "")) from error
    if settings.task not in TASKS:
        raise SettingsError(f"task={settings.task!r} is not one of {', '.join(TASKS)}")
    profiles = settings.load_task().hyperparameters
    if settings.profile not in profiles:
        raise SettingsError(f"profile={settings.profile!r} is not one of {', '.join(profiles)}")
    settings.hyperparameters()
    return settings


def _first(error: ValidationError, prefix: str) -> str:
    problem = error.errors()[0]
    field, message = ".".join(str(part) for part in problem["loc"]), problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        return f"{prefix}{field} is not a setting"
    if problem["type"] == "value_error" and isinstance(problem["input"], dict):  # of a group, whose fields it names
        return f"{prefix}{message}"
    given = str(problem["input"]) if isinstance(problem["input"], Path) else problem["input"]
    return f"{prefix}{field}={given!r}: {message}"
