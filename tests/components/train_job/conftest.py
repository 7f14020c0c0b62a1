"""Fixtures of the train job's tests."""

import pytest

from tests.trainers.tiny_library import Library, make_library


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The tiny library through the real Transform, made once."""
    return make_library(tmp_path_factory.mktemp("library"))
