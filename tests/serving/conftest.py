"""Tiny models, made once, and shelves of recordings."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.serving.tiny_models import Shelf, save_model


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The tiny model of a task, as a served version."""
    return cache(lambda task: save_model(tmp_path_factory.mktemp(task) / "1764000000", task))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")
