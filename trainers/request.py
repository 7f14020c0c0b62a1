"""What the graph asks of a training: the Trainer's ``custom_config``, checked once."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from audio.errors import DaCapoError
from audio.spec import AudioSpec
from trainers.checkpoints import checkpoint_key
from trainers.task import Hyperparameters, load_task


class VocabularyConfig(BaseModel):
    """Tags in the order of the labels, and the parent of each child."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tags: tuple[str, ...] = ()
    parents: dict[str, str] = {}


class TrainerConfig(BaseModel):
    """The Trainer's ``custom_config``.

    Attributes
    ----------
    task, profile, library : what is trained on what.
    spec, vocabulary, hyperparameters : as the graph was built with.
    checkpoint_root : folder outside TFX's outputs; checkpoints of one training lie in a folder of it.
    warm_start : ``none``, the path of an exported model, or what a task's own learner knows (tagging: ``musicnn``).
    code : hash of the sources behind the training.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    task: str
    profile: str
    library: str
    spec: AudioSpec
    vocabulary: VocabularyConfig = VocabularyConfig()
    hyperparameters: dict[str, Any]
    seed: int = 0
    checkpoint_root: str
    strategy: Literal["auto", "one_device", "mirrored", "multi_worker"] = "auto"
    warm_start: str = "none"
    code: str = ""

    def typed_hyperparameters(self) -> Hyperparameters:
        """The hyperparameters as the task's own type."""
        kind = type(load_task(self.task).hyperparameters[self.profile])
        return kind.model_validate(self.hyperparameters)

    def checkpoint_folder(self, data: Sequence[str]) -> str:
        """Where this training's checkpoints lie: its key holds all that shapes the weights, and not where it runs.

        Parameters
        ----------
        data : what names the data (`trainers.data_stamps`)
        """
        facts = self.model_dump(mode="json", exclude={"checkpoint_root", "strategy", "profile"})
        return os.path.join(self.checkpoint_root, checkpoint_key(facts | {"data": list(data)}))


def parse_request(custom_config: Mapping[str, Any] | None) -> TrainerConfig:
    """The checked configuration.

    Raises
    ------
    DaCapoError
        A field is missing or wrong; one line that names it.
    """
    try:
        return TrainerConfig.model_validate(custom_config or {})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise DaCapoError(f"Trainer custom_config.{field}={first['input']!r}: {first['msg']}") from error


@dataclass(frozen=True)
class Recipe:
    """What a task makes its learner and its signatures of.

    Attributes
    ----------
    config : the checked ``custom_config``.
    hyperparameters : the task's own type.
    constants : columns that are the same in every row of Transform's output, such as corpus statistics, np.ndarray by
        name.
    """

    config: TrainerConfig
    hyperparameters: Hyperparameters
    constants: Mapping[str, Any]
