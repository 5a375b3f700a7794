"""Edges, borders and volumes of surfaces whose answers are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.meshes import (
    SurfaceMesh,
    boundary_loops,
    edges,
    enclosed_volume_ml,
    enclosed_volumes_ml,
    extract_regions,
    neighbours,
    orient,
    parts,
    weld,
)

CUBE = np.array([[x, y, z] for x in (0, 10) for y in (0, 20) for z in (0, 30)], float)
QUADS = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
CUBE_FACES = np.array([t for a, b, c, d in QUADS for t in ((a, b, c), (a, c, d))])


def cube(keep=slice(None)):
    return SurfaceMesh(CUBE, CUBE_FACES[keep])


def test_edges_and_neighbours_of_a_cube():
    assert len(edges(cube())) == 12 + 6
    for vertex, around in enumerate(neighbours(cube())):
        assert sorted(around) == sorted(
            {v for triangle in CUBE_FACES.tolist() if vertex in triangle for v in triangle} - {vertex}
        )


def test_volume_of_a_box_is_its_sides_multiplied():
    assert enclosed_volume_ml(cube()) == pytest.approx(6.0)
    assert boundary_loops(cube()) == []


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_volume_follows_the_determinant_wherever_the_surface_is(seed):
    rng = np.random.default_rng(seed)
    matrix, offset = rng.normal(size=(3, 3)), rng.normal(scale=1000, size=3)
    moved = cube().with_points(CUBE @ matrix.T + offset)
    assert enclosed_volume_ml(moved) == pytest.approx(6 * abs(np.linalg.det(matrix)), rel=1e-6)


def test_open_box_needs_a_cap_and_gets_the_same_volume():
    lidless = cube(slice(2, None))
    loops = boundary_loops(lidless)
    assert [sorted(loop.tolist()) for loop in loops] == [[0, 1, 2, 3]]
    with pytest.raises(ValueError, match="cap=True"):
        enclosed_volume_ml(lidless)
    assert enclosed_volume_ml(lidless, cap=True) == pytest.approx(6.0)


def test_open_at_both_ends_like_a_ventricle_with_two_valves():
    assert enclosed_volume_ml(cube(slice(4, None)), cap=True) == pytest.approx(6.0)
    assert len(boundary_loops(cube(slice(4, None)))) == 2


def test_volumes_of_a_surface_that_moves():
    beating = np.stack([CUBE, 0.5 * CUBE, CUBE + 40.0])
    assert enclosed_volumes_ml(cube(slice(2, None)), beating, cap=True) == pytest.approx([6.0, 0.75, 6.0])
    with pytest.raises(ValueError, match="8, 3"):
        enclosed_volumes_ml(cube(), beating[:, :4])


def test_contradicting_triangles_are_refused_and_orient_mends_them():
    faces = CUBE_FACES.copy()
    faces[[3, 7, 8]] = faces[[3, 7, 8]][:, ::-1]
    broken = SurfaceMesh(CUBE, faces)
    with pytest.raises(ValueError, match="orient"):
        enclosed_volume_ml(broken)
    mended = orient(broken)
    assert enclosed_volume_ml(mended) == pytest.approx(6.0)
    outward = CUBE[mended.triangles].mean(axis=1) - CUBE.mean(axis=0)
    assert ((mended.triangle_normals() * outward).sum(axis=1) > 0).all()


def test_each_part_is_turned_outward():
    two = SurfaceMesh(np.vstack([CUBE, CUBE + 100]), np.vstack([CUBE_FACES, CUBE_FACES[:, ::-1] + 8]))
    assert len(set(parts(two))) == 2
    assert enclosed_volume_ml(two) == pytest.approx(0.0, abs=1e-9)
    assert enclosed_volume_ml(orient(two)) == pytest.approx(12.0)


def test_surfaces_that_cannot_be_oriented_say_so():
    n = 12
    angle = np.arange(n) * 2 * np.pi / n
    middle = np.stack([np.cos(angle), np.sin(angle), np.zeros(n)], 1) * 10
    across = np.stack([np.cos(angle) * np.cos(angle / 2), np.sin(angle) * np.cos(angle / 2), np.sin(angle / 2)], 1)
    points = np.vstack([middle - across, middle + across])
    faces = []
    for i in range(n):
        low, high = i, i + n
        low2, high2 = (i + 1, i + 1 + n) if i + 1 < n else (n, 0)
        faces += [(low, low2, high), (high, low2, high2)]
    with pytest.raises(ValueError, match="one side"):
        orient(SurfaceMesh(points, np.array(faces)))
    fin = SurfaceMesh(np.vstack([CUBE, [50, 50, 50]]), np.vstack([CUBE_FACES, [0, 1, 8]]))
    with pytest.raises(ValueError, match="3 triangles meet"):
        orient(fin)


def test_patches_written_apart_are_welded_and_motion_follows():
    left, right = CUBE_FACES[:6], CUBE_FACES[6:]
    split = SurfaceMesh(np.vstack([CUBE, CUBE]), np.vstack([left, right + 8]), np.repeat([0, 2], 8))
    whole, kept = weld(split)
    assert whole.n_points == 8 and len(whole.triangles) == 12
    assert enclosed_volume_ml(whole) == pytest.approx(6.0)
    np.testing.assert_array_equal(whole.points, split.points[kept])
    np.testing.assert_array_equal(kept, np.arange(8))


def test_extracted_region_has_its_triangles_only():
    region = np.where(CUBE[:, 0] == 0, 2, 0)
    mesh = SurfaceMesh(CUBE, CUBE_FACES, region)
    part, indices = extract_regions(mesh, "rv_free")
    assert len(part.triangles) == 2 and part.region_names == mesh.region_names
    np.testing.assert_array_equal(part.points, CUBE[indices])
    both, _ = extract_regions(mesh, "rv_free", "lv_endo")
    assert len(both.triangles) == 12
    with pytest.raises(ValueError, match="no triangle"):
        extract_regions(mesh, "rv_septum")
