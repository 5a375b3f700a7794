"""Patients with habits: the truth in closed form is the truth, and each switch breaks what it says."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from cardiolib.cohorts import (
    HABIT_COHORTS,
    HABITS,
    CohortError,
    Fates,
    HabitWorld,
    SimulatedCohortSettings,
    build_simulated_cohort,
    open_cohort,
    restricted_mean_survival,
    simulate_habits,
)
from cardiolib.cohorts.simulated.habits.patients import POSITIVITY_WALK_M
from cardiolib.cohorts.simulated.habits.world import SWITCHES
from cardiolib.digital_heart import TRAIT_NAMES
from cardiolib.files import read_table_by_id

N = 4000


@pytest.fixture(scope="module")
def patients():
    return simulate_habits(N, seed=1)


@given(log_hazard=st.floats(-6, 3), horizon=st.floats(0.1, 20), shape=st.floats(0.6, 2.5))
def test_restricted_mean_is_the_area_below_the_survival_curve(log_hazard, horizon, shape):
    area = quad(lambda t: np.exp(-np.exp(log_hazard) * t**shape), 0, horizon)[0]
    assert restricted_mean_survival(log_hazard, horizon, shape=shape) == pytest.approx(area, rel=1e-6)


def test_true_gains_are_the_mean_over_many_lucks(patients):
    """Naive twin: the same patient lives ten thousand times with and without the habit."""
    fates, i, rng = patients.fates, 7, np.random.default_rng(2)
    luck = rng.standard_exponential(20_000)
    for habit in HABITS:
        base = fates.log_rate[i] + sum(
            fates.effects[other].iloc[i] * fates.habits[other].iloc[i] for other in HABITS if other != habit
        )
        lived = [
            np.minimum((luck * np.exp(-base - has * fates.effects[habit].iloc[i])) ** (1 / 1.1), 5.0) for has in (0, 1)
        ]
        difference = lived[1] - lived[0]
        assert fates.gains()[habit].iloc[i] == pytest.approx(difference.mean(), abs=5 * difference.std() / 141)
        died = (lived[1] < 5).mean() - (lived[0] < 5).mean()
        assert fates.risk_differences()[habit].iloc[i] == pytest.approx(died, abs=0.02)


def test_both_fates_share_one_chance_and_one_of_them_happens(patients):
    times = patients.fates.potential_times()
    effects, habits = patients.fates.effects, patients.fates.habits
    for habit in HABITS:
        has = habits[habit].to_numpy() == 1
        happens = np.where(has, times[habit, 1], times[habit, 0])
        np.testing.assert_allclose(happens, patients.outcomes["event_time_years"], rtol=1e-12)
        # helped by the habit: lives longer with it, every time, as chance is the same in both
        assert ((times[habit, 1] > times[habit, 0]) == (effects[habit] < 0)).all()


def test_the_image_says_for_whom_a_habit_does_much(patients):
    traits, effects = patients.physiology, patients.fates.effects
    expected = -0.45 - 0.35 * traits["x_long"] + 0.45 * traits["x_lag"]
    np.testing.assert_allclose(effects["exercise"], expected, rtol=1e-12)
    np.testing.assert_allclose(effects["low_salt"], -0.25 + 0.40 * traits["x_septal"], rtol=1e-12)
    assert effects["low_fat"].nunique() == 1
    assert 0.02 < (effects["exercise"] > 0).mean() < 0.5  # exercise would harm some


def test_habits_are_confounded_in_both_directions(patients):
    risk = patients.outcomes["log_hazard"] - (patients.fates.effects * patients.fates.habits).sum(axis=1)
    has = patients.fates.habits
    assert risk[has["exercise"] == 1].mean() < risk[has["exercise"] == 0].mean() - 0.3  # the fit exercise
    assert risk[has["low_salt"] == 1].mean() > risk[has["low_salt"] == 0].mean()  # the sick are told to eat less salt


def test_years_of_a_habit_have_shaped_the_heart_that_is_imaged(patients):
    nothing = simulate_habits(N, HabitWorld(no_effect=True), seed=1)
    shift = patients.physiology["x_septal"] - nothing.physiology["x_septal"]
    np.testing.assert_allclose(shift, 0.2 * patients.fates.habits["low_salt"], atol=1e-12)


def test_about_as_many_die_as_asked_for():
    for fraction in (0.28, 0.5):
        deaths = simulate_habits(N, seed=3, death_fraction=fraction).outcomes["event"].mean()
        assert deaths == pytest.approx(fraction, abs=4 * np.sqrt(fraction * (1 - fraction) / N))
    with pytest.raises(ValueError, match="death_fraction must lie between 0 and 1"):
        simulate_habits(10, seed=3, death_fraction=1.0)


def test_coins_are_fair_and_dealt_to_the_same_people(patients):
    twin = simulate_habits(N, HabitWorld(randomised=True), seed=1)
    pd.testing.assert_frame_equal(twin.physiology, patients.physiology)
    pd.testing.assert_frame_equal(twin.covariates, patients.covariates)
    has = twin.fates.habits
    assert (abs(has.mean() - 0.5) < 4 * 0.5 / np.sqrt(N)).all()
    columns = np.column_stack([has, patients.physiology[list(TRAIT_NAMES)], patients.covariates["age"]])
    correlation = np.corrcoef(columns.T)[:4, 4:]
    assert abs(correlation).max() < 4.5 / np.sqrt(N)


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_switch_breaks_what_it_says_and_nothing_else(patients, switch):
    broken = simulate_habits(N, HabitWorld(**{switch: True}), seed=1)
    assert broken.world.broken == (switch,) and switch in repr(broken)
    same = {name: _same(patients, broken, name) for name in ("habits", "questionnaire", "effects", "followed")}
    expected = {
        "hidden_confounder": {"questionnaire"},
        "lost_positivity": {"habits", "questionnaire", "effects", "followed"},  # hearts and lives follow the habits
        "misreported": {"questionnaire"},
        "dependent_censoring": {"followed"},
        "no_effect": {"effects", "followed"},
        "no_modification": {"effects", "followed"},
    }
    assert {name for name, held in same.items() if not held} == expected[switch]


def _same(a, b, name: str) -> bool:
    if name in ("habits", "effects"):
        return getattr(a.fates, name).equals(getattr(b.fates, name))
    return a.questionnaire.equals(b.questionnaire) if name == "questionnaire" else a.outcomes.equals(b.outcomes)


def test_what_the_switches_do(patients):
    assert "health_consciousness" not in simulate_habits(50, HabitWorld(hidden_confounder=True), seed=1).questionnaire
    lost = simulate_habits(N, HabitWorld(lost_positivity=True), seed=1)
    short = lost.covariates["six_minute_walk_m"] < POSITIVITY_WALK_M
    assert short.mean() > 0.2 and not lost.fates.habits["exercise"][short].any()
    said = simulate_habits(N, HabitWorld(misreported=True), seed=1).questionnaire["exercise"]
    has = patients.fates.habits["exercise"]
    assert said[has == 0].mean() == pytest.approx(0.25, abs=0.04) and said[has == 1].mean() == pytest.approx(
        0.95, abs=0.03
    )
    gone = simulate_habits(N, HabitWorld(dependent_censoring=True), seed=1).outcomes["event"].sum()
    assert gone < 0.8 * patients.outcomes["event"].sum()
    assert (simulate_habits(50, HabitWorld(no_effect=True), seed=1).fates.gains() == 0).all(axis=None)
    assert (simulate_habits(50, HabitWorld(no_modification=True), seed=1).fates.effects.nunique() == 1).all()


def test_the_control_outcome_follows_consciousness_and_no_habit(patients):
    """Within levels of age and health consciousness it is not associated with exercise."""
    table = patients.questionnaire.assign(age=patients.covariates["age"])
    injured = table["control_outcome"]
    assert injured[table["health_consciousness"] > 1].mean() < injured[table["health_consciousness"] < -1].mean() - 0.1
    near = table[(abs(table["health_consciousness"]) < 0.3) & (abs(table["age"] - 60) < 7)]
    rates = near.groupby("exercise")["control_outcome"].agg(["mean", "size"])
    assert abs(rates["mean"].diff().iloc[1]) < 4 * np.sqrt(0.25 * (1 / rates["size"]).sum())


def test_measured_traits_are_traits_and_error_and_noise(patients):
    measured = patients.measured_traits(seed=4)
    error = measured[list(TRAIT_NAMES)] - patients.physiology[list(TRAIT_NAMES)]
    assert measured.shape == (N, 16) and error.std().between(0.32, 0.38).all()
    pd.testing.assert_frame_equal(measured, patients.measured_traits(seed=4))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tmp_path_factory.mktemp("cohorts")
    return open_cohort("simulated-habits", n_subjects=8, n_imaged=1, seed=5, root=root)


def test_the_named_cohort_is_the_fast_draw_with_hearts_and_images(built):
    fast = simulate_habits(8, seed=5)
    assert built.simulated and built.name == "simulated-habits" and built.provides >= {"images", "motion", "outcomes"}
    np.testing.assert_allclose(built.table["time"], fast.outcomes["time_years"])
    np.testing.assert_allclose(built.covariates[list(HABITS)], fast.questionnaire[list(HABITS)])
    np.testing.assert_allclose(built.parameters[list(TRAIT_NAMES)], fast.physiology[list(TRAIT_NAMES)])
    np.testing.assert_allclose(built.fates().gains(), fast.fates.gains(), rtol=1e-12)
    assert built.motion_matrix()[1].shape == (8, 11_514)
    # motion comes through the digital heart: a heart's descent follows the trait that habits have shaped
    tapse = built.parameters["tapse_mm"]
    np.testing.assert_allclose(tapse, np.clip(17.5 + 4.8 * built.parameters["x_long"], *tapse.agg(["min", "max"])))


def test_it_says_that_effects_are_invented_and_is_marked(built):
    assert any("built in and invented" in note for note in built.notes)
    truth = read_table_by_id(built.folder / "habits.csv")
    assert truth.attrs["simulated"] and {"exercise_gain_years", "exercise_time_with_years"} <= set(truth)
    declared = json.loads((built.folder / "cohort.json").read_text(encoding="utf-8"))
    assert declared["habits"]["randomised"] is False and "invented" in declared["about"]


def test_fates_survive_their_table(patients):
    back = Fates.from_table(patients.fates.table())
    pd.testing.assert_frame_equal(back.gains(3.0), patients.fates.gains(3.0))


@pytest.mark.parametrize("name", HABIT_COHORTS)
def test_every_named_world_opens(tmp_path, name):
    cohort = open_cohort(name, n_subjects=3, n_imaged=0, root=tmp_path)
    assert cohort.name == name and len(cohort.fates().gains()) == 3
    assert ("health_consciousness" in cohort.covariates) == (not HABIT_COHORTS[name].hidden_confounder)


def test_other_cohorts_have_no_habits(tmp_path):
    settings = SimulatedCohortSettings(n_subjects=3, n_imaged=0, death_fraction=0.5)
    cohort = build_simulated_cohort(tmp_path / "simulated", settings=settings, seed=1)
    assert not set(HABITS) & set(cohort.covariates) and not (cohort.folder / "habits.csv").exists()
    with pytest.raises(CohortError, match="have no habits"):
        cohort.fates()


def test_a_cohort_without_its_fates_is_refused(tmp_path):
    settings = SimulatedCohortSettings(kind="simulated-habits", n_subjects=3, n_imaged=0)
    folder = build_simulated_cohort(tmp_path / "c", settings=settings, seed=1).folder
    (folder / "habits.csv").unlink()
    with pytest.raises(CohortError, match="habits.csv"):
        open_cohort(folder)


def test_a_strength_that_is_none_is_refused():
    with pytest.raises(ValueError, match="HabitWorld.confounder_strength must be at least 0"):
        HabitWorld(confounder_strength=-0.1)
