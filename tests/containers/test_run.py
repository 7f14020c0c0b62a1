"""What of the container run needs no containers."""

from pathlib import Path

import pytest

from pipeline.kubeflow_runner import NotForKubeflow
from tests.containers.run import prepare


def test_the_container_run_compiles_as_dacapo_compile_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.kubeflow_runner.on_a_mount", lambda *_: False)
    with pytest.raises(NotForKubeflow, match="home='/dacapo/home' lies on no volume"):
        prepare(tmp_path, "dacapo:cpu", 3306)
