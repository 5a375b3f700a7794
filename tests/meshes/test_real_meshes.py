"""A real fitted heart and mean shapes: reading, volumes, correspondence."""

import numpy as np
import pytest

from cardiolib.imaging import ed_es_frames
from cardiolib.meshes import (
    SurfaceMesh,
    boundary_loops,
    enclosed_volume_ml,
    orient,
    parts,
    read_vtk,
    weld,
)


def bivme(shared_dir, name, frames):
    folder = shared_dir / "data" / "bivme" / "patient1_vtk"
    return [read_vtk(folder / f"patient1_{name}_{frame:03d}.vtk") for frame in frames]


def winding_volume_ml(mesh: SurfaceMesh, step_mm: float) -> float:
    """Independent oracle: grid points around which the capped surface winds (van Oosterom's solid angle)."""
    corners = [mesh.points[mesh.triangles]]
    for loop in boundary_loops(mesh):
        rim = mesh.points[loop]
        corners.append(np.stack([np.roll(rim, -1, 0), rim, np.broadcast_to(rim.mean(0), rim.shape)], 1))
    corners = np.concatenate(corners)
    axes = [np.arange(a, b, step_mm) for a, b in zip(mesh.points.min(0), mesh.points.max(0), strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    inside = 0
    for block in np.array_split(grid, len(grid) // 200 + 1):
        a, b, c = (corners[None, :, i] - block[:, None] for i in range(3))
        la, lb, lc = (np.linalg.norm(x, axis=-1) for x in (a, b, c))
        dot = [np.einsum("ijk,ijk->ij", x, y) for x, y in ((a, b), (b, c), (c, a))]
        triple = np.einsum("ijk,ijk->ij", a, np.cross(b, c))
        angle = 2 * np.arctan2(triple, la * lb * lc + dot[0] * lc + dot[1] * la + dot[2] * lb)
        inside += int((np.abs(angle.sum(1)) > 2 * np.pi).sum())
    return inside * step_mm**3 / 1000


def test_left_ventricle_volume_curve(shared_dir):
    meshes = bivme(shared_dir, "LV_ENDOCARDIAL", range(25))
    for mesh in meshes:
        np.testing.assert_array_equal(mesh.triangles, meshes[0].triangles)
    volume = np.array([enclosed_volume_ml(mesh, cap=True) for mesh in meshes])
    assert meshes[0].n_points == 1572 and len(boundary_loops(meshes[0])) == 2
    assert ed_es_frames(volume)[1] == 9
    assert volume[0] == pytest.approx(168, rel=0.05) and volume[9] == pytest.approx(69, rel=0.05)
    assert 1 - volume[9] / volume[0] == pytest.approx(0.59, abs=0.01)


def test_right_ventricle_is_two_patches_that_must_be_welded(shared_dir):
    (mesh,) = bivme(shared_dir, "RV_ENDOCARDIAL", [0])
    assert mesh.n_points == 1956 and parts(mesh).max() == 1
    whole, kept = weld(mesh)
    assert whole.n_points == 1876 and len(kept) == 1876
    with pytest.raises(ValueError, match="orient"):
        enclosed_volume_ml(whole, cap=True)  # the septal patch is wound the other way round
    whole = orient(whole)
    assert sorted(len(loop) for loop in boundary_loops(whole)) == [32, 40]
    assert enclosed_volume_ml(whole, cap=True) == pytest.approx(winding_volume_ml(whole, 6.0), rel=0.02)


def test_stroke_volumes_of_the_two_ventricles_nearly_agree(shared_dir):
    right = bivme(shared_dir, "RV_ENDOCARDIAL", (0, 9))
    left = bivme(shared_dir, "LV_ENDOCARDIAL", (0, 9))
    whole, kept = weld(right[0])
    whole = orient(whole)
    rv = [enclosed_volume_ml(whole.with_points(mesh.points[kept]), cap=True) for mesh in right]
    lv = [enclosed_volume_ml(mesh, cap=True) for mesh in left]
    assert rv[0] - rv[1] == pytest.approx(lv[0] - lv[1], rel=0.1)


@pytest.mark.parametrize(("name", "n_points"), [("RV", 8528), ("LV", 22043)])
def test_mean_shapes_are_read(shared_dir, name, n_points):
    mesh = read_vtk(shared_dir / "data" / "shape_means" / f"{name}_ED_mean.vtk")
    assert mesh.n_points == n_points
    assert mesh.vertex_areas_mm2().sum() == pytest.approx(mesh.triangle_areas_mm2().sum())
    np.testing.assert_allclose(np.linalg.norm(mesh.vertex_normals(), axis=1).max(), 1)
