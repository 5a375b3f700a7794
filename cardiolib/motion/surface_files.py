"""Tracked subjects as VTK surfaces, one file a phase, named as 4Dsegment names them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from cardiolib.meshes import (
    MATCHED_VERTICES,
    SurfaceMesh,
    decimated_mesh,
    extract_regions,
    frame_name,
    template_mesh,
    write_motion_folder,
)

MESHES = ("none", "rv", "all")
WHOLE = {"LV_endo": ("lv_endo",), "LV_epi": ("lv_epi",), "RV_endo": ("rv_free", "rv_septum")}
"""Surfaces of the whole template: prefix of their files, and regions. "RV" alone are the 202 vertices."""


def write_surfaces(
    template_positions: np.ndarray, folder: str | os.PathLike[str], *, meshes: str = "rv", simulated: bool = False
) -> tuple[str, ...]:
    """Write the surfaces of one subject in every phase as binary VTK (readable by ParaView, PyVista, MIRTK).

    Parameters
    ----------
    template_positions : (T, V, 3) array
        The whole template, world mm.
    folder : path-like
        Usually ``<ID>/motion``. Every file is written whole or not at all.
    meshes : {"rv", "all", "none"}
        "rv": ``RV_fr00.vtk``, ``RV_fr01.vtk``, ...: the 202 vertices of the survival network with triangles, vertex for
        vertex those of ``RV_fr00.txt``; 0.24 MB for 20 phases. "all" (4.6 MB) adds the template's surfaces with all
        their vertices: ``LV_endo_fr00.vtk`` and ``LV_epi_fr00.vtk`` (961 each) and ``RV_endo_fr00.vtk`` (1,761).
    simulated : bool
        No patient is behind them: every file says so (`write_motion_folder`).

    Returns
    -------
    tuple of str
        Prefixes of the surfaces that were written.

    Raises
    ------
    ValueError
        For another choice, other points than the template's, or positions that are not finite.
    """
    surfaces = _surfaces(meshes)
    positions = np.asarray(template_positions, float)
    if positions.ndim != 3 or positions.shape[1:] != (template_mesh().n_points, 3):
        raise ValueError(f"positions has the axes (T, {template_mesh().n_points}, 3); given {positions.shape}")
    for prefix, (mesh, index) in surfaces.items():
        write_motion_folder(
            positions[:, index], folder, prefix=prefix, formats=("vtk",), mesh=mesh, binary=True, simulated=simulated
        )
    return tuple(surfaces)


def surfaces_written(folder: str | os.PathLike[str], n_phases: int, *, meshes: str = "rv") -> bool:
    """Whether `write_surfaces` has been through: the last phase of every surface is there."""
    return all((Path(folder) / frame_name(prefix, n_phases - 1, "vtk")).is_file() for prefix in _surfaces(meshes))


def _surfaces(meshes: str) -> dict[str, tuple[SurfaceMesh, np.ndarray]]:
    """Prefix to triangles and rows in the template."""
    if meshes not in MESHES:
        raise ValueError(f"meshes must be one of {', '.join(MESHES)}; given {meshes!r}")
    template = template_mesh()
    small = {"RV": (decimated_mesh(template.points[MATCHED_VERTICES]), MATCHED_VERTICES)}
    whole = {prefix: extract_regions(template, *regions) for prefix, regions in WHOLE.items()}
    return {"none": {}, "rv": small, "all": small | whole}[meshes]
