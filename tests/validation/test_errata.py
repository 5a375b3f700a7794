"""The page of errata: every row names a test that exists, and effects that need a few lines are shown."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cardiolib.survival import NetworkSettings, cox_nll, fit_network
from cardiolib.survival.network import training
from cardiolib.survival.network.autoencoder import Output, hybrid_loss
from cardiolib.survival.network.swarm import ParticleSwarm
from cardiolib.survival.risk_sets import RiskSets
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


def test_published_minibatches_compare_one_pair_in_twenty(monkeypatch):
    """Which patients a training compares: those of every risk set that it forms, under either protocol."""
    rng = np.random.default_rng(0)
    X, event, time = rng.normal(size=(302, 12)), rng.random(302) < 0.55, rng.permutation(302).astype(float)

    def trained(settings):
        formed = []
        monkeypatch.setattr(
            training, "RiskSets", lambda e, t, **given: formed.append((e, t)) or RiskSets(e, t, **given)
        )
        fit_network(X, event, time, replace(settings, hidden=4, latent=2, epochs=5), seed=1)
        return formed

    def pairs(formed):
        return {
            (i, j) for e, t in formed for i in t[e] for j in t[t > i]
        }  # times are all different: they name patients

    full, batches = trained(NetworkSettings()), trained(NetworkSettings.published())
    assert len(full) == 1 and len(full[0][0]) == 302
    assert sorted(len(e) for e, _ in batches) == [14, *[16] * 18]  # formed once, and kept for all five epochs
    assert sorted(np.concatenate([t for _, t in batches])) == list(range(302))
    assert pairs(batches) < pairs(full)
    assert len(pairs(batches)) / len(pairs(full)) == pytest.approx(0.05, abs=0.01)
    redrawn = trained(NetworkSettings.published(frozen_batches=False))
    assert len(redrawn) == 5 * 19 and len(pairs(redrawn)) > 3 * len(pairs(batches))


def test_the_wilcoxon_p_value_measures_the_number_of_replicates():
    """Two models that differ by a hair on the same patients: any P value can be had by more replicates."""
    rng = np.random.default_rng(2)
    a, b = (0.75 + shift + 0.02 * rng.normal(size=2000) for shift in (0.003, 0.0))
    p = {n: paper_wilcoxon(a[:n], b[:n]).p_value for n in (20, 2000)}
    assert p[20] > 0.05 and p[2000] < 0.05


@pytest.mark.parametrize("start", [NetworkSettings(), NetworkSettings.on_inputs(), NetworkSettings.published()])
def test_a_power_of_ten_is_taken_once(start):
    rng = np.random.default_rng(1)
    X, event, time = rng.normal(size=(60, 12)), rng.random(60) < 0.6, rng.permutation(60).astype(float)
    start = replace(start, hidden=6, latent=2, dropout=0.0, weight_decay=0.0, log10_l1=-5.65)

    def trained(**changes):
        return fit_network(X, event, time, replace(start, **changes), seed=3)

    told = trained(epochs=2).history.iloc[0]
    rest = start.alpha * told["reconstruction"] + (1 - start.alpha) * told["cox"]
    assert (told["total"] - rest) / told["activity"] == pytest.approx(10**-5.65, rel=1e-6)
    ones = [torch.ones(shape, dtype=torch.float64) for shape in (4, (4, 3), (4, 2), (4, 5))]
    plain = hybrid_loss(Output(*ones), ones[1], event[:4], time[:4], start)
    penalty = (plain.total - (1 - start.alpha) * plain.cox) / plain.activity
    assert penalty.item() == pytest.approx(10**-5.65, rel=1e-6)
    assert 10 ** (10**-5.65) == pytest.approx(1.0, abs=1e-4)  # what the notebook's penalty became
    # Adam's first step moves a weight by the learning rate, up or down; later ones by no more than about that
    one_step = {"epochs": 1, "batch_size": 60, "log10_l1": -30.0}
    still, moved = (trained(log10_learning_rate=rate, **one_step).weights for rate in (-12.0, -2.5))
    largest = max(np.abs(moved[name] - still[name]).max() for name in ("encoder_code.weight", "risk.weight"))
    assert largest == pytest.approx(10**-2.5, rel=1e-2)


def test_a_particle_is_pulled_to_its_own_best_position():
    """With the personal bests as the moving arrays the pull would be zero; ours are copies."""
    target, inertia, cognitive = np.array([0.3, 0.8]), 0.4, 1.5
    swarm = ParticleSwarm(
        8, 2, seed=3, inertia=inertia, cognitive=cognitive, social=1e-12, velocity_clamp=1e6
    )  # no pull to the swarm's best: what is left is inertia and the particle's own
    asked, costs, pulled = [], [], 0
    for _ in range(6):
        before = {name: np.array(value) for name, value in swarm.state().items()}
        asked.append(swarm.position)
        costs.append(np.linalg.norm(asked[-1] - target, axis=1))
        swarm.tell(costs[-1])
        after = {name: np.array(value) for name, value in swarm.state().items()}
        best = np.argmin(costs, axis=0)
        np.testing.assert_array_equal(after["pbest_pos"], np.array(asked)[best, np.arange(8)])
        away = after["pbest_pos"] - before["position"]
        pull = after["velocity"] - inertia * before["velocity"]
        np.testing.assert_allclose(pull[away == 0], 0, atol=1e-9)
        share = pull[away != 0] / away[away != 0]
        assert np.all((share >= -1e-9) & (share <= cognitive + 1e-9))
        pulled += int(np.sum(share > 0.01))
    assert pulled > 10
