"""Whole sequences of vertices in folders, as 4Dsegment writes them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from cardiolib.files import mark_simulated
from cardiolib.meshes.surface import SurfaceMesh
from cardiolib.meshes.text_files import read_points_txt, refuse_cut_frames, write_points_txt
from cardiolib.meshes.vtk_files import read_vtk, write_vtk

N_FRAMES = 20
FORMATS = ("txt", "vtk")


def frame_name(prefix: str, frame: int, file_format: str) -> str:
    """Name of one frame's file: ``RV_fr07.txt``; with an empty prefix ``fr07.txt``."""
    return f"{prefix}_fr{frame:02d}.{file_format}" if prefix else f"fr{frame:02d}.{file_format}"


def read_motion_folder(
    folder: str | os.PathLike[str],
    *,
    prefix: str = "RV",
    file_format: str | None = None,
    n_frames: int = N_FRAMES,
) -> np.ndarray:
    """Read the positions of the same vertices in every frame.

    Parameters
    ----------
    folder : path-like
        For example ``<ID>/motion``.
    prefix : str
        ``RV``, ``LV_endo``, ``LV_epi``, or "" for the layout ``rv/txt/fr00.txt``.
    file_format : {"txt", "vtk"}, optional
        By default whichever the folder has for all frames, text first.
    n_frames : int
        So many frames, numbered from 00, must be there, no more and no fewer.

    Returns
    -------
    (T, V, 3) float64 array
        mm.

    Raises
    ------
    FileNotFoundError
        When the folder or some frames are missing; the message names them.
    ValueError
        When there are more frames than asked for, or frames have unequal numbers of vertices.

    Examples
    --------
    >>> import tempfile
    >>> from cardiolib.meshes import MATCHED_VERTICES, template_mesh
    >>> positions = np.repeat(template_mesh().points[None, MATCHED_VERTICES], 20, axis=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_motion_folder(positions, folder, simulated=True)
    ...     read_motion_folder(folder).shape
    (20, 202, 3)
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no motion folder {folder}")
    formats = FORMATS if file_format is None else (file_format,)
    _check_formats(formats)
    kind = _complete_format(folder, prefix, formats, n_frames)
    read = read_points_txt if kind == "txt" else lambda path: read_vtk(path).points
    files = [folder / frame_name(prefix, frame, kind) for frame in range(n_frames)]
    refuse_cut_frames(files)
    frames = [read(file) for file in files]
    counts = [len(points) for points in frames]
    if len(set(counts)) > 1:
        usual = max(set(counts), key=counts.count)
        odd = [f"{frame_name(prefix, t, kind)} ({n})" for t, n in enumerate(counts) if n != usual]
        raise ValueError(f"{folder}: frames have {usual} vertices, but not {', '.join(odd)}")
    return np.stack(frames)


def write_motion_folder(
    positions: np.ndarray,
    folder: str | os.PathLike[str],
    *,
    prefix: str = "RV",
    formats: tuple[str, ...] = ("txt",),
    mesh: SurfaceMesh | None = None,
    binary: bool = False,
    simulated: bool = False,
) -> None:
    """Write one file a frame: RV_fr00.txt, RV_fr01.txt, ...

    Parameters
    ----------
    positions : (T, V, 3) array
        mm; at most 100 frames.
    folder : path-like
        Created when absent.
    prefix : str
    formats : tuple of {"txt", "vtk"}
    mesh : SurfaceMesh, optional
        Triangles and regions of the V vertices; needed for "vtk".
    binary : bool
        VTK files in binary: a third of the size.
    simulated : bool
        No patient is behind them. Every VTK file then says so, and ``simulated.json`` in the folder says it of the text
        files, whose format has no room for a word (`cardiolib.files.marked_simulated` reads it).
    """
    positions = np.asarray(positions, float)
    if positions.ndim != 3 or positions.shape[2] != 3 or not 1 <= len(positions) <= 100:
        raise ValueError(f"positions is a (T, V, 3) array in mm of 1 to 100 frames; given {positions.shape}")
    _check_formats(formats)
    if "vtk" in formats and mesh is None:
        raise ValueError("VTK files need the triangles: pass mesh=")
    if mesh is not None:
        mesh = replace(mesh, simulated=simulated)
    Path(folder).mkdir(parents=True, exist_ok=True)
    mark_simulated(folder, simulated)
    for t, points in enumerate(positions):
        if "txt" in formats:
            write_points_txt(points, Path(folder) / frame_name(prefix, t, "txt"))
        if "vtk" in formats and mesh is not None:
            write_vtk(mesh.with_points(points), Path(folder) / frame_name(prefix, t, "vtk"), binary=binary)


def _check_formats(formats: tuple[str, ...]) -> None:
    if isinstance(formats, str) or not formats or set(formats) - set(FORMATS):
        raise ValueError(f"formats come from {FORMATS}; given {formats!r}")


def _complete_format(folder: Path, prefix: str, formats: tuple[str, ...], n_frames: int) -> str:
    """The first format that has every frame and no more; otherwise an error that names the frames."""
    wanted = {kind: [frame_name(prefix, frame, kind) for frame in range(n_frames)] for kind in formats}
    missing = {kind: [name for name in wanted[kind] if not (folder / name).is_file()] for kind in formats}
    kind = min(formats, key=lambda kind: len(missing[kind]))
    if missing[kind]:
        lacking = ", ".join(missing[kind])
        raise FileNotFoundError(f"{folder} lacks {len(missing[kind])} of {n_frames} frames: {lacking}")
    pattern = frame_name(prefix, 0, kind).replace("fr00", "fr[0-9][0-9]")
    more = sorted({path.name for path in folder.glob(pattern)} - set(wanted[kind]))
    if more:
        raise ValueError(f"{folder} has more than the {n_frames} frames asked for: {', '.join(more)}")
    return kind
