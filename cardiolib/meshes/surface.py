"""A triangulated surface whose vertices stay the same material points in every phase."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

REGION_NAMES = ("lv_endo", "lv_epi", "rv_free", "rv_septum")


@dataclass(frozen=True, eq=False, repr=False)
class SurfaceMesh:
    """Vertices, triangles and the region of each vertex.

    Parameters
    ----------
    points : (V, 3) float64 array
        mm.
    triangles : (F, 3) int64 array
        Vertex indices; counter-clockwise seen from the side the normal points to.
    region : (V,) int8 array, optional
        Index into `region_names`. Without it the whole mesh is one region, "surface".
    region_names : tuple of str
    simulated : bool
        No patient is behind it; `write_vtk` writes that into the file, `read_vtk` reads it.

    Raises
    ------
    ValueError
        For wrong shapes, points that are not finite, triangle indices out of range or repeated within
        a triangle, or a region without a name.
    """

    points: np.ndarray
    triangles: np.ndarray
    region: np.ndarray = None  # type: ignore[assignment]  # __post_init__ fills it
    region_names: tuple[str, ...] = REGION_NAMES
    simulated: bool = False

    def __post_init__(self) -> None:
        points = check_points(self.points)
        triangles = np.asarray(self.triangles)
        if triangles.ndim != 2 or triangles.shape[1] != 3 or triangles.dtype.kind not in "iu":
            raise ValueError(
                f"triangles is an (F, 3) array of whole numbers; given {triangles.dtype} {triangles.shape}"
            )
        if triangles.size and not 0 <= triangles.min() <= triangles.max() < len(points):
            raise ValueError(
                f"triangles index the {len(points)} points from 0; given {triangles.min()} to {triangles.max()}"
            )
        a, b, c = triangles.T
        repeated = np.flatnonzero((a == b) | (b == c) | (c == a))
        if repeated.size:
            raise ValueError(f"{repeated.size} triangles name a vertex twice, the first is number {repeated[0]}")
        names = tuple(self.region_names) if self.region is not None else ("surface",)
        region = np.zeros(len(points)) if self.region is None else np.asarray(self.region)
        if region.shape != (len(points),):
            raise ValueError(f"region has one value for each of {len(points)} points; given shape {region.shape}")
        if region.size and not 0 <= region.min() <= region.max() < len(names):
            raise ValueError(f"region indexes the names {names}; given {region.min()} to {region.max()}")
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "triangles", triangles.astype(np.int64, copy=False))
        object.__setattr__(self, "region", region.astype(np.int8, copy=False))
        object.__setattr__(self, "region_names", names)

    def __repr__(self) -> str:
        counts = [f"{name} {(self.region == i).sum()}" for i, name in enumerate(self.region_names)]
        return f"SurfaceMesh({self.n_points} vertices, {len(self.triangles)} triangles; {', '.join(counts)})"

    @property
    def n_points(self) -> int:
        """Number of vertices V."""
        return len(self.points)

    def with_points(self, points: np.ndarray) -> SurfaceMesh:
        """The same triangles and regions with the vertices elsewhere; `points` is (V, 3) in mm."""
        points = np.asarray(points)
        if points.shape != self.points.shape:
            raise ValueError(f"this mesh has points {self.points.shape}; given {points.shape}")
        return replace(self, points=points)

    def region_mask(self, *names: str) -> np.ndarray:
        """(V,) bool array: the vertices in any of the named regions."""
        unknown = sorted(set(names) - set(self.region_names))
        if unknown:
            raise ValueError(f"this mesh has no region {unknown}; it has {list(self.region_names)}")
        return np.isin(self.region, [self.region_names.index(name) for name in names])

    def triangle_areas_mm2(self) -> np.ndarray:
        """(F,) area of each triangle."""
        return 0.5 * np.linalg.norm(self._crosses(), axis=1)

    def vertex_areas_mm2(self) -> np.ndarray:
        """(V,) a third of the area of the triangles that meet in each vertex; sums to the surface's area."""
        weights = np.repeat(self.triangle_areas_mm2() / 3, 3)
        return np.bincount(self.triangles.reshape(-1), weights, minlength=self.n_points)

    def triangle_normals(self) -> np.ndarray:
        """(F, 3) unit normals; zero for a triangle without area."""
        return _unit(self._crosses())

    def vertex_normals(self) -> np.ndarray:
        """(V, 3) unit normals: the mean of the adjacent triangles', weighted by their area.

        Zero for a vertex without triangles.
        """
        crosses = np.repeat(self._crosses(), 3, axis=0)
        corner = self.triangles.reshape(-1)
        summed = [np.bincount(corner, crosses[:, axis], minlength=self.n_points) for axis in range(3)]
        return _unit(np.stack(summed, axis=1))

    def _crosses(self) -> np.ndarray:
        a, b, c = (self.points[self.triangles[:, corner]] for corner in range(3))
        return np.cross(b - a, c - a)


def check_points(points: np.ndarray) -> np.ndarray:
    """Return `points` as (V, 3) float64, or raise ValueError saying what is wrong."""
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points):
        raise ValueError(f"points is a (V, 3) array in mm; given shape {points.shape}")
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if bad.size:
        raise ValueError(f"{bad.size} points are not finite, the first is number {bad[0]}: {points[bad[0]]}")
    return points


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
