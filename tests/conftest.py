"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# a test says what is right, not how fast: a busy machine must not fail it
settings.register_profile("cardiolib", deadline=None)
settings.load_profile("cardiolib")


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Folder of real data and known answers beside a checkout; tests that need it skip without it."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("real data and known answers (../shared) are not on this machine")
    return folder
