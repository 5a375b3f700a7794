"""Distance between where a point was tracked to and where that piece of muscle really went."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

COMPONENTS = ("longitudinal", "circumferential", "radial")


def endpoint_errors(
    predicted: np.ndarray,
    truth: np.ndarray,
    *,
    region: Sequence[str] | np.ndarray,
    heart_to_world: np.ndarray,
    from_displacement: bool = False,
) -> pd.DataFrame:
    """Endpoint error by region and phase, in components of the heart, beside the cost of assuming no motion.

    Parameters
    ----------
    predicted, truth : (T, V, 3) arrays
        Positions in world mm of the same points; phase 0 is end-diastole.
    region : (V,) sequence of str
        Name of each point's region.
    heart_to_world : (4, 4) array
        Rigid; its z axis is the long axis of the LV through the origin.
    from_displacement : bool
        Compare displacements from phase 0 instead of positions: what the survival network reads.

    Returns
    -------
    DataFrame
        One row a region and phase: region, frame, phase, n, error_mm (mean Euclidean distance), zero_motion_mm (the
        same for points that stay where they were), longitudinal_mm, circumferential_mm, radial_mm (mean absolute
        components of the error).

    Raises
    ------
    ValueError
        For arrays that do not match or are not finite.
    """
    predicted, truth = np.asarray(predicted, float), np.asarray(truth, float)
    if predicted.shape != truth.shape or predicted.ndim != 3 or predicted.shape[2] != 3:
        raise ValueError(
            f"predicted and truth are (T, V, 3) arrays of one shape; given {predicted.shape} and {truth.shape}"
        )
    if not (np.isfinite(predicted).all() and np.isfinite(truth).all()):
        raise ValueError("predicted or true positions are not finite: leave failed subjects out")
    region = np.asarray(region)
    if region.shape != (truth.shape[1],):
        raise ValueError(f"region names each of {truth.shape[1]} points; given shape {region.shape}")
    difference = predicted - truth
    if from_displacement:
        difference = difference - difference[:1]
    size = np.linalg.norm(difference, axis=-1)
    still = np.linalg.norm(truth - truth[:1], axis=-1)
    parts = np.abs(heart_components(difference, truth, heart_to_world))
    rows = []
    for name in dict.fromkeys(region.tolist()):
        mine = region == name
        for t in range(len(truth)):
            row = {
                "region": name,
                "frame": t,
                "phase": t / len(truth),
                "n": int(mine.sum()),
                "error_mm": size[t, mine].mean(),
                "zero_motion_mm": still[t, mine].mean(),
            }
            rows.append(row | {f"{part}_mm": parts[t, mine, i].mean() for i, part in enumerate(COMPONENTS)})
    return pd.DataFrame(rows)


def heart_components(vectors: np.ndarray, points: np.ndarray, heart_to_world: np.ndarray) -> np.ndarray:
    """Vectors at points as longitudinal, circumferential and radial parts about the LV's long axis.

    Parameters
    ----------
    vectors, points : (..., 3) arrays
        World mm.
    heart_to_world : (4, 4) array
        Rigid.

    Returns
    -------
    (..., 3) array
        In the order of `COMPONENTS`.
    """
    turn = np.asarray(heart_to_world, float)[:3, :3]
    local = (points - heart_to_world[:3, 3]) @ turn
    along = vectors @ turn
    angle = np.arctan2(local[..., 1], local[..., 0])
    radial = along[..., 0] * np.cos(angle) + along[..., 1] * np.sin(angle)
    around = -along[..., 0] * np.sin(angle) + along[..., 1] * np.cos(angle)
    return np.stack([along[..., 2], around, radial], axis=-1)
