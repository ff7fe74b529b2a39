"""Fixtures for tests that use sockets; a module that imports them applies them to each of its tests."""

import pytest

from support.time_limit import time_limit
from vivavoce.configuration import settings

__all__ = ["clean_environment", "limit"]


@pytest.fixture(autouse=True)
def limit():
    """Limit each test to 120 s, whatever hangs."""
    with time_limit(120):
        yield


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    """Run each test in an empty folder and without settings."""
    for name in ("API_KEY", "BASE_URL"):
        for prefix in ("VIVAVOCE_", "ASSEMBLYAI_"):
            monkeypatch.delenv(prefix + name, raising=False)
    monkeypatch.chdir(tmp_path)
    yield
    settings.base_url = settings.api_key = None  # commands set them for their process
