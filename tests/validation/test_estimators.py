"""Estimators on stores whose answer is known by construction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.validation import (
    BootstrapStore,
    compare_models,
    concordance,
    draw_bag,
    estimate_632plus,
    out_of_bag_risk,
    paper_beside_right,
    paper_folds,
    paper_percentile_interval,
    paper_wilcoxon,
    replicate_concordances,
    share_with_twin,
    validate,
)

N, B = 120, 25
RNG = np.random.default_rng(3)
Z = RNG.normal(size=N)
TIME = RNG.exponential(np.exp(-Z))
EVENT = RNG.random(N) < 0.5
IN_BAG = np.stack([draw_bag(0, b, N) for b in range(B)])
IDS = [str(i) for i in range(N)]


def store_of(log_risk, **changes):
    given = {"in_bag": IN_BAG, "log_risk_apparent": Z, **changes}
    return BootstrapStore(IDS, EVENT, TIME, given["in_bag"], log_risk, given["log_risk_apparent"], given.get("message"))


SAME_MODEL = store_of(np.tile(Z, (B, 1)))


def test_a_model_that_never_changes_has_the_same_out_of_bag_concordance():
    found, c = validate(SAME_MODEL), concordance(Z, EVENT, TIME)
    assert found.apparent == found.out_of_bag.c == c.c
    assert found.replicates["c_all"].tolist() == [c.c] * B
    assert found.out_of_bag.se == c.se
    table = found.table().set_index("estimator")
    assert table.loc["out-of-bag aggregate", "C"] == c.c
    assert table["95% low"].notna().sum() == 3


def test_a_score_without_origin_changes_nothing_but_the_raw_average():
    shifts = np.random.default_rng(0).normal(size=(B, 1)) * 5
    shifted = store_of(np.tile(Z, (B, 1)) + shifts)
    np.testing.assert_allclose(out_of_bag_risk(shifted), out_of_bag_risk(SAME_MODEL), atol=1e-12)
    for combine in ("z-score", "rank"):
        np.testing.assert_allclose(
            out_of_bag_risk(shifted, combine=combine), out_of_bag_risk(SAME_MODEL, combine=combine), atol=1e-9
        )
    assert not np.allclose(out_of_bag_risk(shifted, combine="raw"), out_of_bag_risk(SAME_MODEL, combine="raw"))


def test_only_models_that_did_not_see_the_patient_speak_about_the_patient():
    memorised = np.where(store_of(np.zeros((B, N))).out_of_bag, Z, -1e3)
    np.testing.assert_allclose(out_of_bag_risk(store_of(memorised), combine="raw"), Z)


def test_memory_inflates_the_bag_and_not_the_outside():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(B, N))
    order = -TIME + 10 * (EVENT - 0.5)  # knows the outcome
    inside = ~store_of(np.zeros((B, N))).out_of_bag
    found = validate(store_of(np.where(inside, order, noise), log_risk_apparent=order))
    assert found.apparent > 0.95
    assert found.replicate_oob == pytest.approx(0.5, abs=0.05)
    assert found.c632plus < found.harrell
    assert any("too flexible" in note for note in found.notes)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.3, 1.0), st.floats(0.3, 1.0))
def test_632plus_lies_between_its_parts(apparent, oob):
    c, rate, weight = estimate_632plus(apparent, oob)
    assert 0 <= rate <= 1
    assert 0.632 <= weight <= 1 + 1e-12
    low, high = sorted((apparent, max(oob, 0.5)))
    assert low - 1e-12 <= c <= high + 1e-12


def test_632plus_at_its_corners():
    assert estimate_632plus(0.9, 0.9) == (pytest.approx(0.9), 0, 0.632)
    assert estimate_632plus(0.9, 0.4) == (pytest.approx(0.5), 1, pytest.approx(1.0))
    assert estimate_632plus(0.5, 0.4)[1] == 0


def test_failed_replicates_are_left_out_and_counted():
    message = ["boom"] + [""] * (B - 1)
    log_risk = np.tile(Z, (B, 1))
    log_risk[0] = np.nan
    found = validate(store_of(log_risk, message=message))
    assert found.n_failed == 1
    assert found.replicates.iloc[0].isna().all()
    assert any("1 of 25 replicates failed" in note for note in found.notes)
    assert np.isfinite(found.table()["C"]).all()


def test_patients_of_every_bag_are_left_out_and_counted():
    bags = IN_BAG[:3].copy()
    bags[:, 0] = 7
    found = validate(store_of(np.tile(Z, (3, 1)), in_bag=bags))
    assert found.n_without_oob >= 1
    assert found.out_of_bag.n == N - found.n_without_oob
    assert np.isnan(out_of_bag_risk(store_of(np.tile(Z, (3, 1)), in_bag=bags))[7])


def test_a_replicate_without_comparable_pairs_is_nan():
    bags = IN_BAG[:2].copy()
    bags[0] = 5  # one patient, N times
    values = replicate_concordances(store_of(np.tile(Z, (2, 1)), in_bag=bags))
    assert np.isnan(values["c_bag"].iloc[0])
    assert np.isfinite(values["c_oob"].iloc[0])


def test_models_are_compared_on_the_same_patients_and_bags_only():
    noise = store_of(np.random.default_rng(2).normal(size=(B, N)))
    pair = compare_models(SAME_MODEL, noise)
    assert pair.difference > 0.1
    assert pair.difference == pytest.approx(-compare_models(noise, SAME_MODEL).difference)
    others = BootstrapStore(IDS[::-1], EVENT, TIME, IN_BAG, noise.log_risk)
    with pytest.raises(ValueError, match="same patients"):
        compare_models(SAME_MODEL, others)
    with pytest.raises(ValueError, match="different outcomes"):
        compare_models(SAME_MODEL, BootstrapStore(IDS, ~EVENT, TIME, IN_BAG, noise.log_risk))
    with pytest.raises(ValueError, match="same seed"):
        compare_models(SAME_MODEL, store_of(noise.log_risk, in_bag=IN_BAG[::-1]))


def test_what_is_not_accepted():
    with pytest.raises(ValueError, match="apparent_c"):
        validate(BootstrapStore(IDS, EVENT, TIME, IN_BAG, np.tile(Z, (B, 1))))
    with pytest.raises(ValueError, match="combine"):
        out_of_bag_risk(SAME_MODEL, combine="mean")
    with pytest.raises(ValueError, match="replicates can be evaluated"):
        validate(store_of(np.full((B, N), np.nan), message=["x"] * B))
    with pytest.raises(ValueError, match="finite"):
        paper_percentile_interval(0.8, [0.1, np.nan])
    with pytest.raises(ValueError, match="one length"):
        paper_wilcoxon([0.1, 0.2], [0.1])


def test_p_of_the_papers_test_measures_the_number_of_replicates():
    rng = np.random.default_rng(0)
    a, b = 0.72 + 0.02 * rng.normal(size=200), 0.71 + 0.02 * rng.normal(size=200)
    p = [paper_wilcoxon(a[:n], b[:n]).p_value for n in (10, 50, 200)]
    assert p[0] > p[1] > p[2]
    assert paper_wilcoxon(a, b).n_replicates == 200


def test_plain_folds_split_the_copies_of_a_patient():
    assert share_with_twin([1, 1, 2, 3], [0, 1, 0, 1]) == 0.5
    assert share_with_twin([1, 1, 2, 3], [0, 0, 1, 1]) == 0
    fold = paper_folds(100, n_folds=6, rng=np.random.default_rng(0))
    assert sorted(set(np.bincount(fold))) == [16, 17]
    bag = np.random.default_rng(1).integers(0, 3000, size=3000)
    share = share_with_twin(bag, paper_folds(3000, rng=np.random.default_rng(2)))
    # a test row has a Poisson number of copies, mean 1, each in another fold with probability 5/6
    assert share == pytest.approx(1 - np.exp(-5 / 6), abs=0.02)
    with pytest.raises(ValueError, match="one length"):
        share_with_twin([1, 2], [0])


def test_table_of_the_papers_statistics_without_a_second_model():
    table = paper_beside_right(SAME_MODEL)
    assert len(table) == 5 and table.notna().all().all()
    assert "(0 patients change halves)" in table["because"].iloc[2]
