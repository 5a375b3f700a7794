"""The shape step: from thick, shifted slices to a smooth high-resolution model of both ventricles.

In the original pipeline (4Dsegment) atlases are placed by landmarks, registered to the labels and fused. Here a
statistical shape model does that work (`shape_model`, `shape_fit`): it knows how hearts go on between slices, above the
last and below the first one, and so it also finds the breath-hold shifts and outvotes a slice that was labelled
wrongly. Beside it stands plain interpolation between slices (`shape_interpolation`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cardiolib.imaging import OURS, LabelMap, voxel_from_world
from cardiolib.meshes import SurfaceMesh, boundary_loops, enclosed_volume_ml, extract_regions
from cardiolib.printed import as_html
from cardiolib.shape.fit import FittedShape, fit_shape
from cardiolib.shape.interpolation import FineGrid, interpolated_shape, nested_labels

METHODS = ("model", "interpolation")

SURFACES = {"lv_endo": ("lv_endo",), "lv_epi": ("lv_epi",), "rv_endo": ("rv_free", "rv_septum")}
"""Surface -> regions of the template that make it up."""


@dataclass(frozen=True, eq=False, repr=False)
class RefinedShape:
    """A heart at one phase.

    Attributes
    ----------
    labels : LabelMap
        One frame, OURS scheme, on the fine grid (with its own affine).
    surfaces : dict of str to SurfaceMesh
        "lv_endo", "lv_epi", "rv_endo" and, when the wall is labelled, "rv_epi": world mm, normals outwards,
        open at the base. The right ventricle's points are told apart as "rv_free" and "rv_septum".
    slice_shift_mm : (K, 2) array
        In-plane displacement of each slice along the I and J axes that was found and undone.
    fit : FittedShape or None
        The fitted model, with how far the labels' contours are from it; None for interpolation.
    """

    labels: LabelMap
    surfaces: dict[str, SurfaceMesh]
    slice_shift_mm: np.ndarray
    fit: FittedShape | None = None

    def __repr__(self) -> str:
        surfaces = ", ".join(f"{name} ({mesh.n_points:,} points)" for name, mesh in self.surfaces.items())
        shift = np.linalg.norm(self.slice_shift_mm, axis=1).max()
        lines = [f"RefinedShape: {surfaces}", f"slices moved by up to {shift:.1f} mm", repr(self.labels)]
        if self.fit is not None:
            lines.insert(2, "mean distance " + ", ".join(f"{k} {v:.2f} mm" for k, v in self.fit.residual_mm.items()))
        return "\n  ".join(lines)

    def _repr_html_(self) -> str:
        return as_html(repr(self))


def refine_shape(
    label_map: LabelMap,
    *,
    frame: int = 0,
    spacing_mm: tuple[float, float, float] = (1.25, 1.25, 2.0),
    method: str = "model",
) -> RefinedShape:
    """Reconstruct a smooth heart from one frame of a label map.

    Parameters
    ----------
    label_map : LabelMap
        Any scheme that names lv_cavity, lv_wall and rv_cavity; K is the slice axis.
    frame : int
    spacing_mm : (3,) float
        Of the fine grid, along I, J, K.
    method : {"model", "interpolation"}
        Fit the shape model, or join the contours of the slices. Breath-hold shifts are the same in all frames; both
        read them off the frame with the largest LV.

    Raises
    ------
    ValueError
        When LV cavity, LV wall or RV cavity is present in fewer than two slices, or (model) the landmarks that fix
        the first pose cannot be placed.

    Examples
    --------
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> scan = cl.acquire(cl.DigitalHeart(), phases=[0.0], rng=np.random.default_rng(1))
    >>> shape = cl.refine_shape(scan.labels, spacing_mm=(2.5, 2.5, 4))
    >>> sorted(shape.surfaces), shape.labels.spacing_mm.round(2)
    (['lv_endo', 'lv_epi', 'rv_endo', 'rv_epi'], array([2.5, 2.5, 4. ]))
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; given {method!r}")
    if method == "interpolation":
        return RefinedShape(*interpolated_shape(label_map, frame=frame, spacing_mm=spacing_mm))
    fit = _fit_frame(label_map, frame)
    surfaces = {name: extract_regions(fit.mesh, *regions)[0] for name, regions in SURFACES.items()}
    if "rv_wall" in label_map.scheme.codes and label_map.mask("rv_wall")[..., frame].any():
        surfaces["rv_epi"] = _right_epicardium(label_map, frame, surfaces["rv_endo"])
    fine = FineGrid.around(label_map.frame(frame) > 0, native_mm=label_map.spacing_mm, spacing_mm=np.array(spacing_mm))
    affine = label_map.affine @ fine.native_from_fine()
    inside = {name: _enclosed(mesh, affine, fine.shape) for name, mesh in surfaces.items()}
    fine_labels = LabelMap(nested_labels(inside), affine, OURS, simulated=label_map.simulated)
    return RefinedShape(fine_labels, surfaces, fit.slice_shift_mm, fit)


def _fit_frame(label_map: LabelMap, frame: int) -> FittedShape:
    """The model on one frame, with the slice shifts of the frame with the largest LV where that can be fitted."""
    largest = int(label_map.volume_ml("lv_cavity").argmax())
    if frame == largest:
        return fit_shape(label_map, frame=frame)
    try:
        shift_mm = fit_shape(label_map, frame=largest).slice_shift_mm
    except ValueError:  # that frame has no right ventricle, say: this one then speaks for itself
        shift_mm = None
    return fit_shape(label_map, frame=frame, slice_shift_mm=shift_mm)


def _right_epicardium(label_map: LabelMap, frame: int, endocardium: SurfaceMesh) -> SurfaceMesh:
    """The free wall moved outwards so far that it holds the labelled volume: pixels are too coarse to tell the wall's
    thickness from place to place."""
    outwards = endocardium.vertex_normals() * endocardium.region_mask("rv_free")[:, None]
    inner_ml = enclosed_volume_ml(endocardium, cap=True)
    wall_ml = float(label_map.volume_ml("rv_wall")[frame])
    thickness_mm = 2.0
    for _ in range(4):  # the volume grows nearly in proportion
        moved = endocardium.with_points(endocardium.points + thickness_mm * outwards)
        thickness_mm *= wall_ml / max(enclosed_volume_ml(moved, cap=True) - inner_ml, 1e-6)
    return endocardium.with_points(endocardium.points + thickness_mm * outwards)


def _enclosed(mesh: SurfaceMesh, affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Which voxels' centres lie inside a surface whose opening at the base is closed by a lid."""
    import pyvista as pv

    points, triangles = voxel_from_world(affine, mesh.points), mesh.triangles
    for loop in boundary_loops(mesh):
        lid = np.column_stack([np.roll(loop, -1), loop, np.full(len(loop), len(points))])
        points = np.concatenate([points, points[loop].mean(axis=0, keepdims=True)])
        triangles = np.concatenate([triangles, lid])
    surface = pv.PolyData(points, np.column_stack([np.full(len(triangles), 3), triangles]))
    mask = surface.voxelize_binary_mask(reference_volume=pv.ImageData(dimensions=shape))
    return np.asarray(mask["mask"]).reshape(shape, order="F").astype(bool)
