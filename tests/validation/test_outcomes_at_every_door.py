"""Event, time and risk at every public function that takes them: the right value, or a refusal that names the rows."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

import cardiolib.interpretation as interpretation
import cardiolib.survival as survival
import cardiolib.validation as validation
from cardiolib.survival.cox_regression import cox_regression
from cardiolib.survival.data import SurvivalData
from cardiolib.survival.lasso import lasso_path
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.ridge import fit_ridge_cox
from cardiolib.survival.risk_sets import RiskSets
from cardiolib.validation.absolute_performance import horizons
from cardiolib.validation.absolute_risk import calibration_slope
from cardiolib.validation.time_dependent import kaplan_meier_at, observed_risk, outcome_weights

N = 40
_RNG = np.random.default_rng(7)
X = _RNG.normal(size=(N, 6))
LOG_RISK = np.round(X[:, 0] + _RNG.normal(size=N), 2)
IDS = [str(i) for i in range(N)]
RISK = 1 / (1 + np.exp(-LOG_RISK))
EVENT = _RNG.random(N) < 0.6
TIME = np.minimum(np.round(_RNG.exponential(np.exp(-X[:, 0])) * 20), 200) + 1.0
AT = 12.0
HOME = survival.BaselineHazard(np.arange(1.0, 201), np.log(0.02 * np.arange(1.0, 201)))
FEW = survival.PcaCoxSettings(n_components=2, log10_penalty=0.0)
SMALL = NetworkSettings(hidden=4, latent=2, epochs=2)


def cox_loss(risk, event, time):
    return float(survival.cox_nll(torch.tensor(np.asarray(risk, float)), event, time)[0])


# every door takes (log_risk, event, time); doors of features take the six columns of X in the place of the risk
OF_RISK = {
    "concordance": lambda r, e, t: validation.concordance(r, e, t).c,
    "concordance in strata": lambda r, e, t: validation.concordance(r, e, t, strata=np.arange(N) % 2).c,
    "uno_concordance": lambda r, e, t: validation.uno_concordance(r, e, t, tau=AT).c,
    "compare_concordance": lambda r, e, t: validation.compare_concordance(r, X[:, 1], e, t).p_value,
    "concordance_index": survival.concordance_index,
    "concordance_counts": survival.concordance_counts,
    "breslow_baseline": lambda r, e, t: survival.breslow_baseline(r, e, t)(AT),
    "calibration_slope": calibration_slope,
    "hazard_ratio_per_sd": lambda r, e, t: validation.hazard_ratio_per_sd(r, e, t).tolist(),
    "kaplan_meier_groups": lambda r, e, t: validation.kaplan_meier_groups(r, e, t).logrank_p,
    "paper_median_split": lambda r, e, t: validation.paper_median_split(r, e, t).logrank_p,
    "time_dependent_auc": lambda r, e, t: validation.time_dependent_auc(r, e, t, AT),
    "model_based_concordance": lambda r, e, t: validation.model_based_concordance(r, e, t, baseline=HOME),
    "update_model": lambda r, e, t: validation.update_model(r, e, t, HOME).table["log likelihood"].tolist(),
    "conformal_bound": lambda r, e, t: validation.conformal_bound(r, e, t, HOME, level=0.5).quantile,
    "ConformalBound.coverage": lambda r, e, t: (
        validation.ConformalBound(0.5, 0.5, HOME, N, N).coverage(r, e, t)["coverage"].item()
    ),
}
OF_PROBABILITY = {
    "brier_score": lambda r, e, t: validation.brier_score(r, e, t, AT),
    "calibrate": lambda r, e, t: validation.calibrate(r, e, t, AT).ici,
    "net_benefit": lambda r, e, t: validation.net_benefit(r, e, t, AT, [0.3])["model"].item(),
}
OF_FEATURES = {
    "fit_cox": lambda x, e, t: survival.fit_cox(x, e, t).coefficients,
    "cox_regression": lambda x, e, t: cox_regression(x, e, t).coefficients,
    "fit_pca_cox": lambda x, e, t: survival.fit_pca_cox(x, e, t).coefficients,
    "fit_lasso_cox": lambda x, e, t: survival.fit_lasso_cox(x, e, t).coefficients,
    "fit_ridge_cox": lambda x, e, t: fit_ridge_cox(x, e, t, penalty=0.1),
    "lasso_path": lambda x, e, t: lasso_path(x, e, t, [1.0, 0.5])[0],
    "fit_network": lambda x, e, t: survival.fit_network(x, e, t, SMALL).predict_log_risk(X),
    "CoxRecipe": lambda x, e, t: survival.CoxRecipe().fit(x, e, t).coefficients,
    "bootstrap": lambda x, e, t: (
        validation.run_bootstrap(
            survival.CoxRecipe(), x, e, t, settings=validation.BootstrapSettings(2), ids=range(N)
        ).log_risk
    ),
    "cross_validate": lambda x, e, t: validation.cross_validate(survival.CoxRecipe(), x, e, t, ids=range(N)).log_risk,
    "internal_external": lambda x, e, t: (
        validation.internal_external(survival.PcaCoxRecipe(FEW), x, e, t, np.arange(N) % 3).log_risk
    ),
}
OF_OUTCOMES = {
    "cox_nll": partial(cox_loss, LOG_RISK),
    "RiskSets": lambda e, t: RiskSets(e, t).nll_and_gradient(LOG_RISK)[0],
    "observed_risk": lambda e, t: observed_risk(e, t, AT),
    "kaplan_meier_at": lambda e, t: kaplan_meier_at(e, t, AT),
    "outcome_weights": lambda e, t: outcome_weights(e, t, AT)[2],
    "null_brier_score": lambda e, t: validation.null_brier_score(e, t, AT),
    "uncensored_probability": validation.uncensored_probability,
    "integrated_brier_score": lambda e, t: validation.integrated_brier_score(
        np.stack([RISK, RISK], axis=1), e, t, [5.0, AT]
    ),
    "performance_over_time": lambda e, t: validation.performance_over_time(RISK[:, None], e, t, [AT])["brier"].item(),
    "compare_groups": lambda e, t: validation.compare_groups(LOG_RISK > 0, e, t, names=("a", "b")).logrank_p,
    "horizons": lambda e, t: horizons(e, t, "unknown"),
    "martingale_residuals": interpretation.martingale_residuals,
    "fit_null_network": lambda e, t: interpretation.fit_null_network(X, e, t, SMALL, seed=1).c_index,
    "refit_networks": lambda e, t: (
        interpretation.refit_networks(X, e, t, SMALL, n_refits=1, n_vertices=2, seed=1)[0].log_risk
    ),
    "BootstrapStore": lambda e, t: validation.BootstrapStore(IDS, e, t, [range(N)], [LOG_RISK]).event,
    "SurvivalData": lambda e, t: SurvivalData(tuple(IDS), X, e, t, None, (1, 2, 3), "days").fingerprint(),
}
ALL = {
    **OF_OUTCOMES,
    **{name: partial(door, LOG_RISK) for name, door in OF_RISK.items()},
    **{name: partial(door, RISK) for name, door in OF_PROBABILITY.items()},
    **{name: partial(door, X) for name, door in OF_FEATURES.items()},
}


SLOW = (
    "fit_null_network",
    "compare_groups",
    "kaplan_meier_groups",
    "paper_median_split",
    "refit_networks",
    "fit_lasso_cox",
    "fit_pca_cox",
    "fit_network",
    "cross_validate",
    "bootstrap",
)


def with_row(values, row, value):
    """The values as objects, one of them replaced."""
    changed = np.asarray(values).astype(object)
    changed[row] = value
    return changed


BAD_EVENTS = {
    "text": EVENT.astype(int).astype(str),
    "object text": EVENT.astype(int).astype(str).astype(object),
    "words": np.where(EVENT, "dead", "alive"),
    "None": with_row(EVENT, 3, None),
    "NA": pd.Series(EVENT, dtype="boolean").mask(np.arange(N) == 3),
    "NaN": np.where(np.arange(N) == 3, np.nan, EVENT),
    "NaN object": with_row(EVENT.astype(int), 3, np.nan),
    "1/2": EVENT + 1,
    "-1/1": np.where(EVENT, 1, -1),
    "0/2": 2 * EVENT,
    "halves": np.where(np.arange(N) == 3, 0.5, EVENT),
    "dates": np.full(N, "2020-01-01", "datetime64[D]"),
    "complex": EVENT.astype(complex),
    "masked": np.ma.masked_array(EVENT, np.arange(N) == 3),
    "one short": EVENT[:-1],
    "a column": EVENT[:, None],
    "structured": np.array([(bool(e), t) for e, t in zip(EVENT, TIME, strict=True)], dtype=[("e", "?"), ("t", "f8")]),
    "categories of text": pd.Series(pd.Categorical(np.where(EVENT, "1", "0"))),
}
BAD_TIMES = {
    "dates": np.datetime64("2020-01-01", "ns") + TIME.astype("timedelta64[D]"),
    "durations": TIME.astype("timedelta64[D]"),
    "durations of pandas": pd.Series(pd.to_timedelta(TIME, unit="D")),
    "dates with zone": pd.Series(pd.date_range("2020-01-01", periods=N, tz="UTC")),
    "periods": pd.Series(pd.period_range("2020-01", periods=N, freq="M")),
    "text": TIME.astype(str),
    "decimal commas": np.array([f"{t:.1f}".replace(".", ",") for t in TIME], dtype=object),
    "None": with_row(TIME, 3, None),
    "NA": pd.Series(TIME, dtype="Float64").mask(np.arange(N) == 3),
    "NaN": np.where(np.arange(N) == 3, np.nan, TIME),
    "infinite": np.where(np.arange(N) == 3, np.inf, TIME),
    "negative": np.where(np.arange(N) == 3, -1.0, TIME),
    "truth values": EVENT,
    "complex": TIME.astype(complex),
    "masked": np.ma.masked_array(TIME, np.arange(N) == 3),
    "one short": TIME[:-1],
    "a column": TIME[:, None],
}
SAME_EVENTS = {
    "int": EVENT.astype(int),
    "object": EVENT.astype(object),
    "uint8": EVENT.astype(np.uint8),
    "float": EVENT.astype(float),
    "list": EVENT.tolist(),
    "objects of several types": with_row(with_row(EVENT, 0, np.bool_(EVENT[0])), 1, float(EVENT[1])),
    "Series": pd.Series(EVENT),
    "nullable": pd.Series(EVENT, dtype="boolean"),
    "nullable numbers": pd.Series(EVENT.astype(int), dtype="Int64"),
    "categories": pd.Series(pd.Categorical(EVENT.astype(int))),
    "nothing masked": np.ma.masked_array(EVENT, False),
    "tensor": torch.tensor(EVENT),
}
SAME_TIMES = {
    "uint8": TIME.astype(np.uint8),
    "int16": TIME.astype(np.int16),
    "float16": TIME.astype(np.float16),
    "list": TIME.tolist(),
    "object": TIME.astype(object),
    "decimals": np.array([Decimal(str(t)) for t in TIME], dtype=object),
    "Series": pd.Series(TIME),
    "nullable": pd.Series(TIME, dtype="Float64"),
    "nothing masked": np.ma.masked_array(TIME, False),
    "tensor": torch.tensor(TIME),
}


def refused(door, event, time, *, named: str) -> None:
    """A refusal in words: which argument, and no message from the depths."""
    with pytest.raises(ValueError, match=named) as caught:
        door(event, time)
    assert type(caught.value) is ValueError
    assert "could not convert" not in str(caught.value)


@pytest.mark.field_fault("K5")
@pytest.mark.parametrize("name", ALL)
def test_events_that_are_none_are_refused(name):
    for kind, event in BAD_EVENTS.items():
        if (name, kind) != ("cox_nll", "a column"):  # networks give columns
            refused(ALL[name], event, TIME, named="event")


@pytest.mark.field_fault("K5")
@pytest.mark.parametrize("name", ALL)
def test_times_that_are_none_are_refused(name):
    for kind, time in BAD_TIMES.items():
        if (name, kind) != ("cox_nll", "a column"):
            refused(ALL[name], EVENT, time, named="time")
    refused(ALL[name], [], [], named="no patient|one length|one row|one value")


@pytest.mark.parametrize("name", ALL)
def test_the_same_outcomes_in_other_types_give_the_same(name):
    door, some = ALL[name], 2 if name in SLOW else None
    wanted = door(EVENT, TIME)
    for event in list(SAME_EVENTS.values())[:some]:
        np.testing.assert_array_equal(door(event, TIME), wanted)
    for time in list(SAME_TIMES.values())[:some]:
        np.testing.assert_array_equal(door(EVENT, time), wanted)


@pytest.mark.field_fault("K15")
@pytest.mark.parametrize("name", ALL)
def test_outcomes_whose_rows_are_in_another_order_are_refused(name):
    index = [f"P{i}" for i in range(N)]
    event, time = pd.Series(EVENT, index), pd.Series(TIME, index)
    np.testing.assert_array_equal(ALL[name](event, time), ALL[name](EVENT, TIME))
    refused(ALL[name], event, time.iloc[::-1], named="same patients in different order")
    refused(ALL[name], event.reset_index(drop=True), time, named="different names")


@pytest.mark.field_fault("K15")
@pytest.mark.parametrize("name", [*OF_RISK, *OF_PROBABILITY, *OF_FEATURES])
def test_risks_whose_rows_are_in_another_order_are_refused(name):
    doors = OF_RISK | OF_PROBABILITY | OF_FEATURES
    given = RISK if name in OF_PROBABILITY else X if name in OF_FEATURES else LOG_RISK
    index = [f"P{i}" for i in range(N)]
    frame = pd.DataFrame(given, index) if given.ndim == 2 else pd.Series(given, index)
    event = pd.Series(EVENT, index)
    np.testing.assert_array_equal(doors[name](frame, event, TIME), doors[name](given, EVENT, TIME))
    refused(partial(doors[name], frame.iloc[::-1]), event, TIME, named="different order")
    refused(partial(doors[name], frame.iloc[1:]), event, TIME, named="rows")
    refused(partial(doors[name], given[1:]), EVENT, TIME, named="by patient ID")
    hidden = np.ma.masked_array(given, np.zeros(given.shape, bool))
    hidden[4] = np.ma.masked
    refused(partial(doors[name], hidden), EVENT, TIME, named="hides 1 rows, first \\[4\\]")


@pytest.mark.parametrize("name", [*OF_RISK, *OF_PROBABILITY, *OF_FEATURES])
def test_risks_and_features_that_are_no_finite_numbers_are_refused(name):
    doors = OF_RISK | OF_PROBABILITY | OF_FEATURES
    given = RISK if name in OF_PROBABILITY else X if name in OF_FEATURES else LOG_RISK
    for value in (np.nan, np.inf, -np.inf):
        changed = given.copy()
        changed[5] = value
        if name in ("bootstrap", "cross_validate"):  # a pipeline of one's own may fill gaps: the recipe refuses
            with pytest.raises(ValueError):
                doors[name](changed, EVENT, TIME)
            continue
        refused(partial(doors[name], changed), EVENT, TIME, named="finite|between 0 and 1")
    for value in ("high", None, np.datetime64("2020-01-01")):
        changed = given.astype(object)
        changed[5] = value
        with pytest.raises(ValueError) as caught:
            doors[name](changed, EVENT, TIME)
        assert "could not convert" not in str(caught.value)


@pytest.mark.field_fault("K5")
def test_the_refusal_names_the_rows_and_the_remedy():
    with pytest.raises(ValueError, match=r"rows break this, first \[1, .*give event == 2"):
        validation.concordance(LOG_RISK, EVENT + 1, TIME)
    with pytest.raises(ValueError, match=r"number or a truth value in every row .* first \[3\] with values \[None\]"):
        validation.concordance(LOG_RISK, BAD_EVENTS["None"], TIME)
    with pytest.raises(ValueError, match=r"durations .* time / np.timedelta64\(1, 'D'\)"):
        validation.concordance(LOG_RISK, EVENT, BAD_TIMES["durations"])
    with pytest.raises(ValueError, match="were event and time exchanged"):
        validation.concordance(LOG_RISK, EVENT, EVENT)


@pytest.mark.field_fault("K5")
@pytest.mark.parametrize("bad", ["1/2", "NaN", "text"])
def test_the_cox_loss_and_the_folds_check_events_too(bad):
    with pytest.raises(ValueError, match="event"):
        survival.patient_folds(BAD_EVENTS[bad], n_folds=2, rng=np.random.default_rng(0))
    tensor = torch.tensor(LOG_RISK)
    with pytest.raises(ValueError, match="event"):
        survival.cox_nll(tensor, BAD_EVENTS[bad], TIME)
    with pytest.raises(ValueError, match="strata is missing in rows"):
        survival.cox_nll(tensor, EVENT, TIME, strata=np.where(np.arange(N) == 2, np.nan, 1.0))
    by_name = survival.cox_nll(tensor, EVENT, TIME, strata=np.where(np.arange(N) % 2, "a", "b"))[0]
    assert by_name == survival.cox_nll(tensor, EVENT, TIME, strata=torch.arange(N) % 2)[0]


def test_times_of_zero_are_times():
    time = np.where(np.arange(N) < 3, 0.0, TIME)
    event = np.where(np.arange(N) < 2, True, EVENT)
    for name in ("concordance_index", "kaplan_meier_groups", "fit_cox", "observed_risk", "martingale_residuals"):
        shifted = ALL[name](event, time + 1) if name != "observed_risk" else observed_risk(event, time + 1, AT + 1)
        np.testing.assert_allclose(ALL[name](event, time), shifted, rtol=1e-9)


def test_strata_without_a_label_are_refused():
    for strata in (np.where(np.arange(N) == 3, np.nan, 1.0), with_row(np.zeros(N), 3, None)):
        with pytest.raises(ValueError, match=r"strata is missing in rows \[3\]"):
            validation.concordance(LOG_RISK, EVENT, TIME, strata=strata)
    mixed = with_row(np.arange(N) % 2, 0, "other")
    assert 0 < validation.concordance(LOG_RISK, EVENT, TIME, strata=mixed).c < 1
