"""YAML that people write."""

from collections.abc import Callable
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, where PyYAML was built with it: ten times quicker, for files that are long."""


class NotYaml(ValueError):
    """A text that is no YAML; the message is one line."""


def read_yaml(text: str) -> Any:
    """What `text` says.

    Raises
    ------
    NotYaml
        It is no YAML, holds what its tag does not take (a date that no calendar has, a number without digits), for
        which PyYAML raises an error that is none of its own, or goes too deep.
    """
    return _read(lambda: yaml.safe_load(text))


def read_documents(text: str) -> list[Any]:
    """What each document of `text` says; one that nests by the ten thousand ends libyaml.

    Raises
    ------
    NotYaml
        As `read_yaml`.
    """
    return _read(lambda: list(yaml.load_all(text, LOADER)))


def _read(load: Callable[[], Any]) -> Any:
    try:
        return load()
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
        raise NotYaml(" ".join(str(error).split())) from error
