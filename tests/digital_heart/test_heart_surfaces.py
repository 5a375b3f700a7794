"""Meshes, the 202 vertices and the landmarks: correspondence, topology, evenness."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from scipy.spatial import cKDTree

from cardiolib.digital_heart import LANDMARKS, PHASES, DigitalHeart, mean_parameters, parameters_at_severity
from cardiolib.meshes import (
    MATCHED_VERTICES,
    boundary_loops,
    covered_areas_mm2,
    decimated_mesh,
    extract_regions,
    template_mesh,
)

HEART = DigitalHeart(parameters_at_severity(0.7))
SHEET_OF_REGION = ("lv", "lv", "rv", "lv")


def test_a_vertex_is_the_same_material_point_in_every_phase():
    sequence = HEART.surface_sequence()
    region = HEART.surface(0.0).region
    assert sequence.shape == (20, 3683, 3)
    for code, sheet in enumerate(SHEET_OF_REGION):
        vertices = np.flatnonzero(region == code)[1:]  # the angle of a pole is arbitrary
        rest = HEART.material(sequence[0, vertices], 0.0, sheet=sheet)
        for frame in (3, 7, 12):
            moved = HEART.move(*rest, PHASES[frame], sheet=sheet)
            np.testing.assert_allclose(sequence[frame, vertices], moved, atol=1e-6)


def test_topology_and_regions_are_those_of_the_template():
    mesh, template = HEART.surface(0.3), template_mesh()
    np.testing.assert_array_equal(mesh.triangles, template.triangles)
    np.testing.assert_array_equal(mesh.region, template.region)
    assert (np.diff(mesh.region) >= 0).all() and set(mesh.region) == {0, 1, 2, 3}


@pytest.mark.parametrize("regions", [("lv_endo",), ("lv_epi",), ("rv_free", "rv_septum")])
def test_surfaces_are_open_at_the_base_only(regions):
    mesh = extract_regions(HEART.surface(0.0), *regions)[0]
    (loop,) = boundary_loops(mesh)  # raises where triangles do not fit together
    assert mesh.points[loop][:, 2].min() > 0.8 * HEART.parameters.length_mm


def test_normals_point_outwards():
    mesh = HEART.surface(0.0)
    normals = mesh.vertex_normals()
    for code, sign in ((0, 1), (1, 1), (2, 1), (3, -1)):
        chosen = np.flatnonzero(mesh.region == code)
        axis = np.array([0.0, 0.0, 45.0])
        outward = np.einsum("vi,vi->v", normals[chosen], mesh.points[chosen] - axis)
        assert (sign * outward > 0).mean() > 0.95


def test_matched_points_never_move():
    """The network's weights belong to these vertices: a change of this list breaks every stored model."""
    text = ",".join(map(str, MATCHED_VERTICES))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "313e4ec3a9cb108c"
    region = template_mesh().region[MATCHED_VERTICES]
    assert len(set(MATCHED_VERTICES)) == 202 and set(region) == {2, 3}


def test_matched_points_are_even_over_the_right_ventricle():
    template = template_mesh()
    points = template.points[MATCHED_VERTICES]
    nearest = cKDTree(points).query(points, k=2)[0][:, 1]
    assert nearest.std() / nearest.mean() < 0.15
    right, _ = extract_regions(template, "rv_free", "rv_septum")
    areas = covered_areas_mm2(right, cKDTree(right.points).query(points)[1])
    assert areas.std() / areas.mean() < 0.45


def test_points202_are_vertices_of_the_full_mesh():
    np.testing.assert_allclose(HEART.points202(), HEART.surface_sequence()[:, MATCHED_VERTICES], atol=1e-12)


def test_decimated_mesh_closes_over_the_insertions():
    mesh = decimated_mesh(HEART.points202([0.0])[0])
    (loop,) = boundary_loops(mesh)
    assert mesh.points[loop][:, 2].min() > 0.75 * HEART.parameters.length_mm
    assert set(np.unique(mesh.triangles)) == set(range(202))
    full, _ = extract_regions(HEART.surface(0.0), "rv_free", "rv_septum")
    area = mesh.vertex_areas_mm2().sum() / full.vertex_areas_mm2().sum()
    assert 0.9 < area < 1.0


def test_decimated_mesh_wants_202_points():
    with pytest.raises(ValueError, match=r"\(202, 3\)"):
        decimated_mesh(np.zeros((201, 3)))


def test_landmarks_are_where_their_names_say():
    heart = DigitalHeart(mean_parameters("control").without_extensions())
    points = dict(zip(LANDMARKS, heart.landmarks(0.0), strict=True))
    p, anatomy = heart.parameters, heart.motion.anatomy
    np.testing.assert_allclose(points["apex"], [0, 0, 0.2], atol=1e-12)
    np.testing.assert_allclose(points["mitral_centre"], [0, 0, p.length_mm], atol=1e-12)
    assert points["lv_lateral"][0] > anatomy.radius_mm and abs(points["lv_lateral"][1]) < 1e-9
    assert points["rv_insertion_anterior"][1] < -20 and points["rv_insertion_inferior"][1] > 20
    assert points["rv_lateral"][0] < -50 and abs(points["rv_lateral"][1]) < 1e-9
    assert heart.landmarks(PHASES).shape == (20, 6, 3)
    es = heart.landmarks(heart.es_time)
    assert points["mitral_centre"][2] - es[5, 2] == pytest.approx(p.mapse_mm)
