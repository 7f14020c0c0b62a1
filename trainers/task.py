"""What a task tells the graph: its audio, its hyperparameters and the import paths of its parts.

Nothing here imports TensorFlow: the command line reads tasks before anything heavy is loaded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from audio.spec import AudioSpec

__all__ = ["TASKS", "AudioSpec", "Hyperparameters", "Task", "load_task"]

TASKS = ("tagging", "separation", "defects", "restoration")


class Hyperparameters(BaseModel):
    """What every task's training loop needs; each task adds its own in a subclass.

    Attributes
    ----------
    steps : optimizer steps at most; early stopping may end before.
    batch_size : global batch, over all replicas of all workers.
    learning_rate : the highest; it rises to it over `warmup_steps` and falls to one percent of it along a cosine.
    weight_decay : of AdamW, per unit of learning rate.
    clip_norm : largest global norm of the gradients.
    validate_every, checkpoint_every : steps.
    patience : validations without a better one before training ends.
    select_from_step : weights of earlier steps are not taken, however well they do on validation, nor does `patience`
        count from there; those of the last step always may be. For a validation so small that the best of many is
        chance.
    mixed_precision : compute in bfloat16, keep weights in float32.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    steps: PositiveInt
    batch_size: PositiveInt
    learning_rate: PositiveFloat
    warmup_steps: NonNegativeInt = 0
    weight_decay: NonNegativeFloat = 0.0
    clip_norm: PositiveFloat = 1.0
    validate_every: PositiveInt
    checkpoint_every: PositiveInt
    patience: PositiveInt = 10
    select_from_step: NonNegativeInt = 0
    mixed_precision: bool = False


@dataclass(frozen=True)
class Task:
    """One folder of ``trainers``, as the graph sees it.

    Attributes
    ----------
    audio : audio specification by profile (``quick``, ``full``).
    hyperparameters : by profile.
    timed_labels : whether Examples carry events with onset and offset.
    materialise : whether Transform writes features that the Trainer reads (True), or finds statistics alone and the
        Trainer reads PCM from the raw Examples (False).
    catalog : name of the catalog in a library's folder, without suffix: the library, or what was derived from it.
    published_weights : what a model can warm-start from beside a served version: by name, what finds the weights'
        folder or raises DaCapoError.
    """

    name: str
    audio: Mapping[str, AudioSpec]
    hyperparameters: Mapping[str, Hyperparameters]
    timed_labels: bool
    materialise: bool
    catalog: str = "catalog"
    published_weights: Mapping[str, Callable[[], str]] = field(default_factory=dict)

    @property
    def package(self) -> str:
        """Import path of the task's folder, ``trainers.<name>``."""
        return f"trainers.{self.name}"

    @property
    def preprocessing_fn(self) -> str:
        """Import path of the ``preprocessing_fn`` for Transform."""
        return f"{self.package}.features.preprocessing_fn"

    @property
    def evaluation(self) -> str:
        """Import path of the module that holds ``eval_config``."""
        return f"{self.package}.evaluation"


def load_task(name: str) -> Task:
    """The task called `name`.

    Raises
    ------
    ValueError
        If there is no folder ``trainers/<name>``.
    """
    if name not in TASKS:
        raise ValueError(f"task={name!r} is not one of {', '.join(TASKS)}")
    task: Task = import_module(f"trainers.{name}.task").TASK
    return task
