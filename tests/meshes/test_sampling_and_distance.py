"""Even choices of points, and distances between surfaces with known answers."""

import numpy as np
import pytest
import pyvista as pv

from cardiolib.meshes import (
    SurfaceMesh,
    covered_areas_mm2,
    distance_to_surface,
    farthest_point_indices,
    surface_distance,
    surface_samples,
)


def sphere(radius=30.0, centre=(0, 0, 0), level=4):
    data = pv.Icosphere(radius=radius, nsub=level).compute_normals()
    points = np.asarray(data.points, float)
    points *= radius / np.linalg.norm(points, axis=1, keepdims=True)
    return SurfaceMesh(points + centre, np.asarray(data.faces).reshape(-1, 4)[:, 1:])


def test_farthest_points_against_a_naive_search():
    points = np.random.default_rng(0).normal(size=(40, 3))
    chosen = [3]
    while len(chosen) < 12:
        gaps = [min(np.linalg.norm(p - points[c]) for c in chosen) for p in points]
        chosen.append(int(np.argmax(gaps)))
    assert farthest_point_indices(points, 12, start=3).tolist() == chosen


def test_farthest_points_are_distinct_even_among_doubles():
    points = np.repeat(np.eye(3), 3, axis=0)
    assert sorted(farthest_point_indices(points, 9)) == list(range(9))
    for n, start in ((0, 0), (10, 0), (2, 9)):
        with pytest.raises(ValueError, match="choose"):
            farthest_point_indices(points, n, start=start)


def test_farthest_points_are_more_even_than_random_ones():
    mesh = sphere()
    rng = np.random.default_rng(1)

    def unevenness(indices):
        areas = covered_areas_mm2(mesh, indices)
        assert areas.sum() == pytest.approx(mesh.triangle_areas_mm2().sum())
        return areas.std() / areas.mean()

    farthest = unevenness(farthest_point_indices(mesh.points, 100))
    assert farthest < 0.3 < unevenness(rng.choice(mesh.n_points, 100, replace=False))


def test_samples_are_even_by_area_not_by_triangle():
    points = np.array([[0, 0, 0], [100, 0, 0], [100, 100, 0], [0, 100, 0], [50, 50, 0.0]])
    mesh = SurfaceMesh(points, np.array([[0, 1, 2], [0, 2, 3]]))
    samples, triangle = surface_samples(mesh, 1.0)
    assert len(samples) == 10_000 and not samples[:, 2].any()
    counts = np.histogram2d(samples[:, 0], samples[:, 1], bins=5, range=((0, 100), (0, 100)))[0]
    np.testing.assert_allclose(counts, 400, rtol=0.06)
    assert set(triangle) == {0, 1}
    with pytest.raises(ValueError, match="spacing"):
        surface_samples(mesh, 0)


def test_distance_of_a_surface_to_itself_is_zero():
    result = surface_distance(sphere(level=2), sphere(level=2), spacing_mm=3)
    assert result.hausdorff_mm < 1e-6


def test_concentric_spheres_are_their_radii_apart():
    result = surface_distance(sphere(30), sphere(33), spacing_mm=2)
    assert result.assd_mm == pytest.approx(3, abs=0.02)
    assert result.hd95_mm == pytest.approx(3, abs=0.05)


def test_shifted_plane_and_hd95_is_the_larger_direction():
    def plane(width, z):
        points = np.array([[0, 0, z], [width, 0, z], [width, 100, z], [0, 100, z]], float)
        return SurfaceMesh(points, np.array([[0, 1, 2], [0, 2, 3]]))

    equal = surface_distance(plane(100, 0), plane(100, 2), spacing_mm=4)
    assert equal.assd_mm == pytest.approx(2) and equal.hd95_mm == pytest.approx(2)
    # The wide plane reaches 100 mm past the narrow one: its 95th percentile lies 90 mm out.
    uneven = surface_distance(plane(100, 0), plane(200, 0), spacing_mm=2)
    assert uneven.hd95_mm == pytest.approx(90, abs=1) and uneven.hausdorff_mm == pytest.approx(100, abs=2)


def test_distance_is_to_triangles_not_to_samples():
    big = SurfaceMesh(np.array([[0, 0, 0], [100, 0, 0], [0, 100, 0.0]]), np.array([[0, 1, 2]]))
    points = np.array([[20, 20, 7.0], [-3, 50, 0], [-3, -4, 0], [60, 60, 0], [110, 0, 0]])
    expected = [7, 3, 5, 20 / np.sqrt(2), 10]
    np.testing.assert_allclose(distance_to_surface(points, big, spacing_mm=5), expected, atol=1e-9)
