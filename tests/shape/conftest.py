"""Hearts whose shape is known in closed form."""

from __future__ import annotations

import pytest
from analytic_heart import AnalyticHeart


@pytest.fixture
def analytic_heart() -> AnalyticHeart:
    return AnalyticHeart()
