"""Which code derived audio depends on: a hash that makes takes be made again when it changes."""

import hashlib
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent.parent
_LIBRARIES = ("numpy", "scipy", "soundfile", "soxr")


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph("audio", "catalog", cache_dir=None)


def modules_of(package: str) -> tuple[str, ...]:
    """Modules of a package, and what they import of `audio`, directly or not, in order of name."""
    graph = _graph()
    own = {package} | graph.find_descendants(package)
    upstream = set().union(*(graph.find_upstream_modules(module) for module in own))
    return tuple(sorted(own | {module for module in upstream if module.startswith("audio.")}))


def code_of(package: str) -> str:
    """Hash of the sources of `modules_of` a package, of the libraries' versions, and of the kind of machine."""
    digest = hashlib.sha256(platform.machine().encode())
    for module in modules_of(package):
        path = ROOT.joinpath(*module.split("."))
        source = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
        digest.update(f"{module}\0".encode() + source.read_bytes() + b"\0")
    for name in _LIBRARIES:
        digest.update(f"{name} {version(name)}\n".encode())
    return digest.hexdigest()
