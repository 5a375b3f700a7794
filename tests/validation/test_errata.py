"""The page of errata: every row names a test that exists, and effects that need a few lines are shown."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from cardiolib.survival import cox_nll
from cardiolib.validation import paper_wilcoxon

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    line
    for line in (ROOT / "docs" / "errata.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| \d+ \|", line)
]


def test_rows_are_numbered_and_complete():
    assert [int(row.split("|")[1]) for row in ROWS] == list(range(1, len(ROWS) + 1))
    for row in ROWS:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 6 and all(cells), row
        assert re.search(r"`[\w/.]+(:[\d,-]+)?`", cells[2]), f"row {cells[0]} does not say where"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row {row.split('|')[1].strip()}")
def test_every_row_is_held_by_a_test_that_exists(row):
    path, name = re.search(r"`(tests/[\w/]+\.py)::(\w+)`", row).groups()
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def released_loss(log_risk, event, time):
    """Minus the log likelihood as a cumulative sum over rows sorted by falling time, ties in the order they come."""
    order = np.argsort(-time, kind="stable")
    with np.errstate(over="ignore"):
        at_risk = np.log(np.cumsum(np.exp(log_risk[order])))
    return -np.sum((log_risk[order] - at_risk)[event[order]])


def test_ties_by_cumulative_sum_depend_on_the_order_of_rows():
    rng = np.random.default_rng(0)
    time, event, risk = np.repeat([1.0, 2.0, 3.0, 4.0], 4), np.ones(16, bool), rng.normal(size=16)
    orders = [rng.permutation(16) for _ in range(200)]
    released = [released_loss(risk[order], event, time[order]) for order in orders]
    assert max(released) - min(released) > 0.5
    for ties in ("efron", "breslow"):
        ours = [cox_nll(torch.tensor(risk[order]), event, time[order], ties=ties)[0].item() for order in orders]
        assert max(ours) - min(ours) < 1e-10


def test_without_ties_the_cumulative_sum_is_the_cox_likelihood():
    rng = np.random.default_rng(1)
    time, event, risk = rng.permutation(30).astype(float), rng.random(30) < 0.6, rng.normal(size=30)
    assert released_loss(risk, event, time) == pytest.approx(cox_nll(torch.tensor(risk), event, time)[0].item())


def test_exp_before_log_overflows():
    time, event, risk = np.array([2.0, 1.0, 3.0]), np.ones(3, bool), np.array([0.0, 800.0, 1.0])
    assert np.isinf(released_loss(risk, event, time))
    ours, _ = cox_nll(torch.tensor(risk), event, time)
    assert ours.item() == pytest.approx(np.log1p(np.exp(1.0)), abs=1e-9)  # the death at 2 against one survivor at 1


def test_fixed_minibatches_compare_one_pair_in_twenty():
    batch = np.arange(302) // 16
    same = (batch[:, None] == batch[None, :]).sum() - 302
    assert batch.max() + 1 == 19
    assert same / (302 * 301) == pytest.approx(0.05, abs=0.005)


def test_the_wilcoxon_p_value_measures_the_number_of_replicates():
    """Two models that differ by a hair on the same patients: any P value can be had by more replicates."""
    rng = np.random.default_rng(2)
    a, b = (0.75 + shift + 0.02 * rng.normal(size=2000) for shift in (0.003, 0.0))
    p = {n: paper_wilcoxon(a[:n], b[:n]).p_value for n in (20, 2000)}
    assert p[20] > 0.05 and p[2000] < 0.05


def test_a_power_of_ten_taken_twice_is_no_penalty():
    assert 10 ** (10**-5.65) == pytest.approx(1.0, abs=1e-4)


def test_an_aliased_personal_best_is_the_current_position():
    position = np.zeros(2)
    alias, copy = position, position.copy()
    for step in np.random.default_rng(3).normal(size=(12, 2)):
        position += step
        assert np.all(alias - position == 0)  # the pull towards it is always zero
        assert np.any(copy - position != 0)
