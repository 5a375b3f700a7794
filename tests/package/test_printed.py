"""Results show themselves: one class after the other, as text and as HTML that needs nothing from outside."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import cardiolib as cl
from cardiolib.cohorts import Cohort
from cardiolib.imaging import OURS
from cardiolib.printed import as_html

RNG = np.random.default_rng(1)
X = RNG.normal(size=(40, 2))
TIME = RNG.exponential(np.exp(-X[:, 0]))
EVENT, TIME = TIME < 2, TIME.clip(max=2)
IDS = [f"<p{i}>" for i in range(40)]
AFFINE = np.diag([1.5, 1.5, 10, 1])


def _cohort() -> Cohort:
    table = pd.DataFrame({"time": TIME, "event": EVENT}, index=IDS)
    return Cohort("forty <of> them", table, motion=np.zeros((40, 11514)), notes=("a & b",), simulated=True)


def _boot(column: int):
    return cl.bootstrap(cl.CoxRecipe(), X[:, [column]], EVENT, TIME, n=5)


RESULTS = {
    "Cine": lambda: cl.Cine(np.zeros((8, 8, 4, 2)), AFFINE, notes=("a <b>",)),
    "LabelMap": lambda: cl.LabelMap(np.zeros((8, 8, 4), np.uint8), AFFINE, OURS, ("a <b>",)),
    "DigitalHeart": cl.DigitalHeart,
    "forty": _cohort,
    "40 simulated patients": lambda: cl.SurvivalData.of(_cohort()),
    "FittedNetwork": lambda: cl.fit_network(X, EVENT, TIME, cl.NetworkSettings(hidden=4, latent=2, epochs=2)),
    "FittedCox": lambda: cl.CoxRecipe().fit(X, EVENT, TIME),
    "Bootstrap of CoxRecipe": lambda: _boot(0),
    "C 0.": lambda: cl.concordance(X[:, 0], EVENT, TIME),
    "C 0. ": lambda: cl.compare_concordance(X[:, 0], X[:, 1], EVENT, TIME),
    "C 0.  ": lambda: cl.compare_models(_boot(0), _boot(1)),
    "Cross-validation": lambda: cl.cross_validate(cl.CoxRecipe(), X, EVENT, TIME),
    "cross-validated C": lambda: cl.cross_validate(cl.CoxRecipe(), X, EVENT, TIME).concordance,
    "Survival of 2 groups": lambda: cl.kaplan_meier_groups(X[:, 0], EVENT, TIME),
    "Calibration": lambda: cl.calibrate(1 / (1 + np.exp(-X[:, 0])), EVENT, TIME, at=1.0),
    "LatentMap": lambda: cl.laplacian_eigenmaps(RNG.normal(size=(30, 3))),
    "Saliency": lambda: cl.saliency(X[:, 0], RNG.normal(size=(40, 30)), n_vertices=5, n_permutations=20),
}


@pytest.mark.parametrize("begins", RESULTS)
def test_a_result_shows_itself(begins: str) -> None:
    result = RESULTS[begins]()
    text, html = repr(result), result._repr_html_()
    assert text.startswith(begins.strip()) or text.startswith(f"<{begins}")
    assert " at 0x" not in text and "array(" not in text and len(text) < 1500
    assert html.startswith("<div><b>") and len(html) < 20_000
    assert not re.search(r"<script|<img|<link|https?://", html)
    assert not re.search(r"<(p\d+|of|b> them)>", html)


def test_html_is_escaped_and_numbers_are_rounded() -> None:
    html = as_html("a <b>\nc & d", pd.DataFrame({"<i>": [1 / 3, np.nan]}), decimals=2)
    assert "a &lt;b&gt;" in html and "c &amp; d" in html and "&lt;i&gt;" in html
    assert "0.33" in html and "NaN" not in html
