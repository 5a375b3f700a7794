"""Legacy VTK is read to its last byte; VTK's own reader is the second opinion on whole files."""

from __future__ import annotations

import numpy as np
import pytest
import pyvista as pv

from cardiolib.meshes import SurfaceMesh, read_vtk, write_vtk

MESH = SurfaceMesh(
    np.random.default_rng(4).normal(scale=30, size=(12, 3)),
    np.array([[i, i + 1, i + 2] for i in range(10)]),
    np.arange(12) % 2,
    ("endo", "epi"),
)


def same(one: SurfaceMesh, other: SurfaceMesh) -> bool:
    pairs = ((one.points, other.points), (one.triangles, other.triangles), (one.region, other.region))
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.field_fault("K1")
@pytest.mark.parametrize("binary", [False, True])
def test_a_file_that_was_cut_is_refused_wherever(tmp_path, binary):
    path = tmp_path / "RV_fr03.vtk"
    write_vtk(MESH, path, binary=binary)
    data = path.read_bytes()
    for size in range(0, len(data) - 1, 3):
        path.write_bytes(data[:size])
        with pytest.raises(ValueError) as caught:
            read_vtk(path)
        assert str(path) in str(caught.value)


def test_no_byte_can_be_put_into_or_taken_out_of_the_numbers_of_a_binary_file(tmp_path):
    path = tmp_path / "a.vtk"
    write_vtk(MESH, path, binary=True)
    data = path.read_bytes()
    begin = data.index(b"double\n") + 7
    for place in range(begin, len(data) - 1, 2):
        for damaged in (data[:place] + b"\n" + data[place:], data[:place] + data[place + 1 :]):
            path.write_bytes(damaged)
            try:
                assert same(read_vtk(path), MESH)
            except ValueError as error:
                assert str(path) in str(error)


@pytest.mark.field_fault("K1")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("POINTS 4 ", "POINTS 5 ", "POINTS: (among 15 numbers|15 numbers are declared)"),
        ("POINTS 4 ", "POINTS 3 ", "a keyword of VTK is expected, found"),
        ("POINTS 4 ", "POINTS x ", "POINTS: a count is expected, found 'X'"),
        ("POLYGONS 2 8", "POLYGONS 3 8", "POLYGONS: 3 cells of 8 numbers"),
        ("3 0 2 3", "3 0 2 9", "POLYGONS names vertices 0 to 9, but there are 4 points"),
        ("3 0 2 3", "3 0 2 2", "name a vertex twice"),
        ("1 1 0", "1 1.1.0 0", "POINTS: among 12 numbers stands something else"),
        ("1 1 0", "1 nan 0", "not finite"),
        ("POINT_DATA 4", "POINT_DATA 3", "POINT_DATA is about 3, but the file holds 4"),
        ("double", "dou8le", "no type of VTK"),
        ("0 0 1 1", "0 0 1", "SCALARS region: 4 numbers are declared, but the file holds 3"),
        ("0 0 1 1", "0 0 1 1 0", "a keyword of VTK is expected, found '0'"),
        ("ASCII", "ASKII", "third line must say ASCII or BINARY"),
    ],
)
def test_what_does_not_fit_its_count_is_refused(tmp_path, old, new, message):
    text = (
        "# vtk DataFile Version 3.0\ntitle\nASCII\nDATASET POLYDATA\nPOINTS 4 double\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n"
        "POLYGONS 2 8\n3 0 1 2\n3 0 2 3\nPOINT_DATA 4\nSCALARS region int 1\nLOOKUP_TABLE default\n0 0 1 1\n"
    )
    path = tmp_path / "a.vtk"
    path.write_text(text)
    assert read_vtk(path).n_points == 4
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=message) as caught:
        read_vtk(path)
    assert str(path) in str(caught.value)


@pytest.mark.field_fault("K1")
@pytest.mark.parametrize("kind", ["VERTICES", "LINES"])
def test_a_file_without_faces_is_no_surface(tmp_path, kind):
    path = tmp_path / "a.vtk"
    path.write_text(
        f"# vtk DataFile Version 3.0\ntitle\nASCII\nDATASET POLYDATA\nPOINTS 2 float\n0 0 0 1 0 0\n{kind} 1 3\n2 0 1\n"
    )
    with pytest.raises(ValueError, match=f"a.vtk: holds no polygons, but {kind}"):
        read_vtk(path)


def test_a_polygon_of_two_points_is_refused(tmp_path):
    path = tmp_path / "a.vtk"
    head = "# vtk DataFile Version 3.0\ntitle\nASCII\nDATASET POLYDATA\nPOINTS 3 float\n0 0 0 1 0 0 0 1 0\n"
    path.write_text(head + "POLYGONS 2 7\n3 0 1 2\n2 0 1\n")
    with pytest.raises(ValueError, match="a face has fewer than three vertices"):
        read_vtk(path)


@pytest.mark.parametrize("binary", [False, True])
def test_files_of_vtk_are_read_as_vtk_reads_them(tmp_path, binary):
    path = tmp_path / "a.vtk"
    ball = pv.Sphere(theta_resolution=8, phi_resolution=6)
    strips = ball.strip()
    ball["two words"] = np.arange(ball.n_points, dtype=float)
    ball.cell_data["number"] = np.arange(ball.n_cells)
    ball.field_data["who"] = np.array(["a b", "", "c"])
    for surface in (ball, ball.compute_normals(), strips, pv.Cube()):
        surface.save(path, binary=binary)
        again = pv.read(path).triangulate()
        mesh = read_vtk(path)
        np.testing.assert_array_equal(mesh.points, np.asarray(again.points, float))
        np.testing.assert_array_equal(mesh.triangles, np.asarray(again.faces).reshape(-1, 4)[:, 1:])


def test_words_in_small_letters_and_windows_line_ends(tmp_path):
    path = tmp_path / "a.vtk"
    write_vtk(MESH, path)
    text = path.read_text().replace("POINTS", "points").replace("POLYDATA", "polydata")
    path.write_bytes(text.replace("\n", "\r\n").encode())
    assert same(read_vtk(path), MESH)
