"""Concordance: R's counts, a naive twin, ties."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.survival.concordance import concordance_counts, concordance_index

AML_TIME = [9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161]
AML_EVENT = [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0]
AML_X = np.array([1, 6, 2, 7, 3, 7, 3, 8, 4, 4, 5])


def test_aml_counts_against_r_both_signs():
    assert concordance_counts(-AML_X, AML_EVENT, AML_TIME)[:3] == (24, 14, 2)
    assert concordance_counts(AML_X, AML_EVENT, AML_TIME)[:3] == (14, 24, 2)
    assert concordance_index(-AML_X, AML_EVENT, AML_TIME) == pytest.approx(0.625, abs=1e-12)


def test_replicated_rows_against_r_case_weights(shared_dir):
    entries = json.loads((shared_dir / "reference" / "survival_known_answers.json").read_text())["entries"]
    case = next(e for e in entries if e["id"] == "concordance_aml_case_weights")
    data, expected = case["data"]["inline"], case["expected"]
    x, event, time = (np.repeat(data[k], data["weight"]) for k in ("x", "event", "time"))
    counts = concordance_counts(x, event, time)
    assert counts[:3] == tuple(expected[k]["value"] for k in ("concordant", "discordant", "tied_risk"))


def test_lung_age_against_libraries(shared_dir):
    from lifelines.datasets import load_lung

    entries = json.loads((shared_dir / "reference" / "survival_known_answers.json").read_text())["entries"]
    expected = next(e for e in entries if e["id"] == "lung_concordance_age")["expected"]
    lung = load_lung()
    age, event, time = lung["age"], lung["status"], lung["time"]
    assert concordance_counts(age, event, time)[:3] == tuple(
        expected[k]["value"] for k in ("concordant", "discordant", "tied_risk")
    )
    assert concordance_index(age, event, time) == pytest.approx(expected["C"]["value"], abs=1e-9)


def naive_counts(log_risk, event, time):
    """The definition, pair by pair: O(N^2) comparisons and nothing clever."""
    concordant = discordant = tied = 0
    for r, e, t in zip(log_risk, event, time, strict=True):
        for s, f, u in zip(log_risk, event, time, strict=True):
            if e and (u > t or (u == t and not f)):
                concordant, discordant, tied = concordant + (r > s), discordant + (r < s), tied + (r == s)
    return concordant, discordant, tied, concordant + discordant + tied


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 5)), min_size=1, max_size=20))
def test_counts_against_the_naive_twin(rows):
    log_risk, event, time = zip(*rows, strict=True)
    assert concordance_counts(log_risk, event, time) == naive_counts(log_risk, event, time)


def test_counts_of_real_risks_against_the_naive_twin():
    rng = np.random.default_rng(0)
    case = rng.normal(size=150), rng.random(150) < 0.5, rng.integers(0, 40, size=150)
    assert concordance_counts(*case) == naive_counts(*case)


def test_a_million_patients_are_counted():
    """The quadratic count would compare 10^12 pairs."""
    n = 1_000_000
    time = np.arange(n, dtype=float)
    assert concordance_counts(-time, np.ones(n, bool), time) == (n * (n - 1) // 2, 0, 0, n * (n - 1) // 2)


def test_two_deaths_at_one_time_are_not_comparable():
    assert concordance_counts([1, 2], [1, 1], [3, 3]).comparable == 0
    assert concordance_counts([1, 2], [1, 0], [3, 3]) == (0, 1, 0, 1)


def test_errors_name_the_problem():
    with pytest.raises(ValueError, match="at least one comparable pair"):
        concordance_index([1.0, 2.0], [0, 0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"not finite in rows \[1\]"):
        concordance_index([1.0, np.nan], [1, 0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"not finite in rows \[0\]"):
        concordance_index([np.inf, 2.0], [1, 0], [1.0, 2.0])
    with pytest.raises(ValueError, match="event must be 0 or 1"):
        concordance_index([1.0, 2.0], [1, 2], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"time must not be negative; 1 rows break this, first \[0\]"):
        concordance_index([1.0, 2.0], [1, 0], [-1.0, 2.0])
    with pytest.raises(ValueError, match="log_risk has shape"):
        concordance_index([1.0], [1, 0], [1.0, 2.0])
