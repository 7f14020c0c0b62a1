"""Which code a step depends on: the hash that makes TFX run a step again when its sources change.

TFX's cache knows the import path of a function, not what it says. The hash covers the sources in the import closure
(grimp) of the step's entry modules and the versions of the libraries that shape its result.
"""

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version

import grimp

from components.source_hash import LIBRARIES, PROJECT

PACKAGES = ("audio", "catalog", "trainers", "components", "serving")


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def closure(*entries: str) -> tuple[str, ...]:
    """Modules of ours that `entries` import, directly or not, themselves included, in order of name.

    Raises
    ------
    ValueError
        If an entry is no module of the project.
    """
    graph = _graph()
    modules: set[str] = set()
    for entry in entries:
        if entry not in graph.modules:
            raise ValueError(f"{entry} is no module of {', '.join(PACKAGES)}")
        below = {entry} | graph.find_descendants(entry)
        for module in below:
            modules |= {module} | graph.find_upstream_modules(module)
    parents = {module.rsplit(".", depth)[0] for module in modules for depth in range(1, module.count(".") + 1)}
    return tuple(sorted(modules | parents))


def code_hash(*entries: str, libraries: Iterable[str] = ()) -> str:
    """Hash of the sources in the closure of `entries` and of the versions of `LIBRARIES` and of those that only this
    step needs, 16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for module in closure(*entries):
        path = PROJECT.joinpath(*module.split("."))
        source = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
        digest.update(f"{module}\0".encode() + source.read_bytes() + b"\0")
    for library in (*LIBRARIES, *libraries):
        digest.update(f"{library}=={version(library)}\0".encode())
    return digest.hexdigest()[:16]
