"""Volumes, ejection fractions, masses and strains of one scan: one table, with unit, source and verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cardiolib.meshes import MATCHED_VERTICES
from cardiolib.motion.curvature import CAVITIES, cavity_volumes_ml, septal_curvature
from cardiolib.motion.indices import ejection_fraction, mitral_indices, right_ventricular_indices
from cardiolib.motion.strain import strain_summary
from cardiolib.scan.controls import percentile
from cardiolib.segmentation import Segmentation
from cardiolib.segmentation.measures import TISSUE_DENSITY_G_PER_ML
from cardiolib.verdicts import DO_NOT_USE, VERDICTS

LABELS, MESH = "labels", "tracked mesh"


@dataclass(frozen=True)
class Index:
    """One number of a heart.

    Attributes
    ----------
    words : str
        What it is, for a reader.
    unit : str
    source : {"labels", "tracked mesh"}
    rests_on : tuple of str
        Structures, or "motion": the worst verdict of them is that of the number.
    """

    words: str
    unit: str
    source: str
    rests_on: tuple[str, ...]


def _of_ventricle(side: str) -> dict[str, Index]:
    name = side.upper()
    words = {"edv": "end-diastolic volume", "esv": "end-systolic volume", "sv": "stroke volume"}
    found = {}
    for short, source, rests_on in (("labels", LABELS, (f"{side}_cavity",)), ("mesh", MESH, ("motion",))):
        for key, what in words.items():
            found[f"{side}_{key}_{short}_ml"] = Index(f"{name} {what}", "mL", source, rests_on)
        found[f"{side}_ef_{short}_percent"] = Index(f"{name} ejection fraction", "%", source, rests_on)
    return found


def _of_motion(words: str, unit: str) -> Index:
    return Index(words, unit, MESH, ("motion",))


INDICES: dict[str, Index] = {
    **_of_ventricle("lv"),
    **_of_ventricle("rv"),
    "lv_mass_g": Index("LV mass at end-diastole", "g", LABELS, ("lv_wall",)),
    "rv_mass_g": Index("RV mass at end-diastole", "g", LABELS, ("rv_cavity",)),
    "gcs_percent": _of_motion("LV global circumferential strain, peak", "%"),
    "gls_percent": _of_motion("LV global longitudinal strain, peak", "%"),
    "grs_percent": _of_motion("LV global radial strain, peak", "%"),
    "rv_longitudinal_strain_percent": _of_motion("RV free wall longitudinal strain, peak", "%"),
    "rv_circumferential_strain_percent": _of_motion("RV free wall circumferential strain, peak", "%"),
    "mapse_mm": _of_motion("MAPSE, mean of the ring", "mm"),
    "tapse_mm": _of_motion("TAPSE", "mm"),
    "eccentricity_max": _of_motion("LV eccentricity index, largest", "1"),
    "septal_curvature_ratio_es": _of_motion("septal curvature at end-systole, relative to the free wall", "1"),
}
"""Name in files -> what it is. RV mass rests on the verdict of the RV cavity: the gate does not judge its wall."""

ONE_FRAME = {
    "lv_cavity_volume_ml": Index("LV cavity volume in the only frame", "mL", LABELS, ("lv_cavity",)),
    "rv_cavity_volume_ml": Index("RV cavity volume in the only frame", "mL", LABELS, ("rv_cavity",)),
    "lv_wall_mass_g": Index("LV mass in the only frame", "g", LABELS, ("lv_wall",)),
}
"""What is known of a scan of one frame, where there is no end-diastole."""


def index_table(segmentation: Segmentation, positions: np.ndarray | None, verdicts: pd.DataFrame) -> pd.DataFrame:
    """All indices of one heart.

    Parameters
    ----------
    segmentation : Segmentation
    positions : (T, V, 3) array or None
        Tracked vertices of the whole template, mm; without them the mesh's rows are absent.
    verdicts : DataFrame
        Index: structures and "motion"; columns verdict and reason.

    Returns
    -------
    DataFrame
        Index: name in `INDICES` (or `ONE_FRAME`). Columns words, value (NaN where it is not known), unit, source,
        verdict, percentile_simulated_controls (0 to 100; NaN where the controls have no such number, or the number is
        not to be used).
    """
    one_frame = segmentation.labels.n_frames < 2
    known = ONE_FRAME if one_frame else INDICES
    values = one_frame_values(segmentation) if one_frame else label_values(segmentation)
    if positions is not None:
        values |= mesh_values(positions)
    rows = []
    for name, index in known.items():
        if name not in values:
            continue
        verdict = max(verdicts.loc[list(index.rests_on), "verdict"], key=VERDICTS.index)
        rows.append(
            {
                "index": name,
                "words": index.words,
                "value": values[name],
                "unit": index.unit,
                "source": index.source,
                "verdict": verdict,
                "percentile_simulated_controls": np.nan if verdict == DO_NOT_USE else percentile(name, values[name]),
            }
        )
    return pd.DataFrame(rows).set_index("index")


def label_values(segmentation: Segmentation) -> dict[str, float]:
    """Volumes, ejection fractions and masses from the labels; NaN for a structure that was not found."""
    row, volumes = segmentation.measures(), segmentation.volumes
    told = segmentation.ed != segmentation.es
    values = {}
    for side in ("lv", "rv"):
        found = told and row[f"{side}_edv_ml"] > 0
        for key in ("edv", "esv", "sv"):
            values[f"{side}_{key}_labels_ml"] = row[f"{side}_{key}_ml"] if found else np.nan
        values[f"{side}_ef_labels_percent"] = row[f"{side}ef_percent"] if found else np.nan
        known = told and bool(np.isfinite(volumes[f"{side}_wall_ml"]).all())
        values[f"{side}_mass_g"] = row[f"{side}_mass_g"] if known else np.nan
    return values


def one_frame_values(segmentation: Segmentation) -> dict[str, float]:
    """What the labels of a single frame say."""
    row = segmentation.volumes.iloc[0]
    values = {f"{side}_cavity_volume_ml": float(row[f"{side}_cavity_ml"]) for side in ("lv", "rv")}
    values["lv_wall_mass_g"] = TISSUE_DENSITY_G_PER_ML * float(row["lv_wall_ml"])
    return {name: value if value > 0 else np.nan for name, value in values.items()}


def mesh_values(positions: np.ndarray) -> dict[str, float]:
    """The indices of the moving template (T, V, 3), mm: as tracked, or the true one of a digital heart."""
    values: dict[str, float] = {}
    for side, regions in CAVITIES.items():
        curve = cavity_volumes_ml(positions, *regions)
        values |= {
            f"{side}_edv_mesh_ml": float(curve[0]),
            f"{side}_esv_mesh_ml": float(curve.min()),
            f"{side}_sv_mesh_ml": float(curve[0] - curve.min()),
            f"{side}_ef_mesh_percent": 100 * ejection_fraction(curve),
        }
    strain = strain_summary(positions)
    right = right_ventricular_indices(np.asarray(positions, float)[:, MATCHED_VERTICES])
    others: Mapping[str, float] = {
        "rv_longitudinal_strain_percent": 100 * right["longitudinal_strain"],
        "rv_circumferential_strain_percent": 100 * right["circumferential_strain"],
        "tapse_mm": right["tapse_mm"],
        **mitral_indices(positions),
        **septal_curvature(positions),
        **strain,
    }
    return values | {name: float(value) for name, value in others.items() if name in INDICES}


def wide_row(table: pd.DataFrame) -> dict[str, float]:
    """Name of each index -> value: one row of a table of many scans."""
    return {str(name): float(value) for name, value in table["value"].items()}
