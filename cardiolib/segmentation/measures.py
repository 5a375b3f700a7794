"""How good a segmentation is, and what it says about the heart.

Distances are in mm and honour anisotropic voxels; a measure that does not exist (an empty mask has no
surface) is NaN, never 0 or infinity, so that a mean over subjects has to decide what to do with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import ndimage
from scipy.spatial import cKDTree

from cardiolib.imaging import STRUCTURES, LabelMap, on_grid_of

TISSUE_DENSITY_G_PER_ML = 1.05


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Dice overlap of two masks: twice the common voxels over all voxels; NaN when both are empty."""
    first, second = _masks(first, second)
    total = int(first.sum()) + int(second.sum())
    return 2.0 * int((first & second).sum()) / total if total else float("nan")


def surface_distances(first: np.ndarray, second: np.ndarray, *, spacing_mm: Sequence[float]) -> dict[str, float]:
    """Distances between the surfaces of two masks, mm.

    Parameters
    ----------
    first, second : bool arrays of one shape, 2-D or 3-D
    spacing_mm : sequence of float
        Voxel size along each axis.

    Returns
    -------
    dict
        ``hausdorff_mm`` (largest distance from either surface to the other), ``hausdorff95_mm`` (the
        larger of the two 95th percentiles) and ``assd_mm`` (average symmetric surface distance: the mean
        over the points of both surfaces). NaN when either mask is empty.

    Notes
    -----
    The surface of a mask is the set of its voxels that have a background voxel (or the edge of the
    array) among their face neighbours; distances are between voxel centres.
    """
    first, second = _masks(first, second)
    spacing = np.asarray(spacing_mm, dtype=float)
    if spacing.shape != (first.ndim,) or not (spacing > 0).all():
        raise ValueError(f"spacing_mm needs {first.ndim} positive numbers, got {spacing_mm}")
    if not first.any() or not second.any():
        return {"hausdorff_mm": np.nan, "hausdorff95_mm": np.nan, "assd_mm": np.nan}
    a, b = _surface_points(first) * spacing, _surface_points(second) * spacing
    a_to_b, b_to_a = cKDTree(b).query(a)[0], cKDTree(a).query(b)[0]
    return {
        "hausdorff_mm": float(max(a_to_b.max(), b_to_a.max())),
        "hausdorff95_mm": float(max(np.percentile(a_to_b, 95), np.percentile(b_to_a, 95))),
        "assd_mm": float((a_to_b.sum() + b_to_a.sum()) / (len(a_to_b) + len(b_to_a))),
    }


def compare_label_maps(found: LabelMap, truth: LabelMap, *, frames: dict[str, int] | None = None) -> pd.DataFrame:
    """Overlap, surface distances and volumes of each structure that both schemes name.

    Parameters
    ----------
    found, truth : LabelMap
        Of the same place: a truth on another grid is brought to that of `found` (`on_grid_of`). Schemes may differ.
    frames : dict, optional
        Name -> frame, for example ``{"ED": 0, "ES": 7}``; by default every frame, named by its number.

    Returns
    -------
    DataFrame
        Columns phase, structure, dice, hausdorff_mm, hausdorff95_mm, assd_mm, volume_ml, true_volume_ml.

    Raises
    ------
    ValueError
        The label maps lie in different places, or have different frames.
    """
    try:
        truth = on_grid_of(truth, found.affine, found.shape, name="the reference", of="what was found")
    except ValueError as error:
        raise ValueError(f"label maps cannot be compared: {error}") from error
    if found.labels.shape != truth.labels.shape:
        raise ValueError(f"label maps of shapes {found.labels.shape} and {truth.labels.shape} cannot be compared")
    frames = {str(t): t for t in range(truth.n_frames)} if frames is None else frames
    rows = []
    for structure in (name for name in STRUCTURES if name in found.scheme.codes and name in truth.scheme.codes):
        a, b = found.mask(structure), truth.mask(structure)
        volumes, true_volumes = found.volume_ml(structure), truth.volume_ml(structure)
        for phase, t in frames.items():
            rows.append(
                {
                    "phase": phase,
                    "structure": structure,
                    "dice": dice(a[..., t], b[..., t]),
                    **surface_distances(a[..., t], b[..., t], spacing_mm=truth.spacing_mm),
                    "volume_ml": float(volumes[t]),
                    "true_volume_ml": float(true_volumes[t]),
                }
            )
    return pd.DataFrame(rows)


def clinical_measures(label_map: LabelMap, *, ed: int, es: int) -> dict[str, float]:
    """Volumes, ejection fractions and masses of one heart.

    Parameters
    ----------
    label_map : LabelMap
    ed, es : int
        End-diastolic and end-systolic frame (of the left ventricle; both ventricles are read there).

    Returns
    -------
    dict
        ``lv_edv_ml, lv_esv_ml, lv_sv_ml, lvef_percent, rv_...`` for both ventricles; ``lv_mass_g`` and, when
        the scheme names the wall, ``rv_mass_g`` (end-diastolic wall volume times 1.05 g/mL). NaN where a
        structure is absent.
    """
    row: dict[str, float] = {}
    for side in ("lv", "rv"):
        volume = label_map.volume_ml(f"{side}_cavity")
        edv, esv = float(volume[ed]), float(volume[es])
        row |= {
            f"{side}_edv_ml": edv,
            f"{side}_esv_ml": esv,
            f"{side}_sv_ml": edv - esv,
            f"{side}ef_percent": 100 * (edv - esv) / edv if edv > 0 else np.nan,
        }
    for side in ("lv", "rv"):
        if f"{side}_wall" in label_map.scheme.codes:
            wall_ml = float(label_map.volume_ml(f"{side}_wall")[ed])
            row[f"{side}_mass_g"] = wall_ml * TISSUE_DENSITY_G_PER_ML if wall_ml > 0 else np.nan
    return row


def agreement(found: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Bland-Altman agreement and correlation of every column the two tables share.

    Parameters
    ----------
    found, truth : DataFrame
        One row a subject, joined by index; numeric columns.

    Returns
    -------
    DataFrame
        One row a measure: n, mean_truth, bias (found minus truth), sd (of the differences, n - 1),
        lower_limit and upper_limit (bias -+ 1.96 sd), mae, correlation (Pearson).

    References
    ----------
    Bland and Altman 1986, Lancet 327:307-310.
    """
    columns = [name for name in truth.columns if name in found.columns]
    subjects = truth.index.intersection(found.index)
    if not columns or subjects.empty:
        raise ValueError("the two tables share no subject or no column; both need subject IDs as index")
    rows = []
    for name in columns:
        pair = pd.DataFrame({"found": found.loc[subjects, name], "truth": truth.loc[subjects, name]}).dropna()
        difference = (pair["found"] - pair["truth"]).to_numpy(dtype=float)
        n = len(difference)
        bias = float(difference.mean()) if n else np.nan
        sd = float(difference.std(ddof=1)) if n > 1 else np.nan
        varies = n > 1 and pair["found"].std() > 0 and pair["truth"].std() > 0
        rows.append(
            {
                "measure": name,
                "n": n,
                "mean_truth": float(pair["truth"].mean()),
                "bias": bias,
                "sd": sd,
                "lower_limit": bias - 1.96 * sd,
                "upper_limit": bias + 1.96 * sd,
                "mae": float(np.abs(difference).mean()) if n else np.nan,
                "correlation": float(np.corrcoef(pair["found"], pair["truth"])[0, 1]) if varies else np.nan,
            }
        )
    return pd.DataFrame(rows).set_index("measure")


def _masks(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(first), np.asarray(second)
    if first.shape != second.shape:
        raise ValueError(f"masks of shapes {first.shape} and {second.shape} cannot be compared")
    return first.astype(bool), second.astype(bool)


def _surface_points(mask: np.ndarray) -> np.ndarray:
    """(n, ndim) voxel indices of the surface; only the bounding box is searched."""
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    inner = ndimage.binary_erosion(mask[box], ndimage.generate_binary_structure(mask.ndim, 1))
    return np.argwhere(mask[box] & ~inner) + [side.start for side in box]
