"""Legacy VTK files: the format of 4Dsegment, bivme and most cardiac mesh tools."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from cardiolib.files import atomic_path
from cardiolib.meshes.legacy_vtk import VtkSurface, read_legacy_vtk
from cardiolib.meshes.surface import REGION_NAMES, SurfaceMesh

_TITLE = "cardiolib surface; regions: "
_OURS = "cardiolib surface"
_SIMULATED = "SIMULATED "


def read_vtk(path: str | os.PathLike[str], *, region_names: tuple[str, ...] | None = None) -> SurfaceMesh:
    """Read a surface from a legacy VTK file, ASCII or binary, of any version up to 5.1.

    Parameters
    ----------
    path : path-like
    region_names : tuple of str, optional
        Names for the point data array "region"; by default those that `write_vtk` left in the file's
        title, else the names of `SurfaceMesh`.

    Returns
    -------
    SurfaceMesh
        Polygons are cut into triangles. Without a "region" array the mesh is one region, "surface".
        Points are kept in the file's order, so correspondence between files survives.

    Raises
    ------
    FileNotFoundError
    ValueError
        When the file holds no polygons, or not all that it declares, or more.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no mesh file {path}")
    first, title = _first_lines(path)
    simulated = title.startswith(_SIMULATED)
    title = title.removeprefix(_SIMULATED)
    if not first.startswith("# vtk DataFile"):
        raise ValueError(f"{path} is not a legacy VTK file: its first line is {first[:60]!r}")
    surface = read_legacy_vtk(path)
    triangles = _triangles(surface, path)
    if region_names is None and title.startswith(_TITLE):
        region_names = tuple(title.removeprefix(_TITLE).split(","))
    names = region_names or REGION_NAMES
    region = surface.point_arrays.get("region")
    if region is None and title.startswith(_TITLE):
        raise ValueError(
            f"{path}: its title names regions, but there is no array 'region' of them: the file is cut or damaged. "
            "Copy it again, or write it again."
        )
    if _OURS in title and not title.startswith(_TITLE):
        raise ValueError(f"{path}: its title {title!r} is damaged. Copy the file again, or write it again.")
    try:
        if region is None:
            return SurfaceMesh(surface.points, triangles, simulated=simulated)
        return SurfaceMesh(surface.points, triangles, region, names, simulated=simulated)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def vtk_says_simulated(path: str | os.PathLike[str]) -> bool:
    """Whether the title line of a VTK file says that no patient is behind it; only the first two lines are read."""
    return _first_lines(Path(path))[1].startswith(_SIMULATED)


def write_vtk(mesh: SurfaceMesh, path: str | os.PathLike[str], *, binary: bool = False) -> None:
    """Write a surface as legacy VTK 3.0 POLYDATA, which every VTK, IRTK and MIRTK reads.

    Parameters
    ----------
    mesh : SurfaceMesh
        Points are written as doubles (ASCII: the shortest text that reads back to the same number),
        the region of each point as point data "region".
    path : path-like
    binary : bool

    Raises
    ------
    ValueError
        When the region names do not fit the title line of 256 characters.
    """
    title = (_SIMULATED if mesh.simulated else "") + _TITLE + ",".join(mesh.region_names)
    if len(title) > 255 or any("," in name or "\n" in name for name in mesh.region_names):
        raise ValueError(f"region names go on one line of 255 characters, without commas: {mesh.region_names}")
    n, f = mesh.n_points, len(mesh.triangles)
    faces = np.column_stack([np.full(f, 3), mesh.triangles])
    blocks = (
        (f"DATASET POLYDATA\nPOINTS {n} double\n", mesh.points, ">f8"),
        (f"POLYGONS {f} {4 * f}\n", faces, ">i4"),
        (f"POINT_DATA {n}\nSCALARS region int 1\nLOOKUP_TABLE default\n", mesh.region[:, None], ">i4"),
    )
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(f"# vtk DataFile Version 3.0\n{title}\n{'BINARY' if binary else 'ASCII'}\n".encode())
        for header, array, kind in blocks:
            file.write(header.encode())
            if binary:
                file.write(array.astype(kind).tobytes() + b"\n")
            else:
                file.write("".join(" ".join(map(repr, row)) + "\n" for row in array.tolist()).encode())


def _triangles(surface: VtkSurface, path: Path) -> np.ndarray:
    """(F, 3) triangles of polygons and strips."""
    faces = {kind: surface.cells[kind] for kind in ("POLYGONS", "TRIANGLE_STRIPS") if kind in surface.cells}
    wanted = int(sum((np.diff(offsets) - 2).sum() for _, offsets in faces.values()))
    if not wanted:
        held = ", ".join(kind for kind, (_, offsets) in surface.cells.items() if len(offsets) > 1) or "points only"
        raise ValueError(f"{path}: holds no polygons, but {held}; a surface is POLYDATA with POLYGONS")
    for kind, (vertices, offsets) in faces.items():
        if np.diff(offsets).min(initial=3) < 3:
            raise ValueError(f"{path}: {kind}: a face has fewer than three vertices")
        if len(vertices) and not 0 <= vertices.min() <= vertices.max() < len(surface.points):
            raise ValueError(
                f"{path}: {kind} names vertices {vertices.min()} to {vertices.max()}, but there are "
                f"{len(surface.points)} points, counted from 0. Copy the file again, or write it again."
            )
    if list(faces) == ["POLYGONS"] and (np.diff(faces["POLYGONS"][1]) == 3).all():
        return faces["POLYGONS"][0].reshape(-1, 3)
    import pyvista as pv

    flat = {kind: np.insert(vertices, offsets[:-1], np.diff(offsets)) for kind, (vertices, offsets) in faces.items()}
    data = pv.PolyData(surface.points, faces=flat.get("POLYGONS"), strips=flat.get("TRIANGLE_STRIPS"))
    triangles = np.asarray(data.triangulate().faces).reshape(-1, 4)[:, 1:]
    if len(triangles) != wanted:
        raise ValueError(
            f"{path}: its polygons make {wanted} triangles, but only {len(triangles)} could be cut: polygons cross "
            "themselves or have no area. Write the surface with triangles."
        )
    return triangles


def _first_lines(path: Path) -> tuple[str, str]:
    with open(path, "rb") as file:
        return file.readline().decode("latin-1").strip(), file.readline().decode("latin-1").strip()
