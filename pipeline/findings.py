"""What a finished run has to say about its data: recordings that were set aside, artists that are torn between
splits, and findings that only warn.
"""

import json
from collections.abc import Iterator

from catalog.wording import counted
from components.audio_example_gen.report import read_report
from components.data_gate import FINDINGS
from pipeline.lineage import Run

MOST = 20


def notes(run: Run) -> Iterator[str]:
    """One line for each recording set aside (at most 20, then a count), one for artists that are torn between splits,
    and one for each warning.
    """
    if run.report is not None:
        summary = read_report(str(run.report))
        lines = [cell.line for cell in summary.set_aside]
        yield from (f"set aside: {line}" for line in lines[:MOST])
        if len(lines) > MOST:
            yield f"set aside: {len(lines) - MOST} more, all in {run.report / 'report.json'}"
        if torn := summary.torn:
            recordings = counted(torn, "recording has", "recordings have")
            yield f"warning: {recordings} another split than an earlier one of the same artist or package"
    if run.approval is not None:
        for finding in json.loads((run.approval / FINDINGS).read_text(encoding="utf-8")):
            yield f"warning: {finding['text']}"
