"""The population follows the stated distributions, and every subject builds."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cardiolib.digital_heart import population as module
from cardiolib.digital_heart.anatomy import Bearing, wrap
from cardiolib.digital_heart.case_mix import CaseMix
from cardiolib.digital_heart.heart import DigitalHeart
from cardiolib.digital_heart.parameters import PARAMETER_NAMES, HeartParameters
from cardiolib.digital_heart.population import (
    COVARIATE_NAMES,
    TRAIT_CORRELATION,
    TRAIT_NAMES,
    parameters_from_row,
    simulate_population,
)


@pytest.fixture(scope="module")
def many():
    """Large populations; the redraw (never needed at the default draws) is switched off for speed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "DigitalHeart", lambda parameters: None)
        rng = np.random.default_rng(11)
        return {
            "ph": simulate_population(8000, rng=rng),
            "control": simulate_population(8000, kind="control", rng=rng),
            "separate": simulate_population(8000, rng=rng, separate_shape=True),
        }


@pytest.fixture(scope="module")
def patients():
    return simulate_population(80, rng=np.random.default_rng(3))


def eccentricity(heart):
    """Extent inferior-anterior over extent septal-lateral of the LV endocardium at 0.55 L, RV end-systole."""
    theta = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    height = np.full(180, 0.55 * heart.parameters.length_mm)
    endo = heart.motion.anatomy.left(Bearing.of(wrap(theta - np.pi)), height).endo
    ring = heart.move(endo, theta, height, min(heart.es_time + heart.parameters.lag, 0.6), sheet="lv")
    return np.ptp(ring[:, 1]) / np.ptp(ring[:, 0])


def correlation(table, a, b):
    return np.corrcoef(table[a], table[b])[0, 1]


@pytest.mark.parametrize("name", ["ph", "control", "separate"])
def test_traits_are_standard_normal_with_the_stated_correlation(many, name):
    traits = many[name][list(TRAIT_NAMES)].to_numpy()
    np.testing.assert_allclose(np.corrcoef(traits.T), TRAIT_CORRELATION, atol=0.04)
    np.testing.assert_allclose(traits.mean(0), 0, atol=0.04)
    np.testing.assert_allclose(traits.std(0), 1, atol=0.03)


@pytest.mark.parametrize(
    ("kind", "column", "mean", "sd"),
    [
        ("ph", "rvef", 0.40, 0.11),
        ("ph", "tapse_mm", 17.5, 4.8),
        ("ph", "mapse_mm", 13.0, 1.56),
        ("ph", "lag", 0.055, 0.032),
        ("ph", "septal_flattening_es", 0.45, 0.23),
        ("ph", "mpap_mmhg", 45.5, 12.2),
        ("ph", "bsa_m2", 1.85, 0.2),
        ("control", "rvef", 0.573, 0.07),
        ("control", "tapse_mm", 23.7, 3.2),
        ("control", "rv_wall_mm", 3.27, 0.6),
    ],
)
def test_marginals_are_those_of_the_table(many, kind, column, mean, sd):
    values = many[kind][column]
    assert values.mean() == pytest.approx(mean, abs=0.06 * sd)
    assert values.std() == pytest.approx(sd, rel=0.06)


@pytest.mark.parametrize("name", ["ph", "separate"])
def test_severity_is_beta_2_2_in_patients(many, name):
    assert stats.kstest(many[name]["severity"], stats.beta(2, 2).cdf).pvalue > 1e-3


def test_controls_are_hardly_severe(many):
    severity = many["control"]["severity"]
    assert 0 <= severity.min() and severity.max() <= 0.05


def test_function_correlates_as_the_traits_say(many):
    patients = many["ph"]
    assert correlation(patients, "rvef", "tapse_mm") == pytest.approx(0.46, abs=0.03)
    assert correlation(patients, "x_septal", "septal_flattening_es") < -0.95
    assert correlation(patients, "x_septal", "mpap_mmhg") == pytest.approx(-0.34, abs=0.04)


def test_a_coherent_patient_with_a_failing_rv_has_a_large_one(many):
    patients = many["ph"]
    assert correlation(patients, "x_rvef", "severity") == pytest.approx(-0.77, abs=0.04)
    assert correlation(patients, "rvef", "rvedv_ml") < -0.25
    assert correlation(patients, "rvef", "rv_wall_mm") < -0.4
    assert correlation(patients, "x_septal", "septal_flattening_ed") < -0.6


def test_separate_shape_tells_nothing_about_the_traits(many):
    separate = many["separate"]
    for column in ("severity", "rvedv_ml", "rv_wall_mm", "septal_flattening_ed", "lv_axis_ratio_ed"):
        for trait in TRAIT_NAMES:
            assert abs(correlation(separate, column, trait)) < 0.045, (column, trait)
    assert correlation(separate, "x_septal", "septal_flattening_es") < -0.95


def test_covariates_are_plausible(many):
    patients, controls = many["ph"], many["control"]
    assert set(patients["who_class"]) == {1, 2, 3, 4}
    assert patients["mpap_mmhg"].min() >= 25 > 20 >= controls["mpap_mmhg"].max()
    assert patients["six_minute_walk_m"].mean() < controls["six_minute_walk_m"].mean() - 100
    assert correlation(patients, "severity", "six_minute_walk_m") == pytest.approx(-0.4, abs=0.05)
    assert patients.groupby("sex")["bsa_m2"].mean().diff()["M"] > 0.1  # M after F
    assert 0.5 < (patients["sex"] == "F").mean() < 0.65


@pytest.mark.parametrize("kind", ["ph", "control"])
def test_every_subject_builds_and_meets_its_ejection_fractions(kind):
    table = simulate_population(6, kind=kind, rng=np.random.default_rng(4))
    assert list(table.index) == list(range(6)) and set(table["kind"]) == {kind}
    assert not table.isna().any(axis=None)
    for _, row in table.iterrows():
        found = DigitalHeart(parameters_from_row(row)).ejection_fractions()
        assert found["rvef"] == pytest.approx(row["rvef"], abs=0.006)
        assert found["lvef"] == pytest.approx(row["lvef"], abs=0.006)


def test_severe_patients_have_a_d_shaped_septum(patients):
    index = np.array([eccentricity(DigitalHeart(parameters_from_row(row))) for _, row in patients.iterrows()])
    severe = patients["severity"].to_numpy() > 0.7
    assert index[severe].mean() == pytest.approx(1.3, abs=0.08)
    assert np.corrcoef(index, patients["x_septal"])[0, 1] < -0.9
    controls = simulate_population(30, kind="control", rng=np.random.default_rng(3))
    healthy = [eccentricity(DigitalHeart(parameters_from_row(row))) for _, row in controls.iterrows()]
    assert np.mean(healthy) == pytest.approx(1.03, abs=0.03)


def test_same_seed_same_population_and_other_seed_another():
    first, again, other = (simulate_population(5, rng=np.random.default_rng(seed)) for seed in (9, 9, 10))
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert not np.allclose(first["x_long"], other["x_long"])


def test_a_draw_that_does_not_build_keeps_its_traits_and_is_drawn_again(monkeypatch):
    tried = []

    def build(parameters):
        tried.append(parameters)
        if len(tried) in (1, 3):  # subjects 0 and 2 fail once; then both build
            raise ValueError("such a heart cannot be")

    monkeypatch.setattr(module, "DigitalHeart", build)
    table = simulate_population(4, rng=np.random.default_rng(2))
    kept = [parameters_from_row(table.loc[i]) for i in range(4)]
    assert all(isinstance(one, HeartParameters) for one in kept)
    assert tried == [tried[0], kept[1], tried[2], kept[3], kept[0], kept[2]]
    for again, failed in ((kept[0], tried[0]), (kept[2], tried[2])):
        assert again.rvef == failed.rvef  # set by the traits alone
        assert again.length_mm != failed.length_mm


def test_a_population_that_never_builds_is_an_error(monkeypatch):
    def build(parameters):
        raise ValueError("such a heart cannot be")

    monkeypatch.setattr(module, "DigitalHeart", build)
    with pytest.raises(ValueError, match="3 of 3 subjects could not be built"):
        simulate_population(3, rng=np.random.default_rng(2))


def test_a_row_survives_a_csv_file(tmp_path, patients):
    patients.to_csv(tmp_path / "population.csv")
    read = pd.read_csv(tmp_path / "population.csv", index_col=0, float_precision="round_trip")
    for i in (0, 7):
        assert parameters_from_row(read.loc[i]) == parameters_from_row(patients.loc[i])


def test_columns_are_complete(patients):
    assert {*TRAIT_NAMES, *PARAMETER_NAMES, *COVARIATE_NAMES, "severity", "kind"} == set(patients.columns)


def test_errors_say_what_is_wrong(patients):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="kind must be 'ph' or 'control', got 'mouse'"):
        simulate_population(3, kind="mouse", rng=rng)
    for n in (0, 2.5, True):
        with pytest.raises(ValueError, match="n must be a whole number"):
            simulate_population(n, rng=rng)
    with pytest.raises(ValueError, match="lacks the heart parameters .*'rvef'"):
        parameters_from_row(patients.loc[0].drop("rvef"))


def test_a_case_mix_moves_traits_age_and_sex_and_nothing_at_home_changes():
    home, plain, mild = (
        simulate_population(40, rng=np.random.default_rng(9), **given)
        for given in ({}, {"case_mix": CaseMix()}, {"case_mix": CaseMix(rvef_shift=0.5, spread=0.5, age_shift=-6.0)})
    )
    pd.testing.assert_frame_equal(home, plain, check_exact=True)
    np.testing.assert_allclose(mild["x_rvef"], 0.5 * home["x_rvef"] + 0.5)
    np.testing.assert_allclose(mild["x_lag"], 0.5 * home["x_lag"])
    assert mild["severity"].mean() < home["severity"].mean() and mild["age"].mean() < home["age"].mean()
    men = simulate_population(40, rng=np.random.default_rng(9), case_mix=CaseMix(male_shift=-2.0))
    assert (men["sex"] == "M").sum() < (home["sex"] == "M").sum()
