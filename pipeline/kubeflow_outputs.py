"""What a step hands to Kubeflow Pipelines for its pages: figures as metrics, an offline HTML page.

These artifacts are for people to look at; no step reads them. TFX's own artifacts go through ML Metadata.
"""

import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import lineage
from pipeline.evaluation import read_evaluation
from pipeline.metadata import connection_config
from pipeline.pages.writing import EVALUATION_PAGE, write_pages
from pipeline.settings import Settings
from pipeline.verdict import Verdict

METRICS, PAGE = "metrics", "page"
"""Names of the Evaluator step's outputs."""


def write_outputs(
    executor_input: Mapping[str, Any], paths: Mapping[str, Path], settings: Settings, run_id: str
) -> None:
    """Writes the verdict of the run's Evaluator and its page where `executor_input` says.

    Parameters
    ----------
    executor_input : what the placeholder ``{{$}}`` stands for: outputs by name, and the file that describes them.
    paths : where the output of each name is written, as its ``path`` placeholder says.
    settings, run_id : of the run.
    """
    run = lineage.find_run(lineage.open_store(connection_config(settings)), run_id)
    if run is None or run.evaluation is None:
        raise RuntimeError(f"{run_id}: ML Metadata knows no evaluation of this run")
    outputs = executor_input["outputs"]
    figures = figures_of(read_evaluation(run.evaluation).verdict)
    pages = write_pages(run, settings.home / "pages" / run_id)
    for path in paths.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    paths[METRICS].write_text(json.dumps(figures, indent=1), encoding="utf-8")
    shutil.copyfile(next(path for path in pages if path.name == EVALUATION_PAGE), paths[PAGE])
    described = {METRICS: _artifact(outputs, METRICS) | {"metadata": figures}, PAGE: _artifact(outputs, PAGE)}
    told = {"artifacts": {name: {"artifacts": [artifact]} for name, artifact in described.items()}}
    file = Path(outputs["outputFile"])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(told), encoding="utf-8")


def figures_of(verdict: Verdict) -> dict[str, float]:
    """The figures under one flat name each, as KFP's metrics are; figures that are undefined are left out.

    ``blessed`` is 1 or 0, ``<output>: <metric>`` the candidate's, ``<output>: <metric> in service`` the baseline's, and
    ``<output>: <metric> recordings`` how many a mean is of that leaves some out.
    """
    figures = {"blessed": float(verdict.blessed), "recordings": float(verdict.recordings)}
    for output, metrics in verdict.figures.items():
        for metric, figure in metrics.items():
            figures[f"{output}: {metric}"] = figure.value
            if figure.baseline is not None:
                figures[f"{output}: {metric} in service"] = figure.baseline
            if figure.recordings is not None and figure.leaves_out:
                figures[f"{output}: {metric} recordings"] = float(figure.recordings)
    return {name: value for name, value in figures.items() if math.isfinite(value)}


def _artifact(outputs: Mapping[str, Any], name: str) -> dict[str, Any]:
    artifact: dict[str, Any] = dict(outputs["artifacts"][name]["artifacts"][0])
    return artifact
