"""Everything made from the built-in library is called synthetic where a person reads of it."""

import io

import pytest
from rich.console import Console

from pipeline.eval_config import Limits
from pipeline.retrain import Outcome
from pipeline.runs_command import runs_table
from pipeline.session import report
from pipeline.settings import load_settings
from pipeline.titles import library_title, pipeline_title
from pipeline.verdict import Figure, Verdict
from tests.pipeline.past_run import RUN


@pytest.mark.parametrize(
    ("library", "title"), [("builtin", "builtin (synthetic)"), ("debian", "debian"), ("builtin-2", "builtin-2")]
)
def test_only_the_built_in_library_is_called_synthetic(library: str, title: str) -> None:
    assert library_title(library) == title
    assert pipeline_title(f"tagging-{library}-quick") == f"tagging-{library}-quick" + title.removeprefix(library)


def test_the_verdicts_table_is_titled_so() -> None:
    output = io.StringIO()
    figures = {"rock": {name: Figure(0.75, None, Limits(floor=0.5)) for name in ("precision", "recall", "accuracy")}}
    verdict = Verdict(figures, gated=frozenset({"rock"}), recordings=70, blessed=False)
    report(Console(file=output, width=140), load_settings({}), Outcome(RUN, verdict, None), 1.0)
    assert output.getvalue().splitlines()[1].rstrip() == "tagging-builtin-quick (synthetic): 70 eval recordings"


@pytest.mark.parametrize("tag", ["lo-fi [beta]", "[instrumental]", "rock [/b]"])
def test_a_tag_is_shown_as_it_is_written(tag: str) -> None:
    output = io.StringIO()
    verdict = Verdict({tag: {"precision": Figure(0.75, None, Limits(floor=0.5))}}, frozenset({tag}), 70, blessed=False)
    report(Console(file=output, width=140), load_settings({}), Outcome(RUN, verdict, None), 1.0)
    assert any(line.startswith(f"{tag}  ") for line in output.getvalue().splitlines())


def test_the_list_of_runs_says_so_in_one_line_a_run() -> None:
    output = io.StringIO()
    Console(file=output, width=140).print(runs_table([RUN]))
    _, line = output.getvalue().splitlines()
    assert line.startswith("tagging-builtin-quick (synthetic)  20261122T140000-1a2b")
