"""Legacy VTK in and out."""

import numpy as np
import pytest
import pyvista as pv

from cardiolib.meshes import SurfaceMesh, read_vtk, write_vtk

RNG = np.random.default_rng(4)
POINTS = RNG.normal(scale=40, size=(6, 3))
FACES = np.array([[0, 1, 2], [2, 3, 4], [4, 5, 0], [0, 2, 4]])
REGION = np.array([0, 1, 2, 3, 0, 1])


@pytest.mark.parametrize("binary", [False, True])
def test_round_trip_is_exact(tmp_path, binary):
    mesh = SurfaceMesh(POINTS, FACES, REGION)
    write_vtk(mesh, tmp_path / "a.vtk", binary=binary)
    again = read_vtk(tmp_path / "a.vtk")
    np.testing.assert_array_equal(again.points, POINTS)
    np.testing.assert_array_equal(again.triangles, FACES)
    np.testing.assert_array_equal(again.region, REGION)
    assert again.region_names == mesh.region_names


def test_own_region_names_travel_in_the_title(tmp_path):
    mesh = SurfaceMesh(POINTS, FACES, np.zeros(6), ("rv",))
    write_vtk(mesh, tmp_path / "a.vtk")
    assert read_vtk(tmp_path / "a.vtk").region_names == ("rv",)
    assert read_vtk(tmp_path / "a.vtk", region_names=("x", "y")).region_names == ("x", "y")
    with pytest.raises(ValueError, match="commas"):
        write_vtk(SurfaceMesh(POINTS, FACES, np.zeros(6), ("a,b",)), tmp_path / "b.vtk")


def test_file_is_version_3_which_old_tools_read(tmp_path):
    write_vtk(SurfaceMesh(POINTS, FACES), tmp_path / "a.vtk")
    lines = (tmp_path / "a.vtk").read_text().splitlines()
    assert lines[0] == "# vtk DataFile Version 3.0" and lines[2:5] == ["ASCII", "DATASET POLYDATA", "POINTS 6 double"]
    assert "POLYGONS 4 16" in lines


@pytest.mark.parametrize("binary", [False, True])
def test_files_of_other_writers_are_read_in_their_order(tmp_path, binary):
    data = pv.PolyData(POINTS, np.array([4, 0, 1, 2, 3, 3, 3, 4, 5]))
    data.save(tmp_path / "a.vtk", binary=binary)
    mesh = read_vtk(tmp_path / "a.vtk")
    np.testing.assert_allclose(mesh.points, POINTS, atol=1e-8)  # VTK writes ten digits
    assert len(mesh.triangles) == 3 and mesh.region_names == ("surface",)


def test_what_is_no_surface_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.vtk"):
        read_vtk(tmp_path / "none.vtk")
    (tmp_path / "text.vtk").write_text("hello\n")
    with pytest.raises(ValueError, match="hello"):
        read_vtk(tmp_path / "text.vtk")
    pv.ImageData(dimensions=(2, 2, 2)).save(tmp_path / "grid.vtk")
    with pytest.raises(ValueError, match="polygons"):
        read_vtk(tmp_path / "grid.vtk")
