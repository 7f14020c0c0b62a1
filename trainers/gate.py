"""``gate.yaml``: what a model must reach before it is served, reviewed like code.

A gate names floors and allowed drops for metrics of *outputs* (tags, defects, stems). Defaults stand at the top, an
output may override them, and an output may be *reported, not gated* with a reason, as long as the library has too few
recordings of it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt, ValidationError, model_validator

from audio.errors import DaCapoError
from catalog.yaml_text import NotYaml, read_yaml

Limit = Literal["floors", "ceilings", "drops", "rises"]
LIMITS: tuple[Limit, ...] = get_args(Limit)
_OF_MORE: tuple[Limit, ...] = ("floors", "drops")
_OF_LESS: tuple[Limit, ...] = ("ceilings", "rises")


class GateError(DaCapoError):
    """A ``gate.yaml`` that cannot be used; one line naming the file, the field and the value."""


class Minimum(BaseModel):
    """What the eval split must hold of a gated output before its figures mean anything.

    Attributes
    ----------
    recordings : recordings of the eval split with the output.
    artists : different artists among them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recordings: PositiveInt = 5
    artists: PositiveInt = 2


class OutputGate(BaseModel):
    """What holds for one output where it differs from the defaults of the gate.

    Attributes
    ----------
    floors, ceilings : metric -> lowest value that passes, highest value that passes.
    drops, rises : metric -> largest loss and largest gain against the model in service that pass.
    reported : why this output is reported and not gated; None gates it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    floors: dict[str, float] = Field(default_factory=dict)
    ceilings: dict[str, float] = Field(default_factory=dict)
    drops: dict[str, NonNegativeFloat] = Field(default_factory=dict)
    rises: dict[str, NonNegativeFloat] = Field(default_factory=dict)
    reported: str | None = None


class Gate(BaseModel):
    """The quality gate of one task on one library.

    Attributes
    ----------
    floors, ceilings, drops, rises : metric -> value, for every output that does not say otherwise. Floors and drops are
        for metrics of which more is better, ceilings and rises for those of which less is.
    minimum : recordings and artists that a gated output needs in the eval split.
    drift : whether data that moved away from what the model in service was trained on warns or blocks the run.
    outputs : overrides by output.

    A metric has limits of one kind only, over all outputs: more of it is better, or less is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    floors: dict[str, float]
    ceilings: dict[str, float] = Field(default_factory=dict)
    drops: dict[str, NonNegativeFloat]
    rises: dict[str, NonNegativeFloat] = Field(default_factory=dict)
    minimum: Minimum = Minimum()
    drift: Literal["warn", "block"] = "warn"
    outputs: dict[str, OutputGate] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_direction(self) -> Self:
        named = (metric for _, limits in self.scopes() for kind in LIMITS for metric in getattr(limits, kind))
        for metric in dict.fromkeys(named):
            more, less = (next(self._fields(metric, kinds), None) for kinds in (_OF_MORE, _OF_LESS))
            if more and less:
                raise ValueError(f"{more} and {less}: more of {metric} is better, or less is")
        return self

    def gated(self, output: str) -> bool:
        """Whether `output` can block a model."""
        return output not in self.outputs or self.outputs[output].reported is None

    def limit(self, kind: Limit, output: str, metric: str) -> float | None:
        """What `output` must keep of `metric`: its floor, ceiling, drop or rise; None where nothing is asked."""
        if not self.gated(output):
            return None
        own: dict[str, float] = getattr(self._override(output), kind)
        everyone: dict[str, float] = getattr(self, kind)
        return own.get(metric, everyone.get(metric))

    def less_is_better(self, metric: str) -> bool:
        """Whether the limits of `metric` are those of what is better the less there is."""
        return any(self._fields(metric, _OF_LESS))

    def scopes(self) -> Iterator[tuple[str, "Gate | OutputGate"]]:
        """The defaults and the overrides, by what stands before the name of their fields."""
        yield "", self
        for name, own in self.outputs.items():
            yield f"outputs.{name}.", own

    def _fields(self, metric: str, kinds: tuple[Limit, ...]) -> Iterator[str]:
        """``<field>=<value>`` of every limit of `metric` that is of one of `kinds`."""
        for scope, limits in self.scopes():
            for kind in kinds:
                if metric in getattr(limits, kind):
                    yield f"{scope}{kind}.{metric}={getattr(limits, kind)[metric]:g}"

    def _override(self, output: str) -> OutputGate:
        return self.outputs.get(output, OutputGate())


def load_gate(path: Path, outputs: tuple[str, ...], metrics: tuple[str, ...]) -> Gate:
    """Reads and checks a ``gate.yaml``.

    Parameters
    ----------
    path : the file.
    outputs : the outputs of the task on this library; an override of any other is an error.
    metrics : the metrics that the task can gate on; any other is an error.

    Raises
    ------
    GateError
        If the file is missing, is not YAML in UTF-8, or a field is wrong.
    """
    try:
        gate = Gate.model_validate(read_yaml(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise GateError(f"{path}: there is no gate; write one after the example of another library") from error
    except (NotYaml, UnicodeDecodeError) as error:
        raise GateError(f"{path}: not YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field, message = ".".join(str(part) for part in first["loc"]), first["msg"].removeprefix("Value error, ")
        if first["type"] == "value_error" and not field:  # of several fields, which it names itself
            raise GateError(f"{path}: {message}") from error
        raise GateError(f"{path}: {field or 'the file'}={first['input']!r}: {message}") from error
    for output in gate.outputs:
        if output not in outputs:
            raise GateError(f"{path}: outputs.{output} is not one of {', '.join(outputs)}")
    for scope, limits in gate.scopes():
        for kind in LIMITS:
            for metric in getattr(limits, kind):
                if metric not in metrics:
                    raise GateError(f"{path}: {scope}{kind}.{metric} is not one of {', '.join(metrics)}")
    if not any(
        gate.limit(kind, output, metric) is not None for kind in LIMITS for output in outputs for metric in metrics
    ):
        raise GateError(f"{path}: asks nothing of {', '.join(outputs)}, so no model could be blessed")
    return gate
