"""The one door for Cox fits: R's digits, lifelines' table, and no number where there is no finite estimate."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from lifelines import CoxPHFitter
from lifelines.datasets import load_rossi

import cardiolib
from cardiolib.survival import CoxRecipe, CoxSettings, fit_cox, fit_lasso_cox, fit_pca_cox, patient_folds
from cardiolib.survival.conventional import PcaCoxSettings, _principal_axes
from cardiolib.survival.cox import cox_nll
from cardiolib.survival.cox_regression import cox_regression
from cardiolib.survival.folds import inner_folds
from cardiolib.survival.lasso import lasso_path
from cardiolib.survival.ridge import fit_ridge_cox

N = 60
_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(N, 2))
TIME = _RNG.exponential(np.exp(-X[:, 0]))
EVENT = _RNG.random(N) < 0.5
RARE = (np.arange(N) == 5).astype(float)  # a diagnosis of one patient
LAST, FIRST = np.where(RARE, TIME.max() + 1, TIME), np.where(RARE, TIME.min() / 2, TIME)

SEPARATED = {
    "the covariate is the outcome": (EVENT.astype(float), EVENT, TIME),
    "the order of death": (-TIME, np.ones(N), TIME),
    "the order of death, rounded": (-np.ceil(TIME * 3), np.ones(N), np.ceil(TIME * 3)),
    "a group of which nobody died": (RARE, EVENT & (RARE == 0), LAST),
    "a group that died first": (RARE, EVENT | (RARE == 1), FIRST),
    "a group whose deaths come first": ((TIME < np.median(TIME)).astype(float), np.ones(N), TIME),
}


@pytest.mark.field_fault("K7")
@pytest.mark.parametrize("kind", SEPARATED)
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside another"])
def test_deaths_that_a_covariate_separates_give_no_number(kind, beside):
    covariate, event, time = SEPARATED[kind]
    columns = np.column_stack([X[:, 0], covariate] if beside else [covariate])
    for fit in (fit_cox, cox_regression, CoxRecipe().fit):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(ArithmeticError, match="patients with .* deaths on .*separate the deaths"):
                fit(columns, event, time)
    assert np.isfinite(fit_cox(columns, event, time, CoxSettings(penalty=0.1)).coefficients).all()


@pytest.mark.field_fault("K7")
def test_deaths_that_a_combination_of_covariates_separates_give_no_number():
    direction = X @ np.array([1.0, -2.0])
    with pytest.raises(ArithmeticError, match="separate the deaths"):
        fit_cox(X, direction > 1, np.where(direction > 1, 1.0 / direction, 9.0))
    few = np.isin(np.arange(N), np.argsort(TIME)[:1])
    with pytest.raises(ArithmeticError, match="separate the deaths"):
        fit_cox(_RNG.normal(size=(N, 12)), few, TIME)


@pytest.mark.field_fault("K7")
def test_a_covariate_of_which_no_death_can_tell_gives_no_number():
    time = np.where(RARE, 0.0, TIME + 1)  # left before anybody died
    with pytest.raises(ArithmeticError, match="say nothing"):
        fit_cox(np.column_stack([X[:, 0], RARE]), EVENT & (RARE == 0), time)


@pytest.mark.field_fault("K14")
@pytest.mark.parametrize("constant", [0.1, 1 / 3, 1e8 + 0.1, 0.0, -7e-9])
def test_constant_columns_are_called_constant(constant):
    column = np.full(N, constant)
    rounded = column * (1 + 1e-16 * np.arange(N))
    for values in (column, rounded):
        with pytest.raises(ValueError, match=r"columns \['x1'\] are constant"):
            fit_cox(np.column_stack([X[:, 0], values]), EVENT, TIME)
    with pytest.raises(ValueError, match="all 3 columns of X are constant"):
        fit_pca_cox(np.full((N, 3), constant), EVENT, TIME)
    with pytest.raises(ValueError, match="all 3 columns of X are constant"):
        fit_lasso_cox(np.full((N, 3), constant), EVENT, TIME)


def test_columns_that_follow_from_others_are_named():
    table = pd.DataFrame({"EDV": X[:, 0], "ESV": X[:, 1], "SV": X[:, 0] - X[:, 1], "age": _RNG.normal(size=N)})
    with pytest.raises(ValueError, match=r"columns \['EDV', 'ESV', 'SV'\] are collinear"):
        fit_cox(table, EVENT, TIME)
    with pytest.raises(ValueError, match="collinear"):
        fit_cox(_RNG.normal(size=(4, 6)), np.ones(4), np.arange(4))


@pytest.mark.field_fault("K10")
def test_features_that_are_no_matrix_of_numbers_are_refused_by_name():
    table = pd.DataFrame({"RVEF": X[:, 0], "sex": np.where(X[:, 1] > 0, "f", "m")})
    with pytest.raises(ValueError, match="column 'sex' of X must hold numbers, but row 0 holds"):
        fit_cox(table, EVENT, TIME)
    with pytest.raises(ValueError, match="column 'day' of X must hold numbers, not dates"):
        fit_cox(table[["RVEF"]].assign(day=pd.Timestamp("2020-01-01")), EVENT, TIME)
    for one_column in (X[:, 0], pd.Series(X[:, 0]), X[:, 0].tolist()):
        with pytest.raises(ValueError, match=r"got shape \(60,\): for a single column give X\[:, None\]"):
            fit_cox(one_column, EVENT, TIME)
    with pytest.raises(ValueError, match="too large or too small"):
        fit_cox(X * 1e300, EVENT, TIME)
    with pytest.raises(ValueError, match="no column"):
        fit_cox(X[:, :0], EVENT, TIME)


def test_harmless_oddities_of_features_are_read():
    wanted = fit_cox(np.column_stack([X[:, 0], X[:, 1] > 0]), EVENT, TIME)
    table = pd.DataFrame({"x": X[:, 0].astype(object), "y": pd.array(X[:, 1] > 0, dtype="boolean")})
    found = fit_cox(table, EVENT, TIME)
    np.testing.assert_array_equal(found.coefficients, wanted.coefficients)
    assert list(found.summary.index) == ["x", "y"]
    names = fit_cox(pd.DataFrame(X, columns=["_time", "_event"]), EVENT, TIME)  # names that the library might use
    np.testing.assert_array_equal(names.coefficients, fit_cox(X, EVENT, TIME).coefficients)
    moved = fit_cox(X * [1e-9, 1e9] + [5e-9, 1e11], EVENT, TIME).coefficients * [1e-9, 1e9]
    np.testing.assert_allclose(moved, fit_cox(X, EVENT, TIME).coefficients, rtol=1e-5)


@pytest.mark.field_fault("K15")
def test_rossi_to_the_digits_of_the_known_answer(shared_dir):
    entries = json.loads((shared_dir / "reference" / "survival_known_answers.json").read_text())["entries"]
    expected = {k: v["value"] for k, v in next(e for e in entries if e["id"] == "rossi_cox_all7")["expected"].items()}
    rossi = load_rossi()
    found = cox_regression(rossi[["fin", "age", "race", "wexp", "mar", "paro", "prio"]], rossi["arrest"], rossi["week"])
    np.testing.assert_allclose(found.coefficients, expected["beta"], atol=1e-10)
    np.testing.assert_allclose(found.standard_errors, expected["se"], atol=1e-10)
    assert found.log_likelihood == pytest.approx(expected["loglik"], abs=1e-8)
    assert found.log_likelihood_null == pytest.approx(expected["loglik_null"], abs=1e-8)
    assert found.likelihood_ratio[0] == pytest.approx(expected["lr_chi2_7df"], abs=1e-8)


@pytest.mark.parametrize("penalty", [0.0, 0.001, 0.1])
def test_the_summary_is_that_of_lifelines(penalty):
    rossi = load_rossi()
    precise = {"precision": 1e-12, "r_precision": 1e-15}
    fitted = CoxPHFitter(penalizer=penalty).fit(rossi, "week", "arrest", fit_options=precise)
    found = cox_regression(rossi.drop(columns=["week", "arrest"]), rossi["arrest"], rossi["week"], penalty=penalty)
    pd.testing.assert_frame_equal(found.summary, fitted.summary, rtol=1e-4, atol=1e-6)
    if not penalty:
        test = fitted.log_likelihood_ratio_test()
        assert found.likelihood_ratio == pytest.approx((test.test_statistic, test.p_value), rel=1e-8)


@pytest.mark.field_fault("K7")
def test_columns_that_nearly_agree_are_fitted_to_the_top():
    """Volumes and ejection fraction of few patients: here lifelines stops far from the top, and warns on stderr."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        edv, ef = rng.normal(160, 40, size=50), rng.normal(0.45, 0.1, size=50)
        z = pd.DataFrame({"EDV": edv, "ESV": edv * (1 - ef), "EF": 100 * ef})
        z = (z - z.mean()) / z.std()
        time, event = np.ceil(4 * rng.exponential(np.exp(8 * (ef - 0.45)))), rng.random(50) < 0.3
        found = cox_regression(z, event, time)
        coefficients = torch.tensor(found.coefficients, requires_grad=True)
        nll, n_events = cox_nll(torch.tensor(z.to_numpy()) @ coefficients, event, time)
        (gradient,) = torch.autograd.grad(nll / n_events, coefficients)
        assert np.abs(gradient.numpy()).max() < 1e-7
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other = CoxPHFitter().fit(z.assign(t=time, e=event), "t", "e")
        assert found.log_likelihood >= other.log_likelihood_ - 1e-9


def test_strong_effects_are_no_separation():
    rng = np.random.default_rng(1)
    z = rng.normal(size=300)
    for strength in (3.0, 8.0, 20.0):
        found = cox_regression(z[:, None], np.ones(300), rng.exponential(np.exp(-strength * z)))
        assert abs(found.coefficients[0] - strength) < 4 * found.standard_errors[0]
    one_far_off = np.where(RARE, 100.0, X[:, 0])[:, None]  # a top, though one row outweighs the others
    assert np.isfinite(cox_regression(one_far_off, EVENT | (RARE == 1), FIRST).coefficients).all()


@pytest.mark.field_fault("K7")
def test_ridge_regression_without_a_penalty_finds_the_separation_too():
    with pytest.raises(ArithmeticError, match="separate the deaths"):
        fit_ridge_cox(-TIME[:, None], np.ones(N), TIME, penalty=0.0)
    with pytest.raises(ValueError, match="ties must be one of"):
        fit_ridge_cox(X, EVENT, TIME, penalty=0.1, ties="exact")
    for penalty in (-0.1, np.nan, np.inf):
        with pytest.raises(ValueError, match="penalty must be a finite number"):
            fit_ridge_cox(X, EVENT, TIME, penalty=penalty)


@pytest.mark.field_fault("K7")
def test_the_lasso_path_ends_where_it_no_longer_converges(motion):
    z = ((motion.X - motion.X.mean(axis=0)) / motion.X.std(axis=0))[:40]
    path, _ = lasso_path(z, motion.event[:40], motion.time[:40], np.geomspace(1, 1e-6, 12))
    converged = ~np.isnan(path).any(axis=1)
    assert 2 < converged.sum() < 12
    assert converged[: converged.sum()].all()


@pytest.mark.field_fault("K7")
def test_no_other_module_fits_a_cox_model_with_lifelines():
    package = Path(cardiolib.__file__).parent
    named = [path.name for path in package.rglob("*.py") if "CoxPHFitter" in path.read_text(encoding="utf-8")]
    assert named == []


@pytest.mark.field_fault("K15")
def test_principal_axes_of_a_tall_matrix_are_those_of_a_wide_one():
    tall = _RNG.normal(size=(50, 7)) * np.arange(1, 8)
    scaler, axes, spread = _principal_axes(tall, "global", 5)
    padded = np.hstack([tall, np.tile(tall.mean(axis=0)[:1], (50, 60))])  # constant columns turn no axis
    _, wide_axes, wide_spread = _principal_axes(padded, "none", 5)
    np.testing.assert_allclose(spread * scaler.scale[0], wide_spread, rtol=1e-6)
    np.testing.assert_allclose(np.abs(np.sum(axes * wide_axes[:7], axis=0)), 1, atol=1e-6)


@pytest.mark.field_fault("K15")
def test_many_patients_with_few_columns_need_no_matrix_of_patients():
    rng = np.random.default_rng(2)
    many = rng.normal(size=(20_000, 14))  # 3.2 GB as a matrix of patients by patients
    time = rng.exponential(np.exp(-many[:, 0]))
    fixed = PcaCoxSettings(n_components=14, log10_penalty=-6.0)
    found = fit_pca_cox(many, time < 1, np.minimum(time, 1), fixed)
    assert found.coefficients[0] == pytest.approx(1.0, abs=0.05)


@pytest.mark.field_fault("K14")
@pytest.mark.parametrize("fit", [fit_pca_cox, fit_lasso_cox])
def test_fewer_deaths_than_inner_folds_are_tuned_on_fewer_folds(fit):
    rng = np.random.default_rng(5)
    wide = rng.normal(size=(40, 60))
    event, time = np.arange(40) < 4, rng.exponential(size=40)
    assert np.isfinite(fit(wide, event, time).predict_log_risk(wide)).all()
    bag = np.r_[[0, 0, 0, 1, 1, 1, 1], np.arange(7, 40)]  # seven rows of two patients who died
    assert np.isfinite(fit(wide[bag], event[bag], time[bag], groups=bag).predict_log_risk(wide)).all()
    only = np.r_[[0] * 7, np.arange(7, 40)]
    with pytest.raises(ValueError, match="1 of these 40 did: .*more patients who died are needed"):
        fit(wide[only], event[only], time[only], groups=only)


def test_folds_keep_their_promise_with_few_deaths():
    event, rng = np.arange(12) < 3, np.random.default_rng(0)
    assert inner_folds(event, n_folds=6, rng=rng).max() == 2
    with pytest.raises(ValueError, match="use fewer folds"):
        patient_folds(event, n_folds=6, rng=rng)
    with pytest.raises(ValueError, match="more patients who died are needed"):
        patient_folds(np.arange(12) < 1, n_folds=6, rng=rng)
    with pytest.raises(ValueError, match=r"groups is missing in rows \[1\]"):
        patient_folds(event, n_folds=2, rng=rng, groups=[1.0, np.nan, *range(10)])
