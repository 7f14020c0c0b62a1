"""The verdict of the gate: per output its value, limits and baseline, and whether it passed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.eval_config import Limits


@dataclass(frozen=True)
class Figure:
    """One metric of one output.

    Attributes
    ----------
    value : of the candidate; NaN where it is undefined (precision of what it never gives, a mean over no recording).
    baseline : of the model in service, NaN likewise; None where there is none, or it does not know the output.
    limits : what the gate asks.
    noise : half the 95 % bootstrap interval of the value over the artists of the eval split; NaN where it was not
        measured.
    recordings : of a mean, in how many recordings its score is defined; None for other figures.
    of : recordings of the row.
    """

    value: float
    baseline: float | None
    limits: Limits
    noise: float = math.nan
    recordings: int | None = None
    of: int = 0

    @property
    def allowed_change(self) -> float | None:
        """The drop or rise against the model in service that passes; None where it is not compared."""
        return self.limits.rise if self.limits.drop is None else self.limits.drop

    @property
    def leaves_out(self) -> bool:
        """Whether it is the mean over some recordings of the row, as its score is not defined in the others."""
        return self.recordings is not None and 0 < self.recordings < self.of

    @property
    def undefined_in_service(self) -> bool:
        """Whether there is a model in service that has no such figure."""
        return self.baseline is not None and math.isnan(self.baseline)

    @property
    def passed(self) -> bool:
        """Whether the value is within its limits and close enough to the baseline, as TFMA decides it; what an
        undefined figure counts as is said in `trainers.gate_figures`.
        """
        limits = self.limits
        if math.isnan(self.value):
            neither_gives_it = self.undefined_in_service and self.recordings is None
            compared = self.allowed_change is not None and self.baseline is not None and not neither_gives_it
            return not (limits.bounds or compared)
        inside = (limits.floor is None or self.value >= limits.floor) and (
            limits.ceiling is None or self.value <= limits.ceiling
        )
        if self.baseline is None or self.undefined_in_service:
            return inside
        change = self.value - self.baseline
        kept = (limits.drop is None or change >= -limits.drop) and (limits.rise is None or change <= limits.rise)
        return inside and kept


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

    @property
    def leaves_out(self) -> bool:
        """Whether a mean is over fewer recordings than its row has."""
        return any(figure.leaves_out for metrics in self.figures.values() for figure in metrics.values())

    def failures(self) -> list[str]:
        """One line for every gated figure that did not pass."""
        lines = []
        for output, metrics in self.figures.items():
            for metric, figure in metrics.items():
                if output in self.gated and not figure.passed:
                    lines.append(f"{output}: {metric} {_why(metric, figure)}")
        return lines

    def within_noise(self) -> list[str]:
        """Gated figures whose allowed change is smaller than their noise: what blocks there can be chance."""
        return [
            f"{output} {metric} {figure.allowed_change:g} < {figure.noise:.2g}"
            for output, metrics in self.figures.items()
            for metric, figure in metrics.items()
            if output in self.gated and figure.allowed_change is not None and not figure.undefined_in_service
            if figure.allowed_change < figure.noise
        ]


def _why(metric: str, figure: Figure) -> str:
    limits = figure.limits
    if math.isnan(figure.value):
        return f"is undefined: {_cause(metric, figure)}"
    if limits.floor is not None and figure.value < limits.floor:
        return f"{figure.value:.3f} is below its floor {limits.floor:g}"
    if limits.ceiling is not None and figure.value > limits.ceiling:
        return f"{figure.value:.3f} is above its ceiling {limits.ceiling:g}"
    moved, most = ("rose", limits.rise) if limits.drop is None else ("dropped", limits.drop)
    return f"{figure.value:.3f} {moved} by more than {most:g} from {figure.baseline:.3f} in service"


def _cause(metric: str, figure: Figure) -> str:
    if figure.recordings:
        return "the model answers numbers that are not finite"
    if figure.recordings == 0:
        return "it is defined in no eval recording"
    causes = {"precision": "the model never gives this output", "recall": "no eval recording has this output"}
    return causes.get(metric, "no eval recording tells what is right, or the model answers nothing of it")
