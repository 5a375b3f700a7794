"""Cohorts that many survival tests share, made once."""

from __future__ import annotations

import pytest
from made_motion import Motion, simulate_motion, wide_motion


@pytest.fixture(scope="session")
def motion() -> Motion:
    return simulate_motion(90, 1)


@pytest.fixture(scope="session")
def new_patients() -> Motion:
    return simulate_motion(400, 2)


@pytest.fixture(scope="session")
def wide() -> tuple[Motion, Motion]:
    return wide_motion()
