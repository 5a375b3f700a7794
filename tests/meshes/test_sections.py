"""Plane sections against closed forms and against PyVista."""

import numpy as np
import pytest
import pyvista as pv
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.meshes import SurfaceMesh, enclosed_volume_ml, extract_regions, section_areas_mm2, template_mesh

UP = np.array([0.0, 0, 1])


def _mesh(surface):
    return SurfaceMesh(np.asarray(surface.points, float), surface.regular_faces)


@given(height=st.floats(-9.5, 9.5), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_a_ball_in_any_position(height, seed):
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal(3)
    normal /= np.linalg.norm(normal)
    mesh = _mesh(pv.Icosphere(radius=10, nsub=4))
    centre = 50 * rng.standard_normal(3)
    area = section_areas_mm2(mesh, [mesh.points + centre], origin_mm=centre, normal=normal, heights_mm=[height])
    assert area[0, 0] == pytest.approx(np.pi * (100 - height**2), abs=2.5)


@pytest.mark.parametrize("regions", [("lv_endo",), ("rv_free", "rv_septum"), ("lv_epi",)])
def test_the_template_as_pyvista_cuts_it(regions):
    part, _ = extract_regions(template_mesh(), *regions)
    heights = np.linspace(*np.percentile(part.points[:, 2], [5, 85]), 7)
    ours = section_areas_mm2(part, part.points[None], origin_mm=np.zeros(3), normal=UP, heights_mm=heights)[0]
    surface = pv.PolyData.from_regular_faces(part.points, part.triangles)
    for height, area in zip(heights, ours, strict=True):
        cut = surface.slice(normal="z", origin=(0, 0, height)).strip(join=True).triangulate_contours()
        assert area == pytest.approx(cut.area, rel=1e-6), height


def test_many_thin_slices_hold_the_volume():
    part, _ = extract_regions(template_mesh(), "lv_endo")
    heights = np.arange(part.points[:, 2].min() - 1, part.points[:, 2].max() + 1, 0.1)
    areas = section_areas_mm2(part, part.points[None], origin_mm=np.zeros(3), normal=UP, heights_mm=heights)
    assert areas.sum() * 0.1 / 1000 == pytest.approx(enclosed_volume_ml(part, cap=True), rel=1e-3)


def test_a_hollow_section_counts_what_is_inside():
    outer, inner = _mesh(pv.Icosphere(radius=10, nsub=4)), _mesh(pv.Icosphere(radius=5, nsub=4))
    hollow = SurfaceMesh(
        np.concatenate([outer.points, inner.points]),
        np.concatenate([outer.triangles, inner.triangles[:, ::-1] + outer.n_points]),
    )
    area = section_areas_mm2(hollow, hollow.points[None], origin_mm=np.zeros(3), normal=UP, heights_mm=[0.1])
    assert area[0, 0] == pytest.approx(np.pi * 75, rel=0.01)
