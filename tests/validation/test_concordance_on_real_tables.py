"""Concordance on real outcomes: R's printed values, and models fitted here, against the known answers."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from cardiolib.validation import compare_concordance, concordance, uno_concordance


@pytest.fixture(scope="module")
def known(shared_dir):
    text = (shared_dir / "reference" / "survival_known_answers.json").read_text(encoding="utf-8")
    return {entry["id"]: {k: v["value"] for k, v in entry["expected"].items()} for entry in json.loads(text)["entries"]}


@pytest.fixture(scope="module")
def tables(shared_dir):
    return shared_dir / "data" / "survival_tables"


def cox(table, columns, time, event):
    """Coefficients of an Efron Cox model on standardised columns, for the columns as they are."""
    rows = table[[*columns, time, event]].dropna()
    spread = rows[columns].std()
    scaled = rows.assign(**{name: rows[name] / spread[name] for name in columns})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = CoxPHFitter().fit(scaled, time, event, fit_options={"precision": 1e-12})
    return fit.params_ / spread[fit.params_.index]


def test_heart_failure_against_known_answers(tables, known):
    table = pd.read_csv(tables / "heart_failure_S1Data.csv")
    columns = [
        "Gender",
        "Smoking",
        "Diabetes",
        "BP",
        "Anaemia",
        "Age",
        "Ejection.Fraction",
        "Sodium",
        "Creatinine",
        "Pletelets",
        "CPK",
    ]
    beta = cox(table, columns, "TIME", "Event")
    found = concordance(table[columns] @ beta[columns], table["Event"], table["TIME"])
    answer = known["heart_failure_299"]
    assert (found.concordant, found.discordant, found.tied_risk) == (
        answer["concordant"],
        answer["discordant"],
        answer["tied_risk"],
    )
    assert found.c == pytest.approx(answer["C"], abs=1e-9)
    assert found.se == pytest.approx(answer["ij_se"], abs=1e-9)


def test_mgus2_against_the_values_that_r_prints(tables, known):
    """R, help(concordance): C .6618 and .6000, SE .0310 and .0293, correlation .258; Uno's C .6132, SE .1026."""
    path = tables / "mgus2.csv"
    if not path.is_file():
        pytest.skip("mgus2 of R's survival package is not distributed; export it to ../shared/data/survival_tables")
    table = pd.read_csv(path).assign(sex=lambda t: (t["sex"] == "M").astype(float))
    p4, p5 = (
        cox(table, columns, "ptime", "pstat") for columns in (["age", "sex", "mspike"], ["age", "sex", "hgb", "creat"])
    )
    uno_rows = table.dropna(subset=[*p4.index, "ptime", "pstat"])
    uno = uno_concordance(uno_rows[p4.index] @ p4, uno_rows["pstat"], uno_rows["ptime"])
    assert (uno.c, uno.se) == pytest.approx(
        (known["mgus2_uno"]["uno_C"], known["mgus2_uno"]["uno_ij_se_weights_fixed"]), abs=1e-6
    )
    both = table.dropna(subset=[*p4.index, *p5.index, "ptime", "pstat"])
    pair = compare_concordance(both[p4.index] @ p4, both[p5.index] @ p5, both["pstat"], both["ptime"])
    answer = known["mgus2_paired"]
    assert (pair.a.n, pair.a.concordant, pair.a.discordant, pair.a.tied_risk) == (
        answer["n"],
        *answer["counts_p4_concordant_discordant_tied"],
    )
    assert [pair.b.concordant, pair.b.discordant, pair.b.tied_risk] == answer["counts_p5_concordant_discordant_tied"]
    found = (pair.a.c, pair.a.se, pair.b.c, pair.b.se, pair.difference, pair.se)
    wanted = [answer[name] for name in ("C_p4", "se_p4", "C_p5", "se_p5", "difference", "ij_se_of_difference")]
    assert found == pytest.approx(wanted, abs=1e-6)
    assert np.round([pair.a.c, pair.b.c, pair.a.se, pair.b.se], 4).tolist() == [0.6618, 0.6, 0.031, 0.0293]
    assert round(pair.correlation, 3) == 0.258
