"""SurfaceMesh: validation, areas, normals."""

import pickle

import numpy as np
import pytest

from cardiolib.meshes import SurfaceMesh

TETRAHEDRON = np.array([[0, 0, 0], [3, 0, 0], [0, 4, 0], [0, 0, 5.0]])
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def test_areas_by_hand_and_their_share_of_the_vertices():
    mesh = SurfaceMesh(TETRAHEDRON, FACES)
    slanted = 0.5 * np.linalg.norm(np.cross([-3, 4, 0], [-3, 0, 5]))
    np.testing.assert_allclose(mesh.triangle_areas_mm2(), [6, 7.5, 10, slanted])
    np.testing.assert_allclose(mesh.vertex_areas_mm2()[0], (6 + 7.5 + 10) / 3)
    assert mesh.vertex_areas_mm2().sum() == pytest.approx(mesh.triangle_areas_mm2().sum())


def test_normals_are_unit_and_point_by_orientation():
    mesh = SurfaceMesh(TETRAHEDRON, FACES)
    np.testing.assert_allclose(mesh.triangle_normals()[:3], [[0, 0, -1], [0, -1, 0], [-1, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(mesh.vertex_normals(), axis=1), 1)
    outward = mesh.points - mesh.points.mean(axis=0)
    assert ((mesh.vertex_normals() * outward).sum(axis=1) > 0).all()


def test_vertex_without_triangles_has_zero_area_and_normal():
    mesh = SurfaceMesh(np.vstack([TETRAHEDRON, [9, 9, 9]]), FACES)
    assert mesh.vertex_areas_mm2()[4] == 0 and not mesh.vertex_normals()[4].any()


def test_moved_mesh_keeps_triangles_and_regions():
    mesh = SurfaceMesh(TETRAHEDRON, FACES, np.array([0, 1, 2, 3]))
    moved = mesh.with_points(TETRAHEDRON * 2)
    np.testing.assert_array_equal(moved.triangles, FACES)
    np.testing.assert_array_equal(moved.region_mask("rv_free", "rv_septum"), [False, False, True, True])
    np.testing.assert_allclose(moved.triangle_areas_mm2(), 4 * mesh.triangle_areas_mm2())
    with pytest.raises(ValueError, match="given"):
        mesh.with_points(TETRAHEDRON[:3])
    with pytest.raises(ValueError, match="no region.*lv_endo"):
        mesh.region_mask("atrium")


def test_mesh_without_regions_is_one_surface():
    assert SurfaceMesh(TETRAHEDRON, FACES).region_names == ("surface",)
    assert "4 vertices, 4 triangles" in repr(SurfaceMesh(TETRAHEDRON, FACES))


def test_mesh_travels_between_processes():
    mesh = pickle.loads(pickle.dumps(SurfaceMesh(TETRAHEDRON, FACES)))
    np.testing.assert_array_equal(mesh.points, TETRAHEDRON)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"points": np.zeros((4, 2))}, r"\(V, 3\)"),
        ({"points": np.vstack([TETRAHEDRON[:3], [np.nan, 0, 0]])}, "number 3"),
        ({"triangles": FACES.astype(float)}, "whole numbers"),
        ({"triangles": FACES + 1}, "index the 4 points"),
        ({"triangles": FACES - 1}, "index the 4 points"),
        ({"triangles": np.array([[0, 1, 1]])}, "twice"),
        ({"region": np.zeros(3)}, "one value"),
        ({"region": np.full(4, 4)}, "names"),
    ],
)
def test_bad_meshes_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        SurfaceMesh(**({"points": TETRAHEDRON, "triangles": FACES} | kwargs))
