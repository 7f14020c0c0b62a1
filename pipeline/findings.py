"""What a finished run has to say about its data: recordings that were set aside, and findings that only warn."""

import json
from collections.abc import Iterator

from components.audio_example_gen.report import read_report
from components.data_gate import FINDINGS
from pipeline.lineage import Run

MOST = 20


def notes(run: Run) -> Iterator[str]:
    """One line for each recording set aside (at most 20, then a count) and for each warning."""
    if run.report is not None:
        lines = [cell.line for cell in read_report(str(run.report)).set_aside]
        yield from (f"set aside: {line}" for line in lines[:MOST])
        if len(lines) > MOST:
            yield f"set aside: {len(lines) - MOST} more, all in {run.report / 'report.json'}"
    if run.approval is not None:
        for finding in json.loads((run.approval / FINDINGS).read_text(encoding="utf-8")):
            yield f"warning: {finding['text']}"
