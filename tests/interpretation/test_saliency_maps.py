"""Vertex-wise saliency, its family-wise control, regions, and scoring against a known truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import linregress

from cardiolib.interpretation import (
    REGIONS,
    as_displacements,
    map_stability,
    motion_magnitude_mm,
    permutation_test,
    phase_saliency,
    score_against_truth,
    summarise_by_region,
    summarise_by_region_and_phase,
    univariate_saliency,
    vertex_regions,
)
from cardiolib.meshes import SurfaceMesh

pytestmark = pytest.mark.processor

N, V = 80, 12


def example(seed, effect=0.0):
    """Risk follows the first three vertices with slope `effect`."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(N, 1))
    magnitude = 5 + 0.7 * common + rng.normal(size=(N, V))
    return effect * magnitude[:, :3].sum(axis=1) + rng.normal(size=N), magnitude, rng


def test_columns_unfold_in_the_order_of_the_paper():
    displacement = np.random.default_rng(0).normal(size=(2, 4, 5, 3))
    X = displacement.reshape(2, -1)
    assert X[1, 2 * 15 + 3 * 4 + 1] == displacement[1, 2, 4, 1]
    np.testing.assert_array_equal(as_displacements(X, n_vertices=5), displacement)
    X = np.tile([3.0, 4.0, 0.0], (1, 10))
    np.testing.assert_allclose(motion_magnitude_mm(X, n_vertices=5), 5.0)
    with pytest.raises(ValueError, match="5 vertices"):
        as_displacements(np.zeros((2, 14)), n_vertices=5)
    with pytest.raises(ValueError, match="not finite"):
        as_displacements(np.full((2, 15), np.nan), n_vertices=5)


def test_saliency_equals_one_regression_a_vertex():
    risk, magnitude, _ = example(0, effect=0.5)
    found = univariate_saliency(risk, magnitude)
    for v in range(V):
        fit = linregress(magnitude[:, v], risk)
        assert found.slope[v] == pytest.approx(fit.slope, rel=1e-10)
        assert found.correlation[v] == pytest.approx(fit.rvalue, rel=1e-10)
        assert found.t[v] == pytest.approx(fit.slope / fit.stderr, rel=1e-9)
    np.testing.assert_allclose(found.standardised_slope, found.slope * magnitude.std(axis=0, ddof=1))
    assert "p_family" not in found.table()


def test_covariates_are_adjusted_for_as_in_a_multiple_regression():
    risk, magnitude, rng = example(1, effect=0.5)
    covariates = rng.normal(size=(N, 2)) + magnitude[:, :1]
    found = univariate_saliency(risk, magnitude, covariates=covariates)
    design = np.column_stack([np.ones(N), covariates, magnitude[:, 4]])
    beta, rss, _, _ = np.linalg.lstsq(design, risk, rcond=None)
    se = np.sqrt(rss[0] / (N - 4) * np.linalg.inv(design.T @ design)[-1, -1])
    assert found.slope[4] == pytest.approx(beta[-1], rel=1e-9)
    assert found.t[4] == pytest.approx(beta[-1] / se, rel=1e-9)


@pytest.mark.parametrize("left", [1.0, 1e-3, 1e-6, 1e-9])
def test_t_keeps_its_digits_however_near_to_1_the_correlation_is(left):
    """Motion and residual are orthogonal columns of one size, so t = sqrt(df) / left by hand."""
    columns = np.linalg.qr(np.column_stack([np.ones(N), example(7)[1][:, :2]]))[0]
    found = univariate_saliency(columns[:, 1] + left * columns[:, 2], 3 * columns[:, 1:2])
    assert found.t[0] == pytest.approx(np.sqrt(N - 2) / left, rel=1e-5)
    assert found.correlation[0] == pytest.approx(1 / np.sqrt(1 + left**2), rel=1e-14)


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("slope", [2.0, -0.3])
def test_a_risk_that_is_a_function_of_the_motion_has_correlation_1_and_infinite_t(slope, offset):
    """Exactly, whatever a processor's sums round to; N patients of many sizes, so that some round past 1."""
    for n in range(4, 60):
        rng = np.random.default_rng(n)
        magnitude = 5 + rng.normal(size=(n, 3))
        found = permutation_test(slope * magnitude[:, 1] + offset, magnitude, rng=rng, n_permutations=9)
        assert (found.correlation[1], found.t[1]) == (np.sign(slope), np.copysign(np.inf, slope))
        assert np.isfinite(found.t[[0, 2]]).all() and (np.abs(found.correlation[[0, 2]]) < 1).all()
        assert found.slope[1] == pytest.approx(slope) and found.p_family[1] == found.p_family.min()


def test_slopes_follow_the_unit_and_correlations_do_not():
    risk, magnitude, _ = example(2, effect=0.5)
    mm, cm = univariate_saliency(risk, magnitude), univariate_saliency(risk, magnitude / 10)
    np.testing.assert_allclose(cm.slope, 10 * mm.slope)
    np.testing.assert_allclose(cm.correlation, mm.correlation)


def test_a_vertex_that_does_not_move_has_no_saliency():
    risk, magnitude, rng = example(3, effect=0.5)
    magnitude[:, 7] = 0.1  # not representable exactly: its residuals are rounding
    found = permutation_test(risk, magnitude, rng=rng, n_permutations=20)
    assert (found.slope[7], found.t[7], found.p_family[7]) == (0, 0, 1)


def test_permutation_p_equals_a_naive_recount():
    risk, magnitude, _ = example(4, effect=0.2)
    found = permutation_test(risk, magnitude, rng=np.random.default_rng(9), n_permutations=99)
    rng, centred = np.random.default_rng(9), risk - risk.mean()
    order = rng.permuted(np.tile(centred, (99, 1)), axis=1)
    largest = [np.abs([np.corrcoef(y, magnitude[:, v])[0, 1] for v in range(V)]).max() for y in order]
    naive = [(1 + np.sum(np.array(largest) >= abs(r))) / 100 for r in found.correlation]
    np.testing.assert_allclose(found.p_family, naive)


def test_permutation_test_is_repeatable_and_finds_what_is_there():
    risk, magnitude, _ = example(5, effect=0.8)
    a, b = (permutation_test(risk, magnitude, rng=np.random.default_rng(1), n_permutations=300) for _ in range(2))
    np.testing.assert_array_equal(a.p_family, b.p_family)
    assert (a.p_family[:3] < 0.05).all()
    assert a.p_family.min() >= 1 / 301


def test_null_p_values_control_the_whole_surface():
    smallest, with_covariates = [], []
    for seed in range(120):
        risk, magnitude, rng = example(seed)
        smallest.append(permutation_test(risk, magnitude, rng=rng, n_permutations=99).p_family.min())
        covariate = magnitude.mean(axis=1) + rng.normal(size=N)
        found = permutation_test(risk + covariate, magnitude, rng=rng, n_permutations=99, covariates=covariate)
        with_covariates.append(found.p_family.min())
    for p in (smallest, with_covariates):  # uniform: 3 standard errors of 120 draws
        assert np.mean(np.array(p) <= 0.05) <= 0.11
        assert np.mean(p) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"risk": np.zeros(N)}, "constant"),
        ({"risk": np.full(N, np.nan)}, "log_risk holds"),
        ({"risk": np.zeros(N - 1)}, "shapes"),
        ({"covariates": np.zeros((N - 1, 2))}, "rows"),
        ({"covariates": np.random.default_rng(0).normal(size=(N, N))}, "too few"),
    ],
)
def test_what_is_not_accepted(change, message):
    risk, magnitude, _ = example(0)
    given = {"risk": risk, "covariates": None, **change}
    with pytest.raises(ValueError, match=message):
        univariate_saliency(given["risk"], magnitude, covariates=given["covariates"])


def test_saliency_by_phase_is_the_correlation_with_the_distance_in_that_phase():
    rng = np.random.default_rng(6)
    moves = rng.normal(size=(40, 3, V, 3))
    risk = np.linalg.norm(moves[:, 1, 4], axis=1)
    found = phase_saliency(risk, moves.reshape(40, -1), n_vertices=V)
    assert found.shape == (3, V)
    assert found[1, 4] == pytest.approx(1)
    assert np.unravel_index(np.abs(found).argmax(), found.shape) == (1, 4)
    lengths = np.linalg.norm(moves, axis=3)
    assert found[2, 7] == pytest.approx(np.corrcoef(risk, lengths[:, 2, 7])[0, 1])


def test_map_stability():
    table = map_stability([[1.0, -1.0], [2.0, 2.0], [3.0, -4.0]])
    assert table["mean"].tolist() == [2, -1]
    assert table["sign_agreement"].tolist() == [1, pytest.approx(2 / 3)]
    with pytest.raises(ValueError, match="two rows"):
        map_stability([[1.0, 2.0]])


def ventricle():
    """Nine free-wall points at heights 0, 10, ..., 80 mm and two septal ones."""
    points = np.zeros((11, 3))
    points[:9, 2], points[:, 0], points[9:, 2] = np.arange(9) * 10.0, np.arange(11), (20, 60)
    region = np.array([2] * 9 + [3] * 2)
    return SurfaceMesh(points, np.array([[0, 1, 2]]), region)


def test_regions_are_thirds_of_the_free_wall_and_the_septum():
    regions = vertex_regions(ventricle())
    assert regions.tolist() == [REGIONS[0]] * 3 + [REGIONS[1]] * 3 + [REGIONS[2]] * 3 + ["septum"] * 2
    with pytest.raises(ValueError, match="rv_free"):
        vertex_regions(SurfaceMesh(np.eye(3), np.array([[0, 1, 2]]), np.zeros(3, dtype=int)))


def test_the_202_points_of_the_template_have_all_regions():
    from cardiolib.digital_heart import DigitalHeart, mean_parameters
    from cardiolib.meshes import decimated_mesh

    mesh = decimated_mesh(DigitalHeart(mean_parameters("ph")).points202([0.0])[0])
    regions = vertex_regions(mesh)
    counts = {name: int((regions == name).sum()) for name in REGIONS}
    assert sum(counts.values()) == 202
    assert min(counts.values()) >= 15


def test_summaries_by_region_and_phase():
    regions = vertex_regions(ventricle())
    values = np.r_[np.ones(3), np.zeros(3), -np.ones(3), 2.0, 4.0]
    table = summarise_by_region(values, regions)
    assert table.index.tolist() == list(REGIONS)
    assert table["mean"].tolist() == [1, 0, -1, 3]
    assert table["share"].sum() == pytest.approx(1)
    by_phase = summarise_by_region_and_phase(np.vstack([values, 2 * values]), regions)
    assert by_phase.loc[2].tolist() == [2, 0, -2, 6]
    with pytest.raises(ValueError, match="regions"):
        summarise_by_region(values[:-1], regions)


def test_truth_scores_at_their_corners():
    mask = np.array([True, True, False, False, False])
    assert score_against_truth([5, -4, 1, 0, -1], mask).average_precision == 1
    assert score_against_truth([0, 1, 5, 4, 3], mask).average_precision < 0.5
    score = score_against_truth([1.0, 2, 3, 4], [1.0, 2, 3, -4])
    assert score.rank_correlation == pytest.approx(1)
    assert (score.average_precision, score.chance) == (1, 0.5)
    assert np.isnan(score_against_truth([1, 1, 1.0], [True, False, False]).rank_correlation)
    with pytest.raises(ValueError, match="both kinds"):
        score_against_truth([1.0, 2], [False, False])
    with pytest.raises(ValueError, match="one length"):
        score_against_truth([1.0, 2], [True])
    with pytest.raises(ValueError, match="finite"):
        score_against_truth([1.0, np.nan], [True, False])
