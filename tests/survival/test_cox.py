"""Cox likelihood and baseline hazard: known answers, a naive twin, libraries, extremes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.survival.cox import breslow_baseline, cox_nll
from cardiolib.survival.ridge import fit_ridge_cox
from cardiolib.survival.risk_sets import RiskSets

TINY = {"time": [1, 1, 6, 6, 8, 9], "event": [1, 0, 1, 1, 0, 1], "x": [1.0, 1, 1, 0, 0, 0]}


def entry(shared_dir: Path, name: str) -> dict:
    """One entry of the file of known answers."""
    entries = json.loads((shared_dir / "reference" / "survival_known_answers.json").read_text())["entries"]
    return next(e for e in entries if e["id"] == name)


def naive_nll(eta, event, time, ties):
    """The definition, term by term."""
    total = 0.0
    for g in sorted({t for t, e in zip(time, event, strict=True) if e}):
        died = [i for i in range(len(time)) if time[i] == g and event[i]]
        at_risk = sum(np.exp(eta[i]) for i in range(len(time)) if time[i] >= g)
        tied = sum(np.exp(eta[i]) for i in died)
        for k, i in enumerate(died):
            total += np.log(at_risk - (k / len(died) if ties == "efron" else 0) * tied) - eta[i]
    return total


outcomes = st.integers(2, 25).flatmap(
    lambda n: st.tuples(
        st.lists(st.floats(-5, 5), min_size=n, max_size=n),
        st.lists(st.booleans(), min_size=n, max_size=n),
        st.lists(st.integers(0, 6), min_size=n, max_size=n),
        st.permutations(range(n)),
    )
)


@settings(max_examples=60, deadline=None)
@given(outcomes, st.sampled_from(["efron", "breslow"]))
def test_nll_against_definition_in_any_row_order(case, ties):
    eta, event, time, order = case
    value, n_events = cox_nll(torch.tensor(eta, dtype=torch.float64), event, time, ties=ties)
    assert n_events == sum(event)
    assert float(value) == pytest.approx(naive_nll(eta, event, time, ties), abs=1e-9)
    shuffled = [[v[i] for i in order] for v in (eta, event, time)]
    again, _ = cox_nll(torch.tensor(shuffled[0], dtype=torch.float64), *shuffled[1:], ties=ties)
    assert float(again) == pytest.approx(float(value), abs=1e-10)


@settings(max_examples=60, deadline=None)
@given(outcomes, st.sampled_from(["efron", "breslow"]), st.sampled_from([1.0, 200.0]))
def test_risk_sets_equal_autograd(case, ties, scale):
    eta, event, time, _ = case
    eta = torch.tensor(eta, dtype=torch.float64) * scale
    eta.requires_grad_(True)
    value, _ = cox_nll(eta, event, time, ties=ties)
    (gradient,) = torch.autograd.grad(value, eta)
    fast, fast_gradient = RiskSets(event, np.array(time, dtype=float), ties=ties).nll_and_gradient(eta.detach().numpy())
    assert fast == pytest.approx(value.item(), rel=1e-11, abs=1e-9)
    np.testing.assert_allclose(fast_gradient, gradient.numpy(), atol=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_gradcheck(ties):
    rng = np.random.default_rng(0)
    eta = torch.tensor(rng.normal(size=12), requires_grad=True)
    event, time = rng.random(12) < 0.7, rng.integers(1, 5, size=12)
    assert torch.autograd.gradcheck(lambda r: cox_nll(r, event, time, ties=ties)[0], eta)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_tiny_known_answers(shared_dir, ties):
    expected = {k: v["value"] for k, v in entry(shared_dir, f"cox_tiny_{ties}")["expected"].items()}
    x = torch.tensor(TINY["x"], dtype=torch.float64)
    beta = fit_ridge_cox(x.numpy()[:, None], TINY["event"], np.array(TINY["time"], dtype=float), penalty=0, ties=ties)
    assert beta[0] == pytest.approx(expected["beta_hat"], abs=1e-8)
    at_zero = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    value, _ = cox_nll(at_zero, TINY["event"], TINY["time"], ties=ties)
    assert -value.item() == pytest.approx(expected["loglik_at_0"], abs=1e-9)
    (gradient,) = torch.autograd.grad(value, at_zero)
    np.testing.assert_allclose(gradient, expected["neg_loglik_gradient_wrt_eta_at_0"], atol=1e-9)
    best, _ = cox_nll(x * float(beta[0]), TINY["event"], TINY["time"], ties=ties)
    assert -best.item() == pytest.approx(expected["loglik_at_beta_hat"], abs=1e-8)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-6)])
@pytest.mark.parametrize("shift", [0.0, 1000.0, -1000.0, 800.0])
def test_shift_invariance_known_answer(shared_dir, dtype, tolerance, shift):
    expected = entry(shared_dir, "cox_loss_shift_invariance")["expected"]
    for ties, beta in (("breslow", 1.47528491483), ("efron", 1.67685748559)):
        # adding in float64 first would round the risk itself, not the loss, when cast to float32
        eta = torch.tensor(TINY["x"], dtype=torch.float64) * beta + shift
        eta = eta.to(dtype)
        value, _ = cox_nll(eta, TINY["event"], TINY["time"], ties=ties)
        assert value.dtype == dtype
        rounding = 0 if dtype == torch.float64 else abs(shift) * 6e-8 * 6
        assert value.item() == pytest.approx(expected[ties]["value"], abs=tolerance + rounding)


def test_extreme_risks_known_answer(shared_dir):
    case = entry(shared_dir, "cox_loss_extreme_eta")
    data, expected = case["data"]["inline"], case["expected"]
    eta = torch.tensor(data["eta"], dtype=torch.float64, requires_grad=True)
    value, _ = cox_nll(eta, data["event"], data["time"])
    value.backward()
    assert value.item() == pytest.approx(expected["loss"]["value"], abs=1e-8)
    np.testing.assert_allclose(eta.grad, expected["gradient"]["value"], atol=1e-9)
    fast, gradient = RiskSets(data["event"], data["time"]).nll_and_gradient(data["eta"])
    assert fast == pytest.approx(expected["loss"]["value"], abs=1e-8)
    np.testing.assert_allclose(gradient, expected["gradient"]["value"], atol=1e-9)


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_event_tied_with_censoring_known_answer(shared_dir, order):
    expected = entry(shared_dir, "cox_loss_event_tied_with_censoring")["expected"]["loss"]["value"]
    eta, event = torch.tensor([0.0, 2.0], dtype=torch.float64)[order], np.array([1, 0])[order]
    assert cox_nll(eta, event, [1, 1])[0].item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_strata_known_answer(shared_dir, ties):
    case = entry(shared_dir, "cox_stratified_toy")
    data, expected = case["data"]["inline"], case["expected"]
    beta = expected[f"{ties}_beta"]["value"]
    eta = torch.tensor(data["x"], dtype=torch.float64) * beta
    value, n_events = cox_nll(eta, data["event"], data["time"], ties=ties, strata=data["sex"])
    assert n_events == 5
    assert -value.item() == pytest.approx(expected[f"{ties}_loglik"]["value"], abs=1e-7)


def test_all_tied_one_event_and_all_censored():
    eta = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64, requires_grad=True)
    all_tied, _ = cox_nll(eta, [1, 1, 1], [2.0, 2.0, 2.0])
    assert all_tied.item() == pytest.approx(naive_nll(eta.detach().numpy(), [1, 1, 1], [2, 2, 2], "efron"))
    one, n_events = cox_nll(eta, [0, 1, 0], [1.0, 2.0, 3.0])
    assert (n_events, one.item()) == (1, pytest.approx(np.log(np.exp(-1) + np.exp(2)) + 1))
    none, n_events = cox_nll(eta, [0, 0, 0], [1.0, 2.0, 3.0])
    none.backward()
    assert (n_events, none.item()) == (0, 0.0)
    assert torch.equal(eta.grad, torch.zeros(3, dtype=torch.float64))


def test_finite_at_a_thousand_in_float32():
    eta = torch.tensor([1000.0, -1000.0, 1000.0, 0.0], requires_grad=True)
    value, _ = cox_nll(eta, [1, 1, 1, 1], [1.0, 1.0, 2.0, 2.0])
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(eta.grad).all()
    assert eta.grad.sum().item() == pytest.approx(0, abs=1e-5)


def test_against_statsmodels():
    from statsmodels.duration.hazard_regression import PHReg

    rng = np.random.default_rng(3)
    x, time, event = rng.normal(size=(60, 2)), rng.integers(1, 15, size=60).astype(float), rng.random(60) < 0.6
    beta = np.array([0.4, -0.8])
    for ties in ("efron", "breslow"):
        expected = PHReg(time, x, status=event.astype(int), ties=ties).loglike(beta)
        assert -cox_nll(torch.tensor(x @ beta), event, time, ties=ties)[0].item() == pytest.approx(expected, abs=1e-8)


def test_wrong_input_is_refused():
    eta = torch.zeros(3)
    with pytest.raises(ValueError, match="ties must be one of"):
        cox_nll(eta, [1, 0, 1], [1, 2, 3], ties="exact")
    with pytest.raises(ValueError, match="one length, got 3, 2 and 3"):
        cox_nll(eta, [1, 0], [1, 2, 3])
    with pytest.raises(ValueError, match="floating-point torch tensor"):
        cox_nll(torch.zeros(3, dtype=torch.long), [1, 0, 1], [1, 2, 3])


def test_breslow_baseline_known_answer_and_steps(shared_dir):
    expected = entry(shared_dir, "cox_tiny_breslow")["expected"]["cumulative_baseline_hazard_at_0_times_1_6_9"]
    baseline = breslow_baseline(np.zeros(6), TINY["event"], TINY["time"])
    np.testing.assert_allclose(baseline([1, 6, 9]), expected["value"], atol=1e-12)
    np.testing.assert_allclose(baseline([0.99, 5.99, 8.5, 100]), [0, 1 / 6, 2 / 3, 5 / 3], atol=1e-12)


def test_breslow_risk_at_week_50_known_answer(shared_dir):
    from lifelines.datasets import load_rossi

    expected = entry(shared_dir, "rossi_risk_at_week_50")["expected"]
    rossi = load_rossi()
    columns = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    x, event, time = rossi[columns].to_numpy(float), rossi["arrest"].to_numpy(), rossi["week"].to_numpy(float)
    scale = x.std(axis=0)
    beta = fit_ridge_cox(x / scale, event, time, penalty=0) / scale
    np.testing.assert_allclose(beta, entry(shared_dir, "rossi_cox_all7")["expected"]["beta"]["value"], atol=1e-7)
    risk = 1 - breslow_baseline(x @ beta, event, time).survival(x @ beta, [50])[:, 0]
    np.testing.assert_allclose(risk[:3], expected["risk_first_three_rows"]["value"], atol=1e-6)
    assert risk.mean() == pytest.approx(expected["mean_predicted_risk"]["value"], abs=1e-6)


def test_survival_curves_do_not_depend_on_the_zero_of_risk():
    rng = np.random.default_rng(1)
    eta, event, time = rng.normal(size=40), rng.random(40) < 0.5, rng.exponential(size=40)
    curves = [breslow_baseline(eta + shift, event, time).survival(eta + shift, [0.5, 1, 2]) for shift in (0, 1000)]
    np.testing.assert_allclose(curves[0], curves[1], atol=1e-9)
    assert np.all(np.diff(curves[0], axis=1) <= 0)


def test_baseline_needs_a_death():
    with pytest.raises(ValueError, match="at least one death"):
        breslow_baseline([0.0, 1.0], [0, 0], [1.0, 2.0])


def test_released_files_known_answer(shared_dir):
    reference = json.loads((shared_dir / "reference" / "authors_released_results.json").read_text())
    answers = reference["answers"]
    answers = answers if isinstance(answers, list) else list(answers.values())
    expected = next(a for a in answers if a["id"] == "cox_loss")["values"]["bootstrap_0"]
    event, time, log_risk, rows = released_bootstrap(shared_dir)
    for ties in ("breslow", "efron"):
        eta = torch.tensor(log_risk[rows], requires_grad=True)
        value, _ = cox_nll(eta, event[rows], time[rows], ties=ties)
        value.backward()
        assert value.item() == pytest.approx(expected[ties]["nll"], rel=1e-10)
        np.testing.assert_allclose(eta.grad[:5], expected[ties]["gradient_first_5"], atol=1e-9)
        assert float(torch.linalg.norm(eta.grad)) == pytest.approx(expected[ties]["gradient_l2"], abs=1e-8)
        large, _ = cox_nll(100 * eta.detach(), event[rows], time[rows], ties=ties)
        assert large.item() == pytest.approx(expected[ties]["nll_of_100_times_risk"], rel=1e-10)


def released_bootstrap(shared_dir):
    """Outcomes, log risks of model 0 and its in-bag rows from the authors' released pickle (arrays only)."""
    import io
    import pickle

    class ArraysOnly(pickle.Unpickler):
        def find_class(self, module, name):
            if (module.split(".")[0] == "numpy" and name in ("_reconstruct", "ndarray", "dtype", "scalar")) or (
                module,
                name,
            ) == ("_codecs", "encode"):
                return super().find_class(module.replace("numpy.core", "numpy._core"), name)
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")

    content = (shared_dir / "data" / "4dsurvival" / "bootout_DL.pkl").read_bytes()
    y, predictions, bags = ArraysOnly(io.BytesIO(content), encoding="latin1").load()
    return y[:, 0].astype(bool), y[:, 1], np.asarray(predictions[0], dtype=float).ravel(), np.asarray(bags[0])


def test_against_the_likelihood_that_lifelines_maximises():
    from lifelines import CoxPHFitter
    from lifelines.datasets import load_rossi

    rossi = load_rossi()  # 49 distinct weeks for 114 arrests: ties everywhere
    fitter = CoxPHFitter().fit(rossi, "week", "arrest")
    centred = rossi[list(fitter.params_.index)].to_numpy() @ fitter.params_.to_numpy()
    value, n_events = cox_nll(torch.tensor(centred), rossi["arrest"].to_numpy(), rossi["week"].to_numpy())
    assert n_events == 114
    assert -value.item() == pytest.approx(fitter.log_likelihood_, abs=1e-6)
