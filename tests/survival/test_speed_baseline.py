"""The authors' loop, written from its description: its check values, and our faster steps against it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.survival_speed import ReleasedLoop, check_data, losses_of_both
from cardiolib.survival import NetworkSettings
from cardiolib.survival.network.accelerated.batch_step import FusedBatchStep
from cardiolib.survival.network.accelerated.gradient import Weights
from cardiolib.survival.network.accelerated.stacked import StackedNetworks
from cardiolib.survival.network.training import initialise
from cardiolib.survival.risk_sets import RiskSets


def test_both_loops_have_the_losses_of_the_description_and_of_each_other():
    # steps 1, 19 and 38 as printed in the description of the released loop
    printed = [[8.906778, 1.011214, 16.802343], [9.674898, 1.006372, 18.343424], [8.233079, 1.008535, 15.457623]]
    theirs, ours = losses_of_both()
    assert len(theirs) == 38
    np.testing.assert_allclose(theirs[[0, 18, 37]], printed, rtol=1e-5)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_check_data_is_that_of_the_description():
    X, event, time = check_data()
    assert X.shape == (302, 11_514) and event.sum() == 162
    assert ReleasedLoop(X[:, :20], event, time).log_risk(X[:, :20]).shape == (302,)


@pytest.mark.parametrize("n", [16, 11])  # 11: a smaller last batch, filled up with -1
def test_stacked_networks_take_the_steps_of_single_ones(motion, n):
    x = ((motion.X - motion.X.mean(axis=0)) / motion.X.std()).astype(np.float32)
    base = NetworkSettings.published(log10_learning_rate=-2.0, log10_l1=-2.0)
    settings = [
        replace(base, hidden=9, latent=3, alpha=0.4, weight_decay=0.1),
        replace(base, hidden=14, latent=5, dropout=0.5, log10_learning_rate=-2.5),
    ]
    singles = [Weights(x.shape[1], s.hidden, s.latent) for s in settings]
    for i, weights in enumerate(singles):
        initialise(weights, np.random.SeedSequence(i))
    stacked = StackedNetworks(x, motion.event, motion.time, settings, singles, device="cpu")
    steps = [
        FusedBatchStep(
            w,
            alpha=s.alpha,
            l1=10**s.log10_l1,
            exact=False,
            weight_decay=s.weight_decay,
            learning_rate=10**s.log10_learning_rate,
            epsilon=1e-7,
        )
        for w, s in zip(singles, settings, strict=True)
    ]
    rng = np.random.default_rng(0)
    for _ in range(3):
        rows = np.stack([rng.permutation(90)[:n] for _ in settings])
        keep = (rng.random((2, n, x.shape[1])) < 0.7).astype(np.float32) / np.float32(0.7)
        for step, own, mask in zip(steps, rows, keep, strict=True):
            step(x[own] * mask, x[own], RiskSets(motion.event[own], motion.time[own], ties="breslow"))
        fill = ((0, 0), (0, 16 - n))
        stacked.step(torch.tensor(np.pad(rows, fill, constant_values=-1)), torch.tensor(np.pad(keep, (*fill, (0, 0)))))
    for i, weights in enumerate(singles):
        for name, value in stacked.weights(i).items():
            np.testing.assert_allclose(value, weights[name], atol=2e-4, err_msg=name)


def test_stacked_networks_refuse_the_other_protocol(motion):
    with pytest.raises(ValueError, match="published protocol, ReLU and one batch size"):
        StackedNetworks(motion.X, motion.event, motion.time, [NetworkSettings()], [], device="cpu")
