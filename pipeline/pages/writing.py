"""Writes the pages of a run from Jinja templates."""

import json
from pathlib import Path
from typing import Any

import jinja2
from tfx.types import standard_artifacts

from catalog.folder import make_folder
from catalog.writing import whole
from components.audio_example_gen.report import REPORT_FILE, CatalogSummary, read_report
from components.data_gate import FINDINGS, Finding, drift_findings, read_anomalies, schema_findings
from pipeline.eval_config import EVAL_CONFIG
from pipeline.evaluation import Evaluation, read_evaluation
from pipeline.lineage import Run
from pipeline.pages import formatting
from pipeline.pages.charts import common_scale
from pipeline.pages.statistics import read_statistics
from pipeline.titles import library_title, pipeline_title

EVALUATION_PAGE, DATA_PAGE = "evaluation.html", "data.html"
MOST_SET_ASIDE = 500


def write_pages(run: Run, folder: Path) -> list[Path]:
    """Writes ``evaluation.html`` (TFMA's results) and ``data.html`` (TFDV's, and what was set aside) into `folder`.

    A page is one file that opens from ``file://``: its Content-Security-Policy forbids scripts and every request, and
    all text from the library is escaped.

    Returns
    -------
    list[Path]
        The pages; without those that have nothing to show, because the run failed before or its artifacts are gone.
    """
    report = read_report(str(run.report)) if _holds(run.report, REPORT_FILE) else None
    contexts: dict[str, dict[str, Any]] = {}
    if run.evaluation is not None and _holds(run.evaluation, EVAL_CONFIG):
        contexts[EVALUATION_PAGE] = _evaluation_context(read_evaluation(run.evaluation), report)
    statistics = read_statistics(run.statistics) if run.statistics is not None else None
    if statistics is not None or report is not None:
        contexts[DATA_PAGE] = {
            "statistics": statistics,
            "report": report,
            "findings": _findings(run),
            "approved": _holds(run.approval, FINDINGS),
            "set_aside": report.set_aside[:MOST_SET_ASIDE] if report else (),
        }
    environment = _environment()
    rendered = {
        page: environment.get_template(page).render(run=run, page=page, pages=tuple(contexts), **context)
        for page, context in contexts.items()
    }
    make_folder(folder)
    for page, html in rendered.items():
        with whole(folder / page) as file:
            file.write(html)
    return [folder / page for page in rendered]


def _evaluation_context(evaluation: Evaluation, report: CatalogSummary | None) -> dict[str, Any]:
    figures = evaluation.verdict.figures.values()
    scales = {}
    for metric in evaluation.metrics:
        of_metric = [row[metric] for row in figures if metric in row]
        marks = [mark for f in of_metric for mark in (f.value, f.baseline, f.limits.floor, f.limits.ceiling)]
        scales[metric] = common_scale([mark for mark in marks if mark is not None])
    support = {tag: splits["eval"] for tag, splits in report.tags.items() if "eval" in splits} if report else {}
    return {
        "evaluation": evaluation,
        "verdict": evaluation.verdict,
        "scales": scales,
        "support": support,
        "asked": {m: any(m in row and row[m].limits.bounds for row in figures) for m in evaluation.metrics},
    }


def _findings(run: Run) -> list[Finding]:
    """What DataGate wrote; where it stopped the run, and TFX deleted that, what it read."""
    if run.approval is not None and _holds(run.approval, FINDINGS):
        return [Finding(**found) for found in json.loads((run.approval / FINDINGS).read_text(encoding="utf-8"))]
    found: list[Finding] = []
    if run.anomalies is not None:
        found.extend(schema_findings(read_anomalies(_artifact(run.anomalies), "Split-")))
    if run.drift is not None:
        found.extend(drift_findings(read_anomalies(_artifact(run.drift), "SplitPair-"), block=False))
    return found


def _artifact(folder: Path) -> standard_artifacts.ExampleAnomalies:
    artifact = standard_artifacts.ExampleAnomalies()
    artifact.uri = str(folder)
    return artifact


def _holds(folder: Path | None, name: str) -> bool:
    return folder is not None and (folder / name).is_file()


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("count", "duration", "fixed", "number", "share", "signed", "words"):
        environment.filters[name] = getattr(formatting, name)
    environment.filters |= {"library_title": library_title, "pipeline_title": pipeline_title}
    return environment
