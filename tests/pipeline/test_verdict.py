"""What passes where a figure is undefined, and what is said of it; the tests of the gates show that TFMA agrees."""

import io
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from pipeline.eval_config import Limits
from pipeline.kubeflow_outputs import figures_of
from pipeline.session import report
from pipeline.settings import load_settings
from pipeline.verdict import Figure, Verdict

BOUNDED, DROP, CEILING, RISE = Limits(floor=0.5), Limits(drop=0.1), Limits(ceiling=-20.0), Limits(rise=1.0)


@pytest.mark.parametrize(
    ("value", "baseline", "limits", "passes"),
    [
        (0.9, math.nan, DROP, True),
        (0.9, math.nan, Limits(floor=0.95, drop=0.1), False),
        (-30.0, math.nan, RISE, True),
        (math.nan, 0.9, DROP, False),
        (math.nan, 0.9, RISE, False),
        (math.nan, None, BOUNDED, False),
        (math.nan, math.nan, BOUNDED, False),
        (math.nan, None, CEILING, False),
        (math.nan, math.nan, DROP, True),
        (math.nan, None, DROP, True),
        (math.nan, 0.9, Limits(), True),
    ],
)
def test_an_undefined_share_is_worse_than_any_other_and_no_bar(
    value: float, baseline: float | None, limits: Limits, passes: bool
) -> None:
    assert Figure(value, baseline, limits).passed == passes


@pytest.mark.parametrize(("limits", "passes"), [(BOUNDED, False), (DROP, False), (RISE, False), (Limits(), True)])
def test_a_mean_of_no_recording_passes_nothing_beside_a_model_in_service(limits: Limits, passes: bool) -> None:
    assert Figure(math.nan, math.nan, limits, recordings=0, of=7).passed == passes


@pytest.mark.parametrize(
    ("metric", "recordings", "cause"),
    [
        ("precision", None, "the model never gives this output"),
        ("event_f1", None, "no eval recording tells what is right, or the model answers nothing of it"),
        ("recall", None, "no eval recording has this output"),
        ("leakage_db", 0, "it is defined in no eval recording"),
        ("sdr", 63, "the model answers numbers that are not finite"),
    ],
)
def test_a_failure_says_why_a_figure_has_no_value(metric: str, recordings: int | None, cause: str) -> None:
    figure = Figure(math.nan, None, BOUNDED, recordings=recordings)
    verdict = Verdict({"vocals": {metric: figure}}, frozenset({"vocals"}), 70, blessed=False)
    assert verdict.failures() == [f"vocals: {metric} is undefined: {cause}"]


def test_a_mean_that_leaves_recordings_out_says_so_wherever_it_is_told(tmp_path: Path) -> None:
    figure = Figure(3.6, 3.5, Limits(floor=2.0), noise=0.4, recordings=63, of=70)
    verdict = Verdict({"vocals": {"sdr": figure}}, frozenset({"vocals"}), 70, blessed=False)
    shown = io.StringIO()
    settings = load_settings({"task": "separation", "home": tmp_path})
    report(Console(file=shown, width=140), settings, SimpleNamespace(verdict=verdict, served=None), 1.0)
    assert "3.600 ±0.40 of 63 (+0.100) >= 2" in shown.getvalue()
    assert "of N: the mean of the N recordings in which the score is defined" in shown.getvalue()
    assert figures_of(verdict)["vocals: sdr recordings"] == 63
