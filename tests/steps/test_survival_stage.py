"""Notebook 03's data: joined by ID, never by position; what is missing is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cardiolib.cohorts import Cohort, write_motion_file
from cardiolib.steps.survival import (
    NETWORK,
    SurvivalStageSettings,
    compare_protocols,
    cross_validate_models,
    load_survival_data,
    segmentation_remark,
)
from cardiolib.survival import concordance_index
from cardiolib.survival.network.search import SearchResult
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.network.tables import confirmed_rows, swarm_rows
from cardiolib.work import Work

N_INPUTS = 19 * 4 * 3


def a_cohort(ids: list[str], *, volumes: bool = True, motion: bool = True) -> Cohort:
    """Every number of a patient is made from the ID, so that a wrong join shows."""
    number = np.array([int(name[1:]) for name in ids], dtype=float)
    table = pd.DataFrame({"time": number, "event": number % 2 == 0}, index=ids)
    sizes = pd.DataFrame({"RVEDV": 200 + number, "RVESV": 100 + number, "RVEF": 40 + number}, index=ids)
    X = number[:, None] + np.arange(N_INPUTS)
    return Cohort("small", table, volumes=sizes if volumes else None, motion=X if motion else None, time_unit="years")


def reading(folder: Path) -> Work:
    return Work(seed=0, folder=Path(), inputs={"motion": folder})


def test_motion_follow_up_and_volumes_are_joined_by_id(tmp_path: Path) -> None:
    write_motion_file(a_cohort(["p3", "p1", "p4", "p2"]), tmp_path / "motion.npz")
    data = load_survival_data(a_cohort(["p1", "p2", "p3", "p4", "p5"], motion=False), reading(tmp_path))
    assert data.ids == ("p3", "p1", "p4", "p2")
    assert data.X[:, 0].tolist() == data.time.tolist() == [3.0, 1.0, 4.0, 2.0]
    assert data.event.tolist() == [False, False, True, True]
    assert data.volumes["RVEF"].tolist() == [43.0, 41.0, 44.0, 42.0]
    assert data.feature_shape == (19, 4, 3)


def test_a_cohort_that_brings_its_motion_needs_no_motion_folder(tmp_path: Path) -> None:
    data = load_survival_data(a_cohort(["p1", "p2"]), reading(tmp_path / "absent"))
    assert data.X.dtype == np.float32 and len(data.ids) == 2


def test_measured_volumes_stand_in_and_incomplete_ones_are_not_used(tmp_path: Path) -> None:
    cohort = a_cohort(["p1", "p2"], volumes=False)
    assert load_survival_data(cohort, reading(tmp_path)).volumes is None
    measured = pd.DataFrame({"ID": ["p2", "p1"], "RVEDV": [2.0, 1.0], "RVESV": [1.0, 1.0], "RVEF": [50.0, 40.0]})
    measured.to_csv(tmp_path / "volumes.csv", index=False)
    assert load_survival_data(cohort, reading(tmp_path)).volumes["RVEF"].tolist() == [40.0, 50.0]
    measured.iloc[:1].to_csv(tmp_path / "volumes.csv", index=False)
    assert load_survival_data(cohort, reading(tmp_path)).volumes is None


def test_patients_with_doubtful_segmentations_are_counted_and_how_to_leave_them_out_is_said(tmp_path: Path) -> None:
    data = load_survival_data(a_cohort(["p1", "p2", "p3"]), reading(tmp_path))
    assert "were not judged" in segmentation_remark(data, reading(tmp_path))
    verdicts = pd.DataFrame({"ID": ["p3", "p1", "p2"], "verdict": ["ok", "do not use", "look at it"], "reasons": ""})
    verdicts.to_csv(tmp_path / "segmentation_verdicts.csv", index=False)
    remark = segmentation_remark(data, reading(tmp_path))
    assert "1 of 3 patients should not be used (p1), and 1 should be looked at" in remark
    assert "leave_out_doubtful=True" in remark
    verdicts.assign(verdict="ok").to_csv(tmp_path / "segmentation_verdicts.csv", index=False)
    assert "leave_out_doubtful" not in segmentation_remark(data, reading(tmp_path))


def test_no_follow_up_is_said(tmp_path: Path) -> None:
    cohort = Cohort("bare", pd.DataFrame(index=["a", "b"]), motion=np.ones((2, N_INPUTS)))
    with pytest.raises(ValueError, match="no follow-up"):
        load_survival_data(cohort, reading(tmp_path))


@pytest.mark.parametrize("wrong", [{"protocol": "best"}, {"epochs": 0}, {"n_particles": 0}, {"n_folds": 1}])
def test_settings_are_refused_before_anything_runs(wrong: dict) -> None:
    with pytest.raises(ValueError):
        SurvivalStageSettings(**wrong)


def test_published_protocol_takes_the_published_ranges() -> None:
    settings = SurvivalStageSettings(protocol="published")
    assert settings.search_settings().log10_learning_rate == (-6.0, -4.5)
    assert settings.network_settings().standardise == "none"


def test_swarm_and_confirmations_are_told_apart() -> None:
    row = {"dropout": 0.1, "hidden": 80, "latent": 5, "alpha": 0.5, "log10_learning_rate": -5.0, "log10_l1": -5.0}
    scored = ((0, 0.6), (1, 0.7), (-1, 0.65))
    history = pd.DataFrame(
        [{**row, "generation": g, "particle": g, "score": score, "screened": g >= 0} for g, score in scored]
    )
    result = SearchResult(NetworkSettings(), 0.65, False, history, True)
    assert swarm_rows(result)["generation"].tolist() == [1, 2]
    assert confirmed_rows(result)["score"].tolist() == [0.65]
    in_full = SearchResult(NetworkSettings(), 0.65, False, history.assign(screened=False), True)
    assert confirmed_rows(in_full)["score"].tolist() == [0.7, 0.65]  # the swarm's best, then the defaults


def test_models_meet_the_same_folds_and_volumes_that_carry_the_risk_win(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 120
    risk = rng.normal(size=n)
    ids = [f"p{i}" for i in range(n)]
    time = rng.exponential(np.exp(-1.5 * risk)) + 1e-3
    table = pd.DataFrame({"time": time, "event": rng.random(n) < 0.7}, index=ids)
    sizes = {"RVEDV": rng.normal(200, 20, n), "RVESV": rng.normal(100, 9, n), "RVEF": 40 - 9 * risk}
    volumes = pd.DataFrame(sizes, index=ids)
    cohort = Cohort("made", table, volumes=volumes, motion=rng.normal(size=(n, N_INPUTS)), time_unit="years")
    data = load_survival_data(cohort, reading(tmp_path))
    small = NetworkSettings(hidden=8, latent=3, epochs=5)
    compared = cross_validate_models(data, small, Work(seed=1, folder=Path()), n_folds=3)
    c = compared.table["C (cross-validated)"]
    truth = concordance_index(risk, table["event"].to_numpy(), time)
    assert c[["Cox on RVEF", "Cox on RV volumes"]].tolist() == pytest.approx([truth] * 2, abs=0.07)
    assert abs(c[NETWORK] - 0.5) < 0.15  # its inputs are noise
    assert list(compared.log_risk.index) == ids and np.isfinite(compared.log_risk).all(axis=None)
    np.testing.assert_allclose(compared.log_risk["Cox on RVEF"].corr(data.volumes["RVEF"], "spearman"), -1, atol=0.1)
    nobody = compared.against_truth(NETWORK, data.event, cohort)
    assert nobody.table.empty and "real patients" in nobody.lacks
    protocols = compare_protocols(data, small, Work(seed=1, folder=Path()), n_folds=3)
    assert list(protocols.index) == [
        "this notebook",
        "exact",
        "exact, on the inputs",
        "published, inputs centred",
        "published",
    ]
    assert protocols.loc["published", "risk set"] == "the batch"


@pytest.mark.field_fault("K7")
def test_a_model_without_a_finite_estimate_has_no_number_and_a_remark(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 60
    ids = [f"p{i}" for i in range(n)]
    table = pd.DataFrame({"time": np.arange(1.0, n + 1), "event": rng.random(n) < 0.7}, index=ids)
    sizes = {"RVEDV": rng.normal(200, 20, n), "RVESV": rng.normal(100, 9, n), "RVEF": 20 + np.arange(n) / 2.0}
    cohort = Cohort("made", table, volumes=pd.DataFrame(sizes, index=ids), motion=rng.normal(size=(n, N_INPUTS)))
    data = load_survival_data(cohort, reading(tmp_path))
    small = NetworkSettings(hidden=4, latent=2, epochs=2)
    compared = cross_validate_models(data, small, Work(seed=1, folder=Path()), n_folds=3)
    without = compared.table.loc[["Cox on RVEF", "Cox on RV volumes"]]
    assert without["C (cross-validated)"].isna().all()
    assert without["remark"].str.contains("fold 1: Cox regression of .* separate the deaths").all()
    assert np.isfinite(compared.table.loc[NETWORK, "C (cross-validated)"])
    assert compared.table.loc[NETWORK, "remark"] == ""
    assert "separate the deaths" in compared._repr_html_()
