"""The shape step of notebook 01: an example to look at, and its error where the true surface is known."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cardiolib.cohorts import Cohort
from cardiolib.imaging import read_label_map
from cardiolib.meshes import SurfaceMesh, extract_regions, surface_distance
from cardiolib.segmentation.segmented import SegmentedCohort
from cardiolib.shape.example_shape import ExampleShape, SurfaceErrors
from cardiolib.shape.refine import METHODS, SURFACES, RefinedShape, refine_shape

NO_TRUE_SURFACE = "Real hearts: nobody knows their true surfaces, so there is no error to report."
NO_SURFACE_FOUND = "In no scan were all structures found, so there is no surface to measure."


def example_shape(folder: Path, result: SegmentedCohort) -> ExampleShape:
    """The shape step at ED for the first scan in which all structures were found; scans trained on come last."""
    for subject_id, row in result.measures.loc[[*result.unseen, *result.trained_on]].iterrows():
        try:
            shape = refined_shape_of(folder, str(subject_id), frame=int(row["ed"]))
        except ValueError:
            continue
        return ExampleShape(str(subject_id), shape.surfaces)
    return ExampleShape(
        str(result.measures.index[0]),
        {},
        f"In none of the {len(result.measures)} scans were LV cavity, LV wall and RV cavity all found, so there is no "
        "shape to model. Train longer (more hearts or epochs: `n_training`, `epochs`) or look at the scans below.",
    )


def refined_shape_of(folder: Path, subject_id: str, *, frame: int, method: str = "model") -> RefinedShape:
    """The shape step applied to one stored segmentation."""
    return refine_shape(read_label_map(folder / subject_id / "label_sa.nii.gz", "ours"), frame=frame, method=method)


def surface_errors(cohort: Cohort, folder: Path, ids: list[str]) -> SurfaceErrors:
    """Distance between the refined ED surfaces and the true ones, for subjects of a simulated cohort.

    Returns
    -------
    SurfaceErrors
        All surfaces are open at the base, at slightly different heights; distances are taken in both directions. No
        row where a structure was not found.
    """
    rows = []
    known = "truth" in cohort.provides
    for subject_id in ids if known else []:
        frame = int(cohort.scan_truth(subject_id)["ed_frame"])
        truths = true_surfaces(cohort, subject_id)
        for method in METHODS:
            try:
                refined = refined_shape_of(folder, subject_id, frame=frame, method=method)
            except ValueError:  # a structure was not found: there is no surface to measure
                continue
            for name, truth in truths.items():
                distance = surface_distance(refined.surfaces[name], truth, spacing_mm=2.0)
                rows.append(
                    {
                        "ID": subject_id,
                        "method": method,
                        "surface": name,
                        "assd_mm": distance.assd_mm,
                        "hd95_mm": distance.hd95_mm,
                    }
                )
    missing = NO_SURFACE_FOUND if known else NO_TRUE_SURFACE
    table = pd.DataFrame(rows, columns=["ID", "method", "surface", "assd_mm", "hd95_mm"])
    return SurfaceErrors(table, lacks="" if rows else missing)


def true_surfaces(cohort: Cohort, subject_id: str, *, t: float = 0.0) -> dict[str, SurfaceMesh]:
    """True surfaces of a simulated subject in the world space of its image, by the names of `SURFACES`."""
    mesh = cohort.heart(subject_id).surface(t)
    to_world = cohort.scan_truth(subject_id)["heart_to_world"]
    placed = mesh.with_points(mesh.points @ to_world[:3, :3].T + to_world[:3, 3])
    return {name: extract_regions(placed, *names)[0] for name, names in SURFACES.items()}
