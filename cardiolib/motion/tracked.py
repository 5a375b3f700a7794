"""A tracked cohort: its motion by region, its errors against the truth, its function over the cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cardiolib.cohorts import Cohort
from cardiolib.cohorts.motion_matrix import N_PHASES, from_matrix
from cardiolib.meshes import MATCHED_VERTICES, decimated_mesh, template_mesh
from cardiolib.motion.curvature import CAVITIES, cavity_volumes_ml, septal_curvature, wall_curvature
from cardiolib.motion.evaluation import endpoint_errors
from cardiolib.motion.examples import HeartFunction
from cardiolib.motion.indices import mitral_excursion_mm, mitral_indices, right_ventricular_indices
from cardiolib.motion.strain import KINDS, eccentricity, strain_curves, strain_summary
from cardiolib.motion.subjects import TrackedSubject
from cardiolib.verdicts import verdict_sentence

TRACKING, CHAIN, IMAGES_ALONE = "tracking alone", "template fit and tracking", "tracking without the population"
SAME_SCANS = "tracking alone, the same scans"
NO_TRUTH = "Real hearts: nobody knows where each piece of muscle went, so there is no error to report."
REGION_LABELS = {
    "lv_endo": "LV endocardium",
    "lv_epi": "LV epicardium",
    "rv_free": "RV free wall",
    "rv_septum": "septum",
}


@dataclass(frozen=True, eq=False)
class TrackedCohort:
    """Tracked subjects and the verdict on each.

    Attributes
    ----------
    subjects : list of TrackedSubject
    quality : DataFrame
        Index ID: ok, flags, reasons, measures; segmentation and segmentation_reasons where the quality gate's verdict
        on the labels is known.
    """

    subjects: list[TrackedSubject]
    quality: pd.DataFrame

    @property
    def usable(self) -> list[TrackedSubject]:
        """Those whose tracking came to an end, flagged or not."""
        return [one for one in self.subjects if one.is_tracked]

    @property
    def remarks(self) -> list[str]:
        """Who was flagged and why, a sentence each; one sentence where nobody was. Last, what the quality gate said of
        the segmentations, where that is known."""
        flagged = self.quality.query("not ok")["reasons"]
        told = [f"{name}: {why}" for name, why in flagged.items()] or ["No subject was flagged."]
        if "segmentation" in self.quality:
            told.append(verdict_sentence(self.quality["segmentation"], of="subjects"))
        return told

    @property
    def ejection_fractions(self) -> pd.DataFrame:
        """In percent, of the labels given to the tracker and of the tracked mesh in the same slices (index ID)."""
        columns = {
            f"{side.upper()}, {of}": self.quality.get(f"ef_{of}_{side}_cavity_pct", np.nan)
            for side in CAVITIES
            for of in ("labels", "mesh")
        }
        return pd.DataFrame(columns, index=self.quality.index).assign(ok=self.quality["ok"])


@dataclass(frozen=True, eq=False)
class CohortMotion:
    """The cohort's motion.

    Attributes
    ----------
    ids : (N,) tuple of str
    X : (N, D) array
        Displacement from ED in mm, heart axes; D = 11,514 for 20 phases of 202 vertices.
    n_phases : int
    source : str
        In words: truth or tracked, and what was left out.
    """

    ids: tuple[str, ...]
    X: np.ndarray
    n_phases: int
    source: str

    def displacement_mm(self) -> np.ndarray:
        """(N, T, V) distance of every point from where it was at ED."""
        return np.linalg.norm(from_matrix(self.X, n_phases=self.n_phases), axis=-1)

    @property
    def by_region(self) -> pd.DataFrame:
        """Displacement by region and phase, see `regional_displacement`."""
        return regional_displacement(self)


@dataclass(frozen=True, eq=False)
class TrackingErrors:
    """Distance between tracked and true points.

    Attributes
    ----------
    table : DataFrame
        ID, error (`TRACKING`, `CHAIN` or `IMAGES_ALONE`), region, phase, error_mm, zero_motion_mm and the
        components longitudinal_mm, circumferential_mm, radial_mm; no rows where the truth is not known.
    """

    table: pd.DataFrame

    @property
    def lacks(self) -> str:
        """Why there is no error to report; empty where there is one."""
        return "" if len(self.table) else NO_TRUTH

    @property
    def tracking_alone(self) -> pd.DataFrame:
        """The rows of tracking alone: true points at ED, moved by the tracker."""
        return self.table[self.table["error"] == TRACKING]

    @property
    def at_end_systole(self) -> pd.DataFrame:
        """The rows of each subject's end-systole: the frame where the true motion is largest."""
        if self.lacks:
            return self.table
        mean = self.table.groupby(["ID", "frame"])["zero_motion_mm"].mean()
        frames = mean.groupby(level="ID").idxmax()
        return self.table.set_index(["ID", "frame"]).loc[list(frames)].reset_index()

    @property
    def summary(self) -> pd.DataFrame:
        """Mean errors at end-systole, by error and region, in mm.

        Scans that were tracked without the population are averaged once more with it (`SAME_SCANS`).
        """
        at_es = self.at_end_systole
        both = at_es.loc[at_es["error"] == IMAGES_ALONE, "ID"].unique()
        if len(both):
            same = at_es[(at_es["error"] == TRACKING) & at_es["ID"].isin(both)]
            at_es = pd.concat([at_es, same.assign(error=SAME_SCANS)], ignore_index=True)
        columns = ["error_mm", "zero_motion_mm", "longitudinal_mm", "circumferential_mm", "radial_mm"]
        return at_es.groupby(["error", "region"], sort=False)[[name for name in columns if name in at_es]].mean()


def regional_displacement(motion: CohortMotion) -> pd.DataFrame:
    """Displacement over the cycle by region: mean and 5th to 95th percentile over the patients.

    Returns
    -------
    DataFrame
        region, phase (from 0), mean_mm, low_mm, high_mm.
    """
    mesh = decimated_mesh(template_mesh().points[MATCHED_VERTICES])
    height = mesh.points[:, 2]
    names = np.array([REGION_LABELS[mesh.region_names[code]] for code in mesh.region])
    free = names == REGION_LABELS["rv_free"]
    upper = height > np.median(height[free])
    names = np.where(free & upper, "free wall, basal half", np.where(free, "free wall, apical half", names))
    displacement = motion.displacement_mm()
    rows = []
    for region in ("free wall, basal half", "free wall, apical half", "septum"):
        curve = displacement[:, :, names == region].mean(axis=2)
        low, high = np.percentile(curve, [5, 95], axis=0)
        rows += [
            {"region": region, "phase": t, "mean_mm": curve[:, t].mean(), "low_mm": low[t], "high_mm": high[t]}
            for t in range(motion.n_phases)
        ]
    return pd.DataFrame(rows)


def cohort_errors(cohort: Cohort, tracked: TrackedCohort, images_alone: TrackedCohort | None = None) -> TrackingErrors:
    """Endpoint errors of every tracked subject against the material truth; none are known for real cohorts.

    Two errors: of tracking alone (true points at ED, moved by the tracker) and of the chain (displacement of the fitted
    template's points against that of the true ones). Of `images_alone` the first.
    """
    columns = ["ID", "error", "region", "frame", "phase", "n", "error_mm", "zero_motion_mm"]
    parts = [pd.DataFrame(columns=columns)]
    subjects = [(one, TRACKING) for one in tracked.subjects]
    subjects += [(one, IMAGES_ALONE) for one in (images_alone.subjects if images_alone else [])]
    for one, name in subjects if "truth" in cohort.provides else []:
        if not one.is_tracked:
            continue
        truth, region, to_world = true_surface(cohort, one.subject_id)
        comparisons = [(name, one.known_positions, truth, region, False)]
        if name == TRACKING:
            points = cohort.true_world_positions(one.subject_id)
            comparisons.append((CHAIN, one.positions, points, region[MATCHED_VERTICES], True))
        for error, found, true, names, displaced in comparisons:
            part = endpoint_errors(found, true, region=names, heart_to_world=to_world, from_displacement=displaced)
            part.insert(0, "error", error)
            part.insert(0, "ID", one.subject_id)
            parts.append(part)
    table = pd.concat(parts[1:] or parts, ignore_index=True)
    return TrackingErrors(table.assign(region=table["region"].map(lambda name: REGION_LABELS.get(name, name))))


def true_surface(cohort: Cohort, subject_id: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Full true surface (T, V, 3) in world mm, region names (V,), heart to world (4, 4)."""
    heart, to_world = cohort.heart(subject_id), cohort.scan_truth(subject_id)["heart_to_world"]
    mesh = template_mesh()
    points = heart.surface_sequence(np.arange(N_PHASES) / N_PHASES) @ to_world[:3, :3].T + to_world[:3, 3]
    return points, np.asarray(mesh.region_names)[mesh.region], to_world


def first_function(cohort: Cohort, tracked: TrackedCohort) -> HeartFunction:
    """Volumes and LV strains over the cycle of the first tracked subject.

    Raises
    ------
    ValueError
        Where none was tracked.
    """
    usable = tracked.usable
    if not usable:
        raise ValueError("no subject was tracked: see the quality table for the reasons")
    one = usable[0]
    found = _curves(one.template_positions)
    truth = _curves(true_surface(cohort, one.subject_id)[0]) if "truth" in cohort.provides else {}
    rows = [
        {"panel": panel, "curve": name, "phase": t, "value": value, "truth": truth[panel, name][t] if truth else np.nan}
        for (panel, name), curve in found.items()
        for t, value in enumerate(curve)
    ]
    es_phase = int(found["volume (mL)", "LV cavity"].argmin())
    return HeartFunction(one.subject_id, pd.DataFrame(rows), es_phase)


def conventional_indices(tracked: TrackedCohort) -> pd.DataFrame:
    """Strains, shape, curvature of the septum, TAPSE and MAPSE of every tracked subject (index ID)."""
    rows = [
        {
            "ID": one.subject_id,
            **strain_summary(one.template_positions),
            **septal_curvature(one.template_positions),
            **mitral_indices(one.template_positions),
            **right_ventricular_indices(one.positions),
        }
        for one in tracked.usable
    ]
    return pd.DataFrame(rows, columns=None if rows else ["ID"]).set_index("ID")


def cycle_curves(tracked: TrackedCohort) -> pd.DataFrame:
    """What the indices are read off, phase by phase, of every tracked subject.

    Returns
    -------
    DataFrame
        ID, phase (whole numbers from 0, end-diastole), lv_cavity_ml, rv_cavity_ml, mitral_excursion_mm (mean of the
        ring), septal_curvature_per_mm, free_wall_curvature_per_mm (the LV's free wall), eccentricity, and the strains
        of the AHA segments: circumferential_1 to circumferential_16, longitudinal_1 ..., radial_1 ....
    """
    parts = [_cycle(one) for one in tracked.usable]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["ID", "phase"])


def _cycle(one: TrackedSubject) -> pd.DataFrame:
    points = one.template_positions
    strains = strain_curves(points).pivot(index="phase", columns="segment", values=list(KINDS))
    strains.columns = [f"{kind}_{segment}" for kind, segment in strains.columns]
    return pd.DataFrame(
        {
            "ID": one.subject_id,
            "phase": np.arange(len(points)),
            **{f"{side}_cavity_ml": cavity_volumes_ml(points, *regions) for side, regions in CAVITIES.items()},
            "mitral_excursion_mm": mitral_excursion_mm(points).mean(axis=1),
            "septal_curvature_per_mm": wall_curvature(points),
            "free_wall_curvature_per_mm": wall_curvature(points, "free wall"),
            "eccentricity": eccentricity(points),
        }
    ).join(strains)


def _curves(positions: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    curves = {
        ("volume (mL)", f"{side.upper()} cavity"): cavity_volumes_ml(positions, *regions)
        for side, regions in CAVITIES.items()
    }
    strains = strain_curves(positions).groupby("phase")[list(KINDS)].mean()
    for kind in KINDS:
        curves["mean strain of the LV (%)", kind] = 100 * strains[kind].to_numpy()
    return curves
