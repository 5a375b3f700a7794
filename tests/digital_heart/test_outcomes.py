"""The hazard is the one that was asked for, and nothing else matters."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cardiolib.digital_heart.outcomes import (
    COHORT_KINDS,
    COHORT_SIZE,
    HAZARDS,
    WEIBULL_SHAPE,
    log_hazard,
    simulate_centre_outcomes,
    simulate_outcomes,
)
from cardiolib.digital_heart.population import TRAIT_CORRELATION, TRAIT_NAMES, simulate_population
from cardiolib.digital_heart.wall_motion import WALL_MOTION_NAMES, wall_motion


def traits(n, rng):
    draws = rng.multivariate_normal(np.zeros(4), TRAIT_CORRELATION, n)
    return pd.DataFrame(draws, columns=list(TRAIT_NAMES))


def with_walls(table, rng):
    """Motion of the walls beside the traits, as `wall_motion` would give it, but drawn: no heart has to be moved."""
    walls = rng.multivariate_normal(np.zeros(2), [[1.0, 0.6], [0.6, 1.0]], len(table))
    return table.join(pd.DataFrame(walls, columns=list(WALL_MOTION_NAMES), index=table.index))


def concordance(risk, event, time):
    """Harrell's C, naively: pairs with an event and a strictly later time, risk ties 1/2."""
    comparable = event[:, None] & (time[:, None] < time[None, :])
    better = (risk[:, None] > risk[None, :]) + 0.5 * (risk[:, None] == risk[None, :])
    return (better * comparable).sum() / comparable.sum()


def mean_concordances(columns, *, hazard, b=1.0, repeats=24):
    """Mean C over cohorts of 302 for the true log hazard and for minus each trait."""
    found = []
    for seed in range(repeats):
        rng = np.random.default_rng([77, seed])
        table = traits(COHORT_SIZE, rng)
        y = simulate_outcomes(table, hazard=hazard, b=b, rng=rng)
        event, time = y["event"].to_numpy(), y["time_years"].to_numpy()
        risks = [y["log_hazard"].to_numpy(), *(-table[c].to_numpy() for c in columns)]
        found.append([concordance(r, event, time) for r in risks])
    return np.mean(found, axis=0)


@pytest.mark.parametrize(("b", "expected"), [(0.6, (0.720, 0.579)), (1.0, (0.808, 0.619)), (1.5, (0.872, 0.641))])
def test_motion_hazard_is_calibrated(b, expected):
    # Mean of 24 cohorts: standard error about 0.006 for each.
    np.testing.assert_allclose(mean_concordances(["x_rvef"], hazard="motion", b=b), expected, atol=0.02)


def test_motion_hazard_reads_long_axis_and_septum():
    _, long_axis, septum = mean_concordances(["x_long", "x_septal"], hazard="motion")
    assert long_axis == pytest.approx(0.666, abs=0.02)
    assert septum == pytest.approx(0.745, abs=0.02)


def test_volume_hazard_reads_the_ejection_fraction_only():
    oracle, rvef, septum = mean_concordances(["x_rvef", "x_septal"], hazard="volume")
    assert oracle == pytest.approx(0.785, abs=0.02)
    assert rvef == oracle
    assert septum < 0.60


def test_null_hazard_reads_nothing():
    oracle, *rest = mean_concordances(list(TRAIT_NAMES), hazard="null")
    assert oracle == 0.5  # every log hazard is 0: all ties
    np.testing.assert_allclose(rest, 0.5, atol=0.025)


def test_log_hazard_has_the_stated_spread_and_relation_to_ejection():
    table = traits(40000, np.random.default_rng(1))
    eta = log_hazard(table, b=2.0)
    assert eta.std() == pytest.approx(2 * 1.376, rel=0.02)
    assert np.corrcoef(eta, table["x_rvef"])[0, 1] == pytest.approx(-0.39, abs=0.02)


@pytest.mark.parametrize("hazard", sorted(HAZARDS))
def test_event_times_follow_a_proportional_weibull_hazard(hazard):
    table = with_walls(traits(3000, np.random.default_rng(2)), np.random.default_rng(22))
    y = simulate_outcomes(table, hazard=hazard, rng=np.random.default_rng(3))
    cumulative = y["event_time_years"] ** WEIBULL_SHAPE * np.exp(y["log_hazard"])
    assert stats.kstest(cumulative / cumulative.mean(), "expon").pvalue > 1e-3
    for trait in TRAIT_NAMES:  # censoring is independent
        assert abs(stats.spearmanr(y["censoring_time_years"], table[trait]).statistic) < 0.06


def test_exactly_85_of_302_die_and_follow_up_is_plausible():
    table = traits(302, np.random.default_rng(4))
    y = simulate_outcomes(table, rng=np.random.default_rng(5))
    assert y["event"].sum() == 85 and y["event"].dtype == bool
    assert 1.5 < y["time_years"].median() < 5 and 8 < y["time_years"].max() < 30
    assert 2.5 < y["censoring_time_years"].median() < 4.5


@pytest.mark.parametrize("fraction", [0.001, 0.1, 0.5, 0.999])
def test_any_death_fraction_is_met_to_the_nearest_subject(fraction):
    table = traits(50, np.random.default_rng(6))
    y = simulate_outcomes(table, death_fraction=fraction, rng=np.random.default_rng(7))
    assert y["event"].sum() == min(max(round(50 * fraction), 1), 49)


def test_truth_is_kept_and_consistent():
    table = traits(100, np.random.default_rng(8)).set_index(pd.Index([f"S{i}" for i in range(100)]))
    y = simulate_outcomes(table, rng=np.random.default_rng(9))
    assert list(y.index) == list(table.index)
    np.testing.assert_array_equal(y["event"], y["event_time_years"] <= y["censoring_time_years"])
    np.testing.assert_array_equal(y["time_years"], y[["event_time_years", "censoring_time_years"]].min(axis=1))
    np.testing.assert_array_equal(y["log_hazard"], log_hazard(table))
    assert (y["time_years"] > 0).all()


def test_only_the_traits_are_read_and_the_seed_decides():
    table = traits(60, np.random.default_rng(10))
    dressed = table.assign(mpap_mmhg=45.0, age=np.arange(60), rvef=np.linspace(0.7, 0.1, 60))
    first, again, other = (
        simulate_outcomes(t, rng=np.random.default_rng(seed)) for t, seed in ((table, 1), (dressed, 1), (table, 2))
    )
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert not np.allclose(first["time_years"], other["time_years"])


def test_named_cohorts_are_populations_and_hazards_that_exist():
    assert {"simulated", "simulated-controls", "simulated-volume-hazard", "simulated-null-hazard"} < set(COHORT_KINDS)
    assert COHORT_KINDS["simulated-interaction"] == ("ph", "interaction")
    assert COHORT_KINDS["simulated-ushape"] == ("ph", "ushape")
    for kind, hazard in COHORT_KINDS.values():
        assert kind in ("ph", "control") and hazard in HAZARDS


def test_errors_say_what_is_wrong():
    table, rng = traits(10, np.random.default_rng(0)), np.random.default_rng(0)
    with pytest.raises(ValueError, match="hazard must be one of .*got 'age'"):
        simulate_outcomes(table, hazard="age", rng=rng)
    with pytest.raises(ValueError, match="death_fraction"):
        simulate_outcomes(table, death_fraction=1.0, rng=rng)
    with pytest.raises(ValueError, match="b must be a finite number"):
        simulate_outcomes(table, b=np.nan, rng=rng)
    with pytest.raises(ValueError, match="lacks .*x_lag"):
        simulate_outcomes(table.drop(columns="x_lag"), rng=rng)
    with pytest.raises(ValueError, match="at least 2 subjects"):
        simulate_outcomes(table.iloc[:1], rng=rng)


@pytest.mark.parametrize(("hazard", "expected"), [("interaction", 0.77), ("ushape", 0.765)])
def test_positive_controls_are_seen_by_the_truth_and_by_no_linear_model(hazard, expected):
    rng = np.random.default_rng(31)
    table = with_walls(traits(4000, rng), rng)
    y = simulate_outcomes(table, hazard=hazard, rng=rng)
    event, time = y["event"].to_numpy(), y["time_years"].to_numpy()
    assert concordance(y["log_hazard"].to_numpy(), event, time) == pytest.approx(expected, abs=0.03)
    linear = [concordance(table[name].to_numpy(), event, time) for name in WALL_MOTION_NAMES]
    np.testing.assert_allclose(linear, 0.5, atol=0.03)  # by symmetry: as many are harmed by more as by less


def test_motion_of_the_walls_is_taken_from_the_hearts_where_no_column_has_it():
    table = simulate_population(12, rng=np.random.default_rng(32))
    walls = wall_motion(table)
    assert list(walls.columns) == list(WALL_MOTION_NAMES) and (walls.abs() < 5).all(axis=None)
    expected = 1.1 * walls["septal_motion"] * walls["free_wall_motion"]
    np.testing.assert_allclose(log_hazard(table, hazard="interaction"), expected)
    np.testing.assert_allclose(log_hazard(table.join(walls), hazard="interaction", b=2.0), 2 * expected)


def test_motion_of_the_walls_is_standardised():
    walls = wall_motion(simulate_population(60, rng=np.random.default_rng(33)))
    np.testing.assert_allclose(walls.mean(), 0.0, atol=0.5)  # 60 hearts: standard error .13
    np.testing.assert_allclose(walls.std(), 1.0, atol=0.35)
    assert walls.corr().iloc[0, 1] == pytest.approx(0.6, abs=0.25)


def test_a_table_without_hearts_has_no_motion_of_walls():
    with pytest.raises(ValueError, match="lacks the heart parameters"):
        log_hazard(traits(5, np.random.default_rng(1)), hazard="ushape")


def test_a_centre_without_differences_has_the_deaths_of_home():
    y = simulate_centre_outcomes(traits(20000, np.random.default_rng(34)), rng=np.random.default_rng(35))
    assert y["event"].mean() == pytest.approx(0.28, abs=0.01)
    assert not y["treated"].any()


def test_hazard_ratio_follow_up_and_treatment_do_what_they_say():
    table = traits(20000, np.random.default_rng(36))
    home, other = (
        simulate_centre_outcomes(table, rng=np.random.default_rng(37), **changes)
        for changes in ({}, {"hazard_ratio": 2.0, "follow_up": 1.5})
    )
    np.testing.assert_allclose(other["log_hazard"], home["log_hazard"] + np.log(2.0))
    np.testing.assert_allclose(other["event_time_years"], home["event_time_years"] * 2 ** (-1 / WEIBULL_SHAPE))
    np.testing.assert_allclose(other["censoring_time_years"], 1.5 * home["censoring_time_years"])
    treated = simulate_centre_outcomes(
        table, treated_share=0.5, treatment_log_hazard=-0.7, rng=np.random.default_rng(37)
    )
    assert treated["treated"].mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(treated["log_hazard"], home["log_hazard"] - 0.7 * treated["treated"])
    assert treated.loc[treated["treated"], "event"].mean() < treated.loc[~treated["treated"], "event"].mean() - 0.05


@pytest.mark.parametrize(
    "changes",
    [{"hazard_ratio": 0.0}, {"follow_up": -1.0}, {"treated_share": 1.2}, {"treatment_log_hazard": np.inf}],
)
def test_impossible_centres_are_refused(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        simulate_centre_outcomes(traits(5, np.random.default_rng(1)), rng=np.random.default_rng(2), **changes)
