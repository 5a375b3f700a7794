"""The shape step on real hearts: how well does it know a slice that it was not shown?

``python -m benchmarks.shape_acdc``. ACDC's own labels at end-systole, one middle slice taken out; the shape step is run
on the rest, and the contours of the missing slice are measured against its surfaces. Breath-hold shifts come from
end-diastole, where no slice is missing, and are undone in the contours too. On the 20 patients whose number is
divisible by 5; settings were chosen on others.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import Unavailable, record
from cardiolib.cohorts import open_cohort
from cardiolib.imaging import LabelMap, world_from_voxel
from cardiolib.meshes import distance_to_surface
from cardiolib.shape import contour_points, refine_shape
from cardiolib.shape.refine import METHODS

ROOT = Path(__file__).resolve().parents[1]
CONTOURS = {"lv_endo": ("lv_cavity",), "lv_epi": ("lv_cavity", "lv_wall"), "rv_endo": ("rv_cavity",)}


def measure() -> list[dict[str, Any]]:
    """Rows ``shape.acdc.left_out_mm.<method>``: mean over three contours and the patients, mm."""
    data = Path(os.environ.get("CARDIOLIB_ACDC", ROOT.parent / "shared" / "data" / "acdc" / "training"))
    if not data.is_dir():
        raise Unavailable(f"no ACDC training set at {data}; give its folder in CARDIOLIB_ACDC")
    cohort = open_cohort(data)
    errors: dict[str, list[list[float]]] = {method: [] for method in METHODS}
    for subject_id in (i for i in cohort.ids if int(i[-3:]) % 5 == 0):
        labels, _ = cohort.labels(subject_id)
        for method in METHODS:
            errors[method].append(_left_out_mm(labels, method))
    rows = []
    for method, values in errors.items():
        by_contour = dict(zip(CONTOURS, np.nanmean(values, axis=0), strict=True))
        detail = ", ".join(f"{name} {value:.2f}" for name, value in by_contour.items())
        rows.append(
            {
                "id": f"shape.acdc.left_out_mm.{method}",
                "value": round(float(np.nanmean(values)), 3),
                "unit": "mm",
                "reach": 2.0,
                "aim": 1.3,
                "better": "lower",
                "how": f"contours of a middle ES slice that was left out, {len(values)} patients; {detail}",
            }
        )
    return rows


def _left_out_mm(labels: LabelMap, method: str) -> list[float]:
    es = int(labels.volume_ml("lv_cavity").argmin())
    held = np.flatnonzero(labels.mask("lv_cavity")[..., es].any(axis=(0, 1)))
    middle = int(held[len(held) // 2])
    cut = labels.labels.copy()
    cut[:, :, middle, es] = 0
    shape = refine_shape(LabelMap(cut, labels.affine, labels.scheme), frame=es, method=method)
    in_plane = labels.affine[:3, :2] / labels.spacing_mm[:2]
    errors = []
    for contour, structures in CONTOURS.items():
        mask = np.any([labels.mask(name)[..., es] for name in structures], axis=0)
        voxels = contour_points(mask)
        points = world_from_voxel(labels.affine, voxels[voxels[:, 2] == middle])
        points = points - in_plane @ shape.slice_shift_mm[middle]
        errors.append(
            float(np.abs(distance_to_surface(points, shape.surfaces[contour])).mean()) if len(points) else np.nan
        )
    return errors


if __name__ == "__main__":
    record("shape_acdc", measure())
