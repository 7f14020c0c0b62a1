"""Fixtures of the trainers' tests."""

import os

import pytest

from tests.trainers.tiny_library import Library, make_library

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The tiny library, made once."""
    return make_library(tmp_path_factory.mktemp("library"))
