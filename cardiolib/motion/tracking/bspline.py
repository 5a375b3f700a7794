"""Cubic B-splines in space on a regular grid: evaluation by separable matrices, exact bending energy.

A function is sum_ijk c_ijk b((x-x_i)/h_x) b((y-y_j)/h_y) b((z-z_k)/h_z) with the centred cubic B-spline b. On a
lattice of points it is three small matrix products; at scattered points only 4 x 4 x 4 coefficients count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import splu

BENDING_TERMS = (
    ((2, 0, 0), 1.0),
    ((0, 2, 0), 1.0),
    ((0, 0, 2), 1.0),
    ((1, 1, 0), 2.0),
    ((1, 0, 1), 2.0),
    ((0, 1, 1), 2.0),
)
"""Orders of the derivatives along x, y, z in the bending energy, and how often each occurs."""


def cubic_bspline(x: np.ndarray, *, derivative: int = 0) -> np.ndarray:
    """The centred cubic B-spline (support [-2, 2], knots at whole numbers) or a derivative of it.

    Parameters
    ----------
    x : array
    derivative : {0, 1, 2}

    Returns
    -------
    array of the shape of `x`
    """
    x = np.asarray(x, float)
    a = np.abs(x)
    near, far = a < 1, (a >= 1) & (a < 2)
    if derivative == 0:
        return near * (2 / 3 - a**2 + a**3 / 2) + far * (2 - a) ** 3 / 6
    if derivative == 1:
        return np.sign(x) * (near * (-2 * a + 1.5 * a**2) - far * (2 - a) ** 2 / 2)
    if derivative == 2:
        return near * (3 * a - 2) + far * (2 - a)
    raise ValueError(f"derivative is 0, 1 or 2; given {derivative}")


@dataclass(frozen=True)
class SplineGrid:
    """Control points of a three-dimensional cubic B-spline.

    Parameters
    ----------
    origin_mm, spacing_mm : (3,) float
        Place of control point (0, 0, 0) and distance between control points.
    shape : (3,) int
        Number of control points along each axis.
    low_mm, high_mm : (3,) float
        The box for which the spline has full support; its bending energy is taken over it.
    """

    origin_mm: tuple[float, float, float]
    spacing_mm: tuple[float, float, float]
    shape: tuple[int, int, int]
    low_mm: tuple[float, float, float]
    high_mm: tuple[float, float, float]

    @classmethod
    def covering(cls, low_mm: np.ndarray, high_mm: np.ndarray, spacing_mm: np.ndarray | float) -> SplineGrid:
        """The smallest centred grid with full support over the box from `low_mm` to `high_mm`."""
        low, high = np.asarray(low_mm, float), np.asarray(high_mm, float)
        spacing = np.broadcast_to(np.asarray(spacing_mm, float), 3)
        if (spacing <= 0).any() or (high <= low).any():
            raise ValueError(f"a grid needs positive spacing and a box with volume; given {spacing}, {low}, {high}")
        cells = np.maximum(np.ceil((high - low) / spacing - 1e-9), 1).astype(int)
        origin = (low + high) / 2 - cells * spacing / 2 - spacing
        numbers = [tuple(float(value) for value in part) for part in (origin, spacing, low, high)]
        return cls(*numbers[:2], tuple(int(n) + 3 for n in cells), *numbers[2:])

    def basis(self, axis: int, coordinate_mm: np.ndarray, *, derivative: int = 0) -> np.ndarray:
        """(n, control points) matrix of the basis functions along one axis at n coordinates in mm."""
        position = (np.asarray(coordinate_mm, float) - self.origin_mm[axis]) / self.spacing_mm[axis]
        values = cubic_bspline(position[:, None] - np.arange(self.shape[axis]), derivative=derivative)
        return values / self.spacing_mm[axis] ** derivative

    def at_points(
        self, coefficients: np.ndarray, points_mm: np.ndarray, *, derivative: tuple[int, int, int] = (0, 0, 0)
    ) -> np.ndarray:
        """Values (..., P) at scattered points (P, 3) of the spline with coefficients (..., i, j, k).

        Points outside the support are moved to its border first, so that the spline continues as a constant.
        """
        points = self._supported(points_mm)
        index, weight = zip(*(self._local(axis, points[:, axis], derivative[axis]) for axis in range(3)), strict=True)
        out = np.zeros((*coefficients.shape[:-3], len(points)))
        for a in range(4):
            for b in range(4):
                for c in range(4):
                    product = weight[0][a] * weight[1][b] * weight[2][c]
                    out += coefficients[..., index[0] + a, index[1] + b, index[2] + c] * product
        return out

    def fitted_to(self, values: np.ndarray, points_mm: np.ndarray, *, ridge: float = 0.01) -> np.ndarray:
        """Coefficients (..., i, j, k) of the spline nearest to values (..., P) at scattered points (P, 3).

        Least squares with a small `ridge`, which leaves control points far from all points at zero.
        """
        points = self._supported(points_mm)
        index, weight = zip(*(self._local(axis, points[:, axis]) for axis in range(3)), strict=True)
        rows, columns, entries = [], [], []
        for a, b, c in np.ndindex(4, 4, 4):
            rows.append(np.arange(len(points)))
            columns.append(np.ravel_multi_index((index[0] + a, index[1] + b, index[2] + c), self.shape))
            entries.append(weight[0][a] * weight[1][b] * weight[2][c])
        shape = (len(points), int(np.prod(self.shape)))
        design = sparse.csc_array((np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns))), shape)
        normal = (design.T @ design + ridge * sparse.identity(shape[1])).tocsc()
        flat = np.asarray(values, float).reshape(-1, shape[0])
        solution = splu(normal).solve(np.ascontiguousarray(design.T @ flat.T))
        return solution.T.reshape(*np.shape(values)[:-1], *self.shape)

    def _supported(self, points_mm: np.ndarray) -> np.ndarray:
        """Points outside the support moved to its border."""
        low, high = np.array(self.origin_mm) + np.array(self.spacing_mm), np.array(self.origin_mm)
        high = high + np.array(self.spacing_mm) * (np.array(self.shape) - 2)
        return np.clip(np.asarray(points_mm, float), low, high - 1e-9 * (high - low))

    def _local(self, axis: int, coordinate: np.ndarray, derivative: int = 0) -> tuple[np.ndarray, list[np.ndarray]]:
        position = (coordinate - self.origin_mm[axis]) / self.spacing_mm[axis]
        first = np.clip(np.floor(position).astype(int) - 1, 0, self.shape[axis] - 4)
        weight = [cubic_bspline(position - first - i, derivative=derivative) for i in range(4)]
        return first, [w / self.spacing_mm[axis] ** derivative for w in weight]


def gram(one: SplineGrid, other: SplineGrid, axis: int, *, derivative: int) -> np.ndarray:
    """Mean over the box of `one` of products of basis functions of two grids along an axis.

    Exact: between knots the products are polynomials of degree at most six, for which Gauss-Legendre quadrature
    with four points has no error.
    """
    low, high = one.low_mm[axis], one.high_mm[axis]
    knots = [grid.origin_mm[axis] + grid.spacing_mm[axis] * np.arange(grid.shape[axis]) for grid in (one, other)]
    breaks = np.unique(np.clip(np.concatenate([*knots, [low, high]]), low, high))
    node, weight = np.polynomial.legendre.leggauss(4)
    half = np.diff(breaks) / 2
    x = ((breaks[:-1] + half)[:, None] + half[:, None] * node).reshape(-1)
    w = (half[:, None] * weight).reshape(-1) / (high - low)
    return one.basis(axis, x, derivative=derivative).T @ (w[:, None] * other.basis(axis, x, derivative=derivative))


class BendingEnergy:
    """Bending energy of a sum of splines, each with several channels, as a differentiable function.

    Parameters
    ----------
    grids : sequence of SplineGrid
        They share one box.
    """

    def __init__(self, grids: tuple[SplineGrid, ...]) -> None:
        self.n = len(grids)
        self.grams = {
            (a, b): [
                (
                    times,
                    [
                        torch.from_numpy(gram(grids[a], grids[b], axis, derivative=orders[axis])).float()
                        for axis in range(3)
                    ],
                )
                for orders, times in BENDING_TERMS
            ]
            for a in range(self.n)
            for b in range(a, self.n)
        }

    def __call__(self, coefficients: list[torch.Tensor], time_gram: torch.Tensor) -> torch.Tensor:
        """Mean over box and time of the squared second derivatives, summed over the three components.

        Parameters
        ----------
        coefficients : list of (M, 3, i, j, k) tensors
        time_gram : (M, M) tensor
            Mean over time of the products of the M temporal basis functions.
        """
        total = torch.zeros(())
        for (a, b), terms in self.grams.items():
            left = torch.tensordot(time_gram, coefficients[a], dims=([0], [0]))
            for times, (x, y, z) in terms:
                right = separable(coefficients[b], x, y, z)
                total = total + (times if a == b else 2 * times) * (left * right).sum()
        return total


def separable(coefficients: torch.Tensor, x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """Apply a matrix along each of the last three axes: (..., i, j, k) -> (..., X, Y, Z)."""
    out = y @ (coefficients @ z.T)  # (..., i, Y, Z)
    return (x @ out.flatten(-2)).unflatten(-1, (y.shape[0], z.shape[0]))
