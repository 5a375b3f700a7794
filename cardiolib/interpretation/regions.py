"""Names for the parts of the right ventricle, and tables of what happens in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cardiolib.meshes import SurfaceMesh

REGIONS = ("free wall, apex", "free wall, mid", "free wall, base", "septum")


def vertex_regions(mesh: SurfaceMesh) -> np.ndarray:
    """Region of each vertex of a right-ventricular mesh.

    Parameters
    ----------
    mesh : SurfaceMesh
        Vertices labelled "rv_free" and "rv_septum"; heart frame, z from apex to base (mm).

    Returns
    -------
    (V,) array of str
        One of `REGIONS`: the septum, or the free wall in thirds of its own height.

    Raises
    ------
    ValueError
        If the mesh has vertices of other structures or no free wall.
    """
    names = np.asarray(mesh.region_names)[mesh.region]
    other = sorted(set(names) - {"rv_free", "rv_septum"})
    free = names == "rv_free"
    if other or not free.any():
        raise ValueError(
            f"regions are defined for vertices 'rv_free' and 'rv_septum'; this mesh has {sorted(set(names))}"
        )
    height = mesh.points[:, 2]
    low, high = height[free].min(), height[free].max()
    third = np.clip(np.floor(3 * (height - low) / max(high - low, 1e-12)), 0, 2).astype(int)
    return np.where(free, np.asarray(REGIONS)[third], "septum")


def summarise_by_region(values: np.ndarray, regions: np.ndarray) -> pd.DataFrame:
    """Mean, mean absolute value, extremes and share of one map by region.

    Parameters
    ----------
    values : (V,) array
    regions : (V,) array of str
        See :func:`vertex_regions`.

    Returns
    -------
    DataFrame
        One row a region, in the order of `REGIONS` (others after them, by name). `share` is the region's part of the
        sum of absolute values; shares add up to 1.
    """
    values, regions = _paired(values, regions)
    total = np.abs(values).sum()
    rows = [
        {
            "region": name,
            "vertices": int(inside.sum()),
            "mean": values[inside].mean(),
            "mean_absolute": np.abs(values[inside]).mean(),
            "min": values[inside].min(),
            "max": values[inside].max(),
            "share": np.abs(values[inside]).sum() / total if total > 0 else np.nan,
        }
        for name, inside in _inside(regions)
    ]
    return pd.DataFrame(rows).set_index("region")


def summarise_by_region_and_phase(values: np.ndarray, regions: np.ndarray) -> pd.DataFrame:
    """Mean of a map (T - 1, V) by phase (rows, 1 to T - 1) and region (columns)."""
    values, regions = _paired(values, regions, ndim=2)
    columns = {name: values[:, inside].mean(axis=1) for name, inside in _inside(regions)}
    return pd.DataFrame(columns, index=pd.RangeIndex(1, len(values) + 1, name="phase"))


def _paired(values: np.ndarray, regions: np.ndarray, ndim: int = 1) -> tuple[np.ndarray, np.ndarray]:
    values, regions = np.asarray(values, dtype=float), np.asarray(regions, dtype=str)
    if values.ndim != ndim or regions.shape != values.shape[-1:]:
        raise ValueError(
            f"values {values.shape} must have {ndim} axes, the last one as long as regions {regions.shape}"
        )
    return values, regions


def _inside(regions: np.ndarray) -> Any:
    known = [name for name in REGIONS if (regions == name).any()]
    for name in [*known, *sorted(set(regions.tolist()) - set(REGIONS))]:
        yield name, regions == name
