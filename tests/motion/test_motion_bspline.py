import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cardiolib.motion.tracking.bspline import BendingEnergy, SplineGrid, cubic_bspline, separable
from cardiolib.motion.tracking.temporal import HarmonicBasis, LinearBasis

GRID = SplineGrid.covering([0, 0, 0], [50, 60, 70], [10.0, 12.0, 15.0])
LINES = [np.linspace(0.5, top, n) for top, n in ((49, 6), (59, 7), (69, 8))]
POINTS = np.stack(np.meshgrid(*LINES, indexing="ij"), -1).reshape(-1, 3)


def random_coefficients(grid=GRID, lead=(2, 3)):
    return np.random.default_rng(0).normal(size=(*lead, *grid.shape))


def fitted(grid, values_of):
    """Coefficients of a polynomial, by least squares on the grid's box."""
    axes = [np.linspace(a, b, 4 * n) for a, b, n in zip(grid.low_mm, grid.high_mm, grid.shape, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    inverse = [np.linalg.pinv(grid.basis(axis, axes[axis])) for axis in range(3)]
    return np.einsum("ai,bj,ck,ijk->abc", *inverse, values_of(*np.moveaxis(points, -1, 0)), optimize=True)


@given(st.floats(0, 1))
def test_basis_functions_sum_to_one(x):
    assert cubic_bspline(x - np.arange(-1, 3)).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("derivative", [1, 2])
def test_derivatives_against_differences(derivative):
    x, h = np.linspace(-1.9, 1.9, 38) + 0.013, 1e-5
    before, after = (cubic_bspline(x + s, derivative=derivative - 1) for s in (-h, h))
    assert np.allclose(cubic_bspline(x, derivative=derivative), (after - before) / (2 * h), atol=1e-4)


def test_scattered_points_and_lattice_agree():
    coefficients = random_coefficients()
    scattered = GRID.at_points(coefficients, POINTS)
    rows = [torch.from_numpy(GRID.basis(axis, LINES[axis])) for axis in range(3)]
    lattice = separable(torch.from_numpy(coefficients), *rows).flatten(-3).numpy()
    assert np.allclose(scattered, lattice, atol=1e-12)


def test_spatial_derivative_against_differences():
    coefficients, h = random_coefficients(), np.array([0, 1e-5, 0])
    difference = (GRID.at_points(coefficients, POINTS + h) - GRID.at_points(coefficients, POINTS - h)) / 2e-5
    assert np.allclose(GRID.at_points(coefficients, POINTS, derivative=(0, 1, 0)), difference, atol=1e-6)


def test_bending_of_polynomials_is_known():
    # 3 x^2/2 + 5 y z: squared second derivatives 9 + 2 * 25, in each of the three components.
    energy = BendingEnergy((GRID,))
    for values, expected in ((lambda x, y, z: 2 * x - y + 7, 0.0), (lambda x, y, z: 1.5 * x**2 + 5 * y * z, 59.0)):
        c = torch.from_numpy(fitted(GRID, values)).float()[None, None].expand(1, 3, -1, -1, -1)
        assert float(energy([c], torch.eye(1))) == pytest.approx(3 * expected, rel=1e-3, abs=1e-2)


def test_bending_of_two_levels_is_that_of_their_sum():
    """A quadratic minus itself, written on two grids, does not bend."""
    other = SplineGrid.covering(GRID.low_mm, GRID.high_mm, 21.0)
    parts = [fitted(grid, lambda x, y, z: 0.02 * x**2) * sign for grid, sign in ((GRID, 1), (other, -1))]
    tensors = [torch.from_numpy(part).float()[None, None].expand(1, 3, -1, -1, -1) for part in parts]
    alone = BendingEnergy((GRID,))(tensors[:1], torch.eye(1))
    both = BendingEnergy((GRID, other))(tensors, torch.eye(1))
    assert float(alone) == pytest.approx(3 * 0.04**2, rel=1e-3)
    assert abs(float(both)) < 1e-3 * float(alone)


def test_scattered_values_are_fitted_and_far_control_points_rest():
    rng = np.random.default_rng(3)
    points = rng.uniform(GRID.low_mm, GRID.high_mm, (4000, 3))
    values = np.stack([0.02 * points[:, 0] - 0.1 * points[:, 1], 0.001 * points[:, 2] ** 2])
    found = GRID.fitted_to(values, points, ridge=1e-9)
    assert found.shape == (2, *GRID.shape)
    assert np.allclose(GRID.at_points(found, points), values, atol=1e-4)
    corner = points[(points < np.mean([GRID.low_mm, GRID.high_mm], axis=0)).all(axis=1)]
    assert GRID.fitted_to(np.ones((1, len(corner))), corner)[0, -1, -1, -1] == 0


def test_grid_refuses_a_flat_box():
    with pytest.raises(ValueError, match="volume"):
        SplineGrid.covering([0, 0, 0], [10, 10, 0], 5.0)


@pytest.mark.parametrize("basis", [HarmonicBasis(4), LinearBasis((0.1, 0.4, 0.8))])
def test_time_starts_at_rest_and_closes(basis):
    values = basis.values(np.array([0.0, 1.0, 0.35, 1.35]))
    assert (values[:2] == 0).all()
    assert np.allclose(values[2], values[3])
    assert np.abs(values[2]).max() > 0.1


def test_linear_basis_is_one_at_its_frame():
    assert np.allclose(
        LinearBasis((0.25, 0.5, 0.75)).values(np.array([0.25, 0.5, 0.625])), [[1, 0, 0], [0, 1, 0], [0, 0.5, 0.5]]
    )
