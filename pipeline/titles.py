"""How libraries and pipelines are called where a person reads: what a program made is called synthetic."""

SYNTHETIC = frozenset({"builtin"})
"""Libraries that a program made; no figure on them says anything about real recordings."""


def library_title(library: str) -> str:
    """``builtin (synthetic)``; a library of real recordings goes by its name."""
    return f"{library} (synthetic)" if library in SYNTHETIC else library


def pipeline_title(name: str) -> str:
    """``tagging-builtin-quick (synthetic)``: `name` is ``<task>-<library>-<profile>``, and the library alone may hold
    dashes.
    """
    library = name.partition("-")[2].rpartition("-")[0]
    return f"{name} (synthetic)" if library in SYNTHETIC else name
