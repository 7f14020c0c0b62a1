"""Hyperparameters that a benchmark's ``--set`` puts in place of a run's."""

from collections.abc import Iterable
from typing import Any

from pipeline.settings import read_assignment


def read_overrides(assignments: Iterable[str] | None) -> dict[str, Any]:
    """Hyperparameters by name, from ``key=value``; values are read as YAML.

    Raises
    ------
    SettingsError
        An assignment is malformed.
    """
    return dict(read_assignment(assignment, example="steps=500") for assignment in assignments or ())
