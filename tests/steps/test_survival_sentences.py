"""Sentences of notebook 03 are made from the run's own numbers."""

from __future__ import annotations

import pandas as pd

from cardiolib.steps.survival_tables import spread_sentence, steps_sentence
from cardiolib.survival.network.settings import NetworkSettings


def test_steps_of_both_protocols_are_counted() -> None:
    exact = steps_sentence(NetworkSettings(epochs=100), n_patients=302)
    assert "100 large steps, each over all 302 patients" in exact and "1,900 small ones" in exact
    assert "Here 50 steps" in steps_sentence(NetworkSettings.published(epochs=10), n_patients=80)


def scored(*rows: tuple[float, ...]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[f"fold_{k}" for k in range(len(rows[0]))])
    return table.assign(generation=0, score=table.mean(axis=1))


def test_the_sentence_says_which_decides_more() -> None:
    folds = spread_sentence(scored((0.6, 0.8), (0.62, 0.78), (0.61, 0.8)), deaths=23)
    assert "With 23 deaths" in folds and "the folds decide more" in folds
    assert "the settings decide" in spread_sentence(scored((0.5, 0.51), (0.8, 0.81), (0.65, 0.66)), deaths=23)
    assert spread_sentence(scored((0.5, 0.51)), deaths=23).startswith("Too few")
