"""Template to subject: the same vertex on the same anatomical point of every heart at end-diastole.

The shape model of the segmentation layer is fitted to the labels (landmarks, then pose, then the modes in which hearts
differ, then a smooth displacement): its vertices are those of the template, and the modes carry them along as
corresponding points of the hearts that it was learnt from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cardiolib.imaging import LabelMap
from cardiolib.meshes import SurfaceMesh, template_mesh
from cardiolib.motion.heart_frame import kabsch
from cardiolib.motion.quality import edge_ratios, flipped_fraction
from cardiolib.shape import ShapeFitSettings, fit_shape


@dataclass(frozen=True, eq=False)
class FittedTemplate:
    """The template on a subject.

    Attributes
    ----------
    mesh : SurfaceMesh
        Template topology, world mm, at end-diastole.
    distance_mm : dict of str to float
        Mean distance of the labels' contours to the surface: lv_endo, lv_epi, rv_endo.
    edge_ratio : (2,) float
        1st and 99th percentile of fitted edge length / edge length in the template, after a common scale: how much
        the fit stretched neighbours apart.
    flipped : float
        Share of triangles turned over by the fit.
    mirrored : bool
        The image's world is a mirror image of the body, see `cardiolib.segmentation.FittedShape`.
    """

    mesh: SurfaceMesh
    distance_mm: dict[str, float]
    edge_ratio: tuple[float, float]
    flipped: float
    mirrored: bool = False

    @property
    def mean_distance_mm(self) -> float:
        """Mean over the contours."""
        return float(np.mean(list(self.distance_mm.values())))


def fit_template(
    labels: LabelMap,
    *,
    frame: int = 0,
    slice_shift_mm: np.ndarray | None = None,
    settings: ShapeFitSettings | None = None,
) -> FittedTemplate:
    """Fit the digital heart's template to a segmented heart.

    Parameters
    ----------
    labels : LabelMap
        Any scheme with lv_cavity, lv_wall and rv_cavity.
    frame : int
        End-diastole.
    slice_shift_mm : (K, 2) array, optional
        In-plane shifts to undo, as the tracker found them; none by default.
    settings : ShapeFitSettings, optional

    Raises
    ------
    ValueError
        When a structure is missing, or the landmarks that fix the pose cannot be placed.
    """
    shift = np.zeros((labels.shape[2], 2)) if slice_shift_mm is None else slice_shift_mm
    fit = fit_shape(labels, frame=frame, slice_shift_mm=shift, settings=settings)
    template = template_mesh()
    rotation, translation = kabsch(template.points, fit.mesh.points, mirrored=fit.mirrored)
    placed = fit.mesh.with_points(template.points @ rotation.T + translation)
    ratio = edge_ratios(placed, fit.mesh.points)
    low, high = np.percentile(ratio / np.median(ratio), (1, 99))
    return FittedTemplate(
        fit.mesh,
        fit.residual_mm,
        (float(low), float(high)),
        flipped_fraction(placed, fit.mesh.points),
        fit.mirrored,
    )
