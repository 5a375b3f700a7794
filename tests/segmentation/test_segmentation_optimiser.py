"""Muon: orthogonal steps for convolutions, Adam for the rest."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cardiolib.segmentation.optimiser import Muon, orthogonalised


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(1, 40), columns=st.integers(1, 40), seed=st.integers(0, 99), scale=st.floats(1e-6, 1e6))
def test_singular_values_become_about_one_and_vectors_stay(rows, columns, seed, scale):
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    u, values, vt = torch.linalg.svd(matrix, full_matrices=False)
    new = u.T @ orthogonalised([scale * matrix])[0] @ vt.T
    clear = values > 0.05 * values.norm()
    diagonal = new.diagonal()
    assert ((diagonal[clear] > 0.6) & (diagonal[clear] < 1.3)).all()
    assert (new - torch.diag(diagonal)).abs().max() < 0.02


def test_a_zero_gradient_gives_no_step():
    assert torch.equal(orthogonalised([torch.zeros(3, 5)])[0], torch.zeros(3, 5))


def test_adam_of_the_other_weights_is_torchs():
    torch.manual_seed(0)
    ours, theirs = nn.Linear(5, 3), nn.Linear(5, 3)
    theirs.load_state_dict(ours.state_dict())
    pair = [
        (ours, Muon(ours, learning_rate=1.0, adam_learning_rate=0.01)),
        (theirs, torch.optim.Adam(theirs.parameters(), lr=0.01, betas=(0.9, 0.99))),
    ]
    for seed in range(4):
        x = torch.randn(8, 5, generator=torch.Generator().manual_seed(seed))
        for model, optimiser in pair:
            optimiser.zero_grad()
            model(x).square().mean().backward()
            optimiser.step()
    assert torch.allclose(ours.weight, theirs.weight, atol=1e-6)


def test_convolutions_step_by_the_learning_rate_whatever_the_size_of_the_gradient():
    steps = []
    for scale in (1.0, 1e4):
        conv = nn.Conv2d(16, 16, 1, bias=False)
        nn.init.zeros_(conv.weight)
        optimiser = Muon(conv, learning_rate=0.1, adam_learning_rate=0.0)
        conv.weight.grad = scale * torch.randn(16, 16, 1, 1, generator=torch.Generator().manual_seed(0))
        optimiser.step()
        steps.append(conv.weight.detach().clone())
    assert torch.allclose(*steps, atol=1e-4)
    assert float(steps[0].norm()) == pytest.approx(0.1 * 4, rel=0.3)  # an orthogonal 16 x 16 matrix has norm 4


def test_weights_without_a_gradient_stay():
    conv = nn.Conv2d(8, 8, 3)
    before = conv.weight.detach().clone()
    Muon(conv, learning_rate=0.1, adam_learning_rate=0.1).step()
    assert torch.equal(conv.weight, before)
