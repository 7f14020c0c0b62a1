import io
import os
import sys

import pytest

from setup.steps import TAIL_LINES, SetupError, Steps


@pytest.fixture
def reported(tmp_path):
    ticks = iter([10.0, 13.14])
    return Steps(log=tmp_path / "cache" / "log", environment=os.environ, out=io.StringIO(), clock=lambda: next(ticks))


def test_a_step_is_one_line_with_its_outcome_and_time(reported):
    with reported.step("uv") as step:
        step.outcome = "0.13.9 brought by pip"
    line = reported.out.getvalue()
    assert line.split() == ["uv", "0.13.9", "brought", "by", "pip", "3.1", "s"]
    assert line.count("\n") == 1


def test_a_failing_step_prints_nothing_of_its_own(reported):
    with pytest.raises(SetupError), reported.step("uv"):
        raise SetupError("no")
    assert reported.out.getvalue() == ""


def test_a_failing_tool_shows_the_end_of_its_output_and_the_log_holds_all(steps):
    script = "import sys; [print(i) for i in range(100)]; sys.exit(7)"
    with pytest.raises(SetupError, match=r"the sky fell \(exit status 7") as error:
        steps.run([sys.executable, "-c", script], failure="the sky fell")
    assert error.value.tail.splitlines() == [str(i) for i in range(100 - TAIL_LINES, 100)]
    assert "\n0\n1\n" in steps.log.read_text()


def test_a_tool_that_cannot_be_started_is_an_error_in_one_line(steps):
    with pytest.raises(SetupError, match=r"no compiler: .*nonexistent") as error:
        steps.run(["/nonexistent"], failure="no compiler")
    assert "\n" not in str(error.value)


def test_a_tool_gets_the_variables_of_the_call_beside_the_environment(steps):
    said = steps.run([sys.executable, "-c", "import os; print(os.environ['KEY'])"], failure="", KEY="C major")
    assert said == "C major\n"
