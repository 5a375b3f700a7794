"""Cox on volumes against the two meanings of lifelines' penalizer; PCA + ridge Cox."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from lifelines import CoxPHFitter
from lifelines.datasets import load_rossi
from made_motion import simulate_motion

from cardiolib.survival import (
    CoxRecipe,
    CoxSettings,
    LassoCoxRecipe,
    NetworkRecipe,
    NetworkSettings,
    PcaCoxRecipe,
    PcaCoxSettings,
    concordance_index,
    fit_cox,
    fit_pca_cox,
)
from cardiolib.survival.cox import cox_nll
from cardiolib.survival.lasso import fit_lasso_cox, lasso_path
from cardiolib.survival.ridge import fit_ridge_cox

pytestmark = pytest.mark.processor


def test_unpenalised_cox_known_answer(shared_dir):
    entries = json.loads((shared_dir / "reference" / "survival_known_answers.json").read_text())["entries"]
    expected = next(e for e in entries if e["id"] == "rossi_cox_all7")["expected"]
    rossi = load_rossi()
    X = rossi[["fin", "age", "race", "wexp", "mar", "paro", "prio"]]
    model = fit_cox(X, rossi["arrest"], rossi["week"])
    np.testing.assert_allclose(model.coefficients, expected["beta"]["value"], atol=1e-5)
    assert list(model.summary.index) == list(X.columns)
    c = concordance_index(model.predict_log_risk(X), rossi["arrest"], rossi["week"])
    assert c == pytest.approx(expected["C"]["value"], abs=1e-7)


def test_penalties_known_answer(shared_dir):
    answers = json.loads((shared_dir / "reference" / "authors_released_results.json").read_text())["answers"]
    answers = answers if isinstance(answers, list) else list(answers.values())
    grid = next(a for a in answers if a["id"] == "penalised_cox_grid")["values"]["grid"]
    X, event, time = released_volumes(shared_dir)
    for row in grid[::3]:
        for meaning, key in (("per_patient", "penalty_scaled_by_n"), ("total", "penalty_not_scaled")):
            settings = CoxSettings(penalty=10.0 ** row["log10_penalty"], penalty_meaning=meaning)
            model = fit_cox(X, event, time, settings)
            np.testing.assert_allclose(model.coefficients, row[key]["full_beta"], atol=2e-5)
            c = concordance_index(model.predict_log_risk(X), event, time)
            assert c == pytest.approx(row[key]["full_C"], abs=2e-4)


def released_volumes(shared_dir):
    """Volumes and outcomes of the authors' released pickle (arrays only)."""

    class ArraysOnly(pickle.Unpickler):
        def find_class(self, module, name):
            if (module.split(".")[0] == "numpy" and name in ("_reconstruct", "ndarray", "dtype")) or (module, name) == (
                "_codecs",
                "encode",
            ):
                return super().find_class(module.replace("numpy.core", "numpy._core"), name)
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")

    with open(shared_dir / "data" / "4dsurvival" / "inputdata_conv.pkl", "rb") as file:
        X, y = ArraysOnly(file, encoding="latin1").load()
    return X, y[:, 0], y[:, 1]


@pytest.mark.parametrize("penalty", [0.01, 1.0])
def test_ridge_against_lifelines(penalty):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(80, 3))
    z /= z.std(axis=0, ddof=1)
    event, time = rng.random(80) < 0.6, rng.integers(1, 12, size=80).astype(float)
    table = pd.DataFrame(z, columns=list("abc")).assign(t=time, e=event.astype(int))
    expected = CoxPHFitter(penalizer=penalty).fit(table, "t", "e").params_
    np.testing.assert_allclose(fit_ridge_cox(z, event, time, penalty=penalty), expected, atol=1e-5)


def test_ridge_says_when_it_does_not_converge():
    separated = np.arange(10.0)[:, None]  # the order of death is perfectly predicted: no finite optimum
    with pytest.raises(ArithmeticError, match="did not converge"):
        fit_ridge_cox(separated, np.ones(10), 10.0 - np.arange(10), penalty=0.0, max_steps=3)


def share_of_the_truth(model, patients) -> float:
    """How far from chance to the concordance of the true hazard a model comes."""
    found, best = (
        concordance_index(risk, patients.event, patients.time)
        for risk in (model.predict_log_risk(patients.X), patients.log_hazard)
    )
    return (found - 0.5) / (best - 0.5)


def test_pca_cox_recovers_and_agrees_with_its_scores(motion, new_patients):
    model = fit_pca_cox(motion.X, motion.event, motion.time)
    assert share_of_the_truth(model, new_patients) > 0.5
    chosen = model.summary.iloc[0]
    assert chosen["n_components"] in (5, 10, 20, 40) and -3 <= chosen["log10_penalty"] <= 1
    fixed = PcaCoxSettings(n_components=5, log10_penalty=0.0, standardise="columns")
    scaled = fit_pca_cox(motion.X * 10 + 3, motion.event, motion.time, fixed)
    plain = fit_pca_cox(motion.X, motion.event, motion.time, fixed)
    np.testing.assert_allclose(scaled.predict_log_risk(motion.X * 10 + 3), plain.predict_log_risk(motion.X), atol=1e-4)


def test_recipes_share_one_interface(motion):
    bag = np.random.default_rng(0).integers(0, 90, size=90)
    for recipe, X in ((CoxRecipe(CoxSettings(penalty=0.1)), motion.X[:, :3]), (PcaCoxRecipe(), motion.X)):
        model = recipe.fit(X[bag], motion.event[bag], motion.time[bag], groups=bag, seed=1)
        assert model.predict_log_risk(X).shape == (90,)
        assert np.all(np.diff(model.survival_curve(X, [0.2, 0.9]), axis=1) <= 0)


def test_wrong_input_is_refused(motion):
    with pytest.raises(ValueError, match=r"columns \['x1'\] are constant"):
        fit_cox(np.column_stack([motion.X[:, 0], np.ones(90)]), motion.event, motion.time)
    with pytest.raises(ValueError, match="penalty_meaning must be one of"):
        CoxSettings(penalty_meaning="2018")
    with pytest.raises(ValueError, match="fitted on 2 features, but X has 3"):
        fit_cox(motion.X[:, :2], motion.event, motion.time).predict_log_risk(motion.X[:, :3])


def test_lasso_meets_the_optimality_conditions_and_falls_to_nothing(motion):
    z = (motion.X - motion.X.mean(axis=0)) / motion.X.std(axis=0)
    path, penalties = lasso_path(z, motion.event, motion.time, np.geomspace(1, 0.2, 6))
    assert not path[0].any() and np.count_nonzero(path[-1]) > np.count_nonzero(path[1]) > 0
    for beta, penalty in zip(path, penalties, strict=True):
        weights = torch.tensor(beta, requires_grad=True)
        nll, _ = cox_nll(torch.tensor(z) @ weights, motion.event, motion.time)
        (gradient,) = torch.autograd.grad(nll / 90, weights)
        gradient, kept = gradient.numpy(), beta != 0
        np.testing.assert_allclose(gradient[kept], -penalty * np.sign(beta[kept]), rtol=1e-4)
        assert np.all(np.abs(gradient[~kept]) <= penalty * (1 + 1e-5))


def test_lasso_against_lifelines():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(80, 4))
    z /= z.std(axis=0, ddof=1)
    time = rng.exponential(size=80) * np.exp(-z[:, 0] + 0.5 * z[:, 1])
    event = rng.random(80) < 0.7
    path, penalties = lasso_path(z, event, time, [1.0, 0.3])
    table = pd.DataFrame(z, columns=list("abcd")).assign(t=time, e=event.astype(int))
    fitted = CoxPHFitter(penalizer=penalties[1], l1_ratio=1.0).fit(table, "t", "e")
    np.testing.assert_allclose(path[1], fitted.params_, atol=2e-3)  # lifelines smooths the corner of |x|


@pytest.mark.parametrize(
    "recipe",
    [LassoCoxRecipe(), NetworkRecipe(NetworkSettings(standardise="columns", activation="linear", hidden=40))],
    ids=["lasso", "linear network"],
)
def test_lasso_and_linear_network_recover_the_hazard(recipe):
    shares = []
    for seed in range(4):
        train, new = simulate_motion(90, 2 * seed + 1), simulate_motion(400, 2 * seed + 2)
        shares.append(share_of_the_truth(recipe.fit(train.X, train.event, train.time, seed=1), new))
    assert np.mean(shares) > 0.5


@pytest.mark.parametrize("fit", [fit_pca_cox, fit_lasso_cox])
def test_inner_folds_without_a_comparable_pair_are_left_out(fit):
    """Six deaths, four of them after everybody else was lost: some folds rank nobody."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 8))
    event, time = np.zeros(40, bool), rng.uniform(1, 2, 40)
    event[:6], time[:4], time[4:6] = True, np.arange(5.0, 9.0), 0.5
    model = fit(X, event, time, seed=1)
    assert np.isfinite(model.predict_log_risk(X)).all()
    time[4:6] = 9.0, 10.0
    with pytest.raises(ValueError, match="fewer folds or more patients"):
        fit(X, event, time, seed=1)


def test_a_penalty_that_does_not_converge_is_no_candidate(monkeypatch):
    from cardiolib.survival import conventional

    honest = conventional.fit_ridge_cox

    def weak_penalties_fail(z, event, time, *, penalty):
        if penalty < 0.5:
            raise ArithmeticError("did not converge")
        return honest(z, event, time, penalty=penalty)

    monkeypatch.setattr(conventional, "fit_ridge_cox", weak_penalties_fail)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 8))
    model = fit_pca_cox(X, rng.uniform(size=60) < 0.4, rng.exponential(size=60), seed=1)
    assert 10 ** model.summary["log10_penalty"].iloc[0] >= 0.5
