"""The verdict of the gate: per output its value, floor and baseline, and whether it passed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One metric of one output over the whole eval split.

    Attributes
    ----------
    value : of the candidate; NaN where it is undefined (precision without a positive prediction).
    baseline : of the model in service; None where there is none.
    floor, drop : what the gate asks; None where it asks nothing.
    """

    value: float
    baseline: float | None
    floor: float | None
    drop: float | None

    @property
    def passed(self) -> bool:
        """Whether the floor is reached and the loss against the baseline is small enough, as TFMA decides it."""
        above = self.floor is None or self.value >= self.floor
        kept = self.drop is None or self.baseline is None or self.value - self.baseline >= -self.drop
        return above and kept


@dataclass(frozen=True)
class Verdict:
    """The gate's verdict on a model.

    Attributes
    ----------
    figures : output -> metric -> figure.
    gated : outputs that can block the model.
    recordings : recordings in the eval split.
    blessed : TFMA's own validation result.
    """

    figures: Mapping[str, Mapping[str, Figure]]
    gated: frozenset[str]
    recordings: int
    blessed: bool

    def failures(self) -> list[str]:
        """One line for every gated figure that did not pass."""
        lines = []
        for output, metrics in self.figures.items():
            for metric, figure in metrics.items():
                if output in self.gated and not figure.passed:
                    lines.append(f"{output}: {metric} {_why(figure)}")
        return lines


def _why(figure: Figure) -> str:
    if math.isnan(figure.value):
        return "is undefined: the model never gives this output"
    if figure.floor is not None and figure.value < figure.floor:
        return f"{figure.value:.3f} is below its floor {figure.floor:g}"
    return f"{figure.value:.3f} dropped by more than {figure.drop:g} from {figure.baseline:.3f} in service"
