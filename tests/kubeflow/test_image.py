"""The Dockerfile keeps what docs/kubeflow.md promises of the image."""

import re

from tests.kubeflow.conftest import KUBEFLOW

DOCKERFILE = (KUBEFLOW / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (KUBEFLOW.parent / ".dockerignore").read_text(encoding="utf-8").splitlines()


def stages() -> dict[str, str]:
    """The instructions of each stage, by its name."""
    parts = re.split(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)
    return {parts[i + 1]: parts[i + 2] for i in range(1, len(parts), 3)}


def test_all_stages_stand_on_the_one_pinned_base() -> None:
    bases = re.findall(r"^FROM (\S+) AS \S+$", DOCKERFILE, re.MULTILINE)
    assert set(bases) <= {"${BASE}", *stages()}
    assert bases.count("${BASE}") == 1
    assert "*sha256:*) ;;" in stages()["python"]


def test_what_compiles_stays_behind() -> None:
    final = "".join(stages()[name] for name in ("python", "runtime", "cpu", "cuda"))
    for tool in ("g++", "gcc", "build-essential", "python3-pip", "python3.11-dev"):
        assert tool not in final
    assert "g++" in stages()["environment"]


def test_both_variants_run_as_an_unprivileged_user_by_number() -> None:
    assert re.search(r"^USER 10001:10001$", stages()["runtime"], re.MULTILINE)
    for variant in ("cpu", "cuda"):
        assert "USER" not in stages()[variant]


def test_cudas_libraries_are_pinned_by_hash() -> None:
    lines = (KUBEFLOW / "cuda.txt").read_text(encoding="utf-8")
    pins = re.findall(
        r"^nvidia-[a-z0-9-]+==[\d.]+ \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+", lines, re.MULTILINE
    )
    assert len(pins) == lines.count("==") - lines.count("tensorflow[and-cuda]==")
    wanted = {"nvidia-cudnn-cu12", "nvidia-nccl-cu12", "nvidia-cuda-nvcc-cu12"}  # nvcc: ptxas and libdevice, for XLA
    assert wanted <= {pin.partition("==")[0] for pin in pins}


def test_the_build_sees_sources_and_nothing_of_this_machine() -> None:
    assert IGNORED[1] == "*"
    for folder in ("audio", "catalog", "components", "pipeline", "schemas", "serving", "trainers"):
        assert f"!{folder}" in IGNORED
    assert not any(line.startswith(("!.", "!tests", "!docs")) for line in IGNORED)
