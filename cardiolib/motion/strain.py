"""Strain of the left ventricle by AHA segment, its shape, and when each wall is at its peak.

All of it is read off the tracked template's lattice: the LV's two surfaces are rings of vertices that face one another,
from the apical pole to the base, so lengths around, along and across the wall are distances between neighbours.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cardiolib.meshes import template_mesh

RINGS, AROUND = 20, 48
"""Rings of vertices of each LV surface above the apical pole, and vertices of a ring."""

KINDS = ("circumferential", "longitudinal", "radial")

SEGMENTS = {
    1: "basal anterior",
    2: "basal anteroseptal",
    3: "basal inferoseptal",
    4: "basal inferior",
    5: "basal inferolateral",
    6: "basal anterolateral",
    7: "mid anterior",
    8: "mid anteroseptal",
    9: "mid inferoseptal",
    10: "mid inferior",
    11: "mid inferolateral",
    12: "mid anterolateral",
    13: "apical anterior",
    14: "apical septal",
    15: "apical inferior",
    16: "apical lateral",
}
"""AHA segments but the apex (17), where a wall has no direction around [1]_.

.. [1] Cerqueira et al. 2002, Circulation 105:539-542.
"""

_SIX = (1, 2, 3, 4, 5, 6)  # every 60 degrees, from anterior over the septum
_FOUR = (13, 14, 15, 16)


def aha_segments() -> np.ndarray:
    """(RINGS, AROUND) AHA segment of every vertex of a ring; 0 in the apical cap.

    Basal, mid and apical thirds of the long axis; around it from the anterior wall (heart frame: x to the free wall,
    y inferior) over the septum.
    """
    rest = template_mesh().points[1 : 1 + RINGS * AROUND].reshape(RINGS, AROUND, 3)
    height = (rest[..., 2] - rest[..., 2].min()) / np.ptp(rest[..., 2])
    # 0 anterior, 90 septal, 180 inferior, 270 lateral
    degrees = np.degrees(np.arctan2(-rest[..., 0], -rest[..., 1])) % 360
    by_six = (np.floor((degrees + 30) / 60).astype(int)) % 6
    by_four = (np.floor((degrees + 45) / 90).astype(int)) % 4
    level = np.clip((height * 3).astype(int), 0, 2)
    segments = np.where(level == 2, 1, 7) + by_six
    segments = np.where(level == 0, 13 + by_four, segments)
    return np.where(height < 0.08, 0, segments)


def strain_curves(positions: np.ndarray) -> pd.DataFrame:
    """Engineering strain of every segment over the cycle.

    Parameters
    ----------
    positions : (T, V, 3) array
        Vertices of the whole template at T phases from end-diastole, mm, any frame of reference.

    Returns
    -------
    DataFrame
        segment (1 to 16), phase (from 0), circumferential, longitudinal, radial: length / length at end-diastole - 1,
        of the mid-wall around and along the heart, and of the wall's thickness.

    Raises
    ------
    ValueError
        If these are not the template's vertices, or not finite.
    """
    around, along, across = wall_lengths(*left_walls(positions))
    segments = aha_segments()
    rows = []
    for segment in SEGMENTS:
        mine = segments == segment
        curves = [lengths[:, mine].sum(axis=1) for lengths in (around, along, across)]
        strains = [curve / curve[0] - 1 for curve in curves]
        rows += [
            {"segment": segment, "phase": t, **dict(zip(KINDS, values, strict=True))}
            for t, values in enumerate(zip(*strains, strict=True))
        ]
    return pd.DataFrame(rows)


def wall_lengths(inner: np.ndarray, outer: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lengths around and along the middle of the wall and across it, (T, RINGS, AROUND) mm each.

    Parameters
    ----------
    inner, outer : (T, RINGS, AROUND, 3) arrays
        Endocardium and epicardium, see `left_walls`.
    """
    middle = (inner + outer) / 2
    around = np.linalg.norm(np.roll(middle, -1, axis=2) - middle, axis=-1)
    along = np.linalg.norm(np.diff(middle, axis=1), axis=-1)
    along = np.concatenate([along, along[:, -1:]], axis=1)
    return around, along, np.linalg.norm(outer - inner, axis=-1)


def strain_summary(positions: np.ndarray) -> dict[str, float]:
    """Global strains, their times, and the shape of the left ventricle.

    Returns
    -------
    dict
        gcs, gls, grs_percent (peak of the mean over the segments), their peak_time (share of the cycle),
        septal_lateral_lag (peak time of circumferential strain, septum minus free wall; times are NaN where there are
        fewer than four phases) and eccentricity_index at
        end-diastole and at its largest (LV diameter along the septum / across it at mid-level; 1 is round).
    """
    table = strain_curves(positions)
    n_phases = table["phase"].nunique()
    mean = table.groupby("phase")[list(KINDS)].mean()
    summary = {}
    for kind, short in zip(KINDS, ("gcs", "gls", "grs"), strict=True):
        peak = int(mean[kind].abs().to_numpy().argmax())
        summary[f"{short}_percent"] = 100 * float(mean[kind].iloc[peak])
        summary[f"{short}_peak_time"] = peak / n_phases
    walls = {"septum": (2, 3, 8, 9), "side": (5, 6, 11, 12)}
    times = {}
    for wall, segments in walls.items():
        curve = table[table["segment"].isin(segments)].groupby("phase")["circumferential"].mean().to_numpy()
        times[wall] = _peak_phase(-curve) / n_phases
    summary["septal_lateral_lag"] = float((times["septum"] - times["side"] + 0.5) % 1 - 0.5)
    if n_phases < 4:  # of two or three frames none is known to be the peak
        summary |= {name: np.nan for name in summary if name.endswith(("peak_time", "lag"))}
    ratio = eccentricity(positions)
    return summary | {"eccentricity_ed": float(ratio[0]), "eccentricity_max": float(ratio.max())}


def eccentricity(positions: np.ndarray) -> np.ndarray:
    """(T,) LV cavity diameter parallel to the septum / the one across it, at mid-level."""
    inner, _ = left_walls(positions)
    ring = inner[:, RINGS // 2]
    degrees = np.degrees(2 * np.pi * np.arange(AROUND) / AROUND)
    across = np.linalg.norm(ring[:, degrees == 0] - ring[:, degrees == 180], axis=-1).mean(axis=1)
    parallel = np.linalg.norm(ring[:, degrees == 90] - ring[:, degrees == 270], axis=-1).mean(axis=1)
    return parallel / across


def _peak_phase(curve: np.ndarray) -> float:
    """Where a curve is largest, between phases, by a parabola through the three highest neighbours."""
    top = int(curve.argmax())
    before, at, after = (curve[(top + step) % len(curve)] for step in (-1, 0, 1))
    bend = before - 2 * at + after
    return top + (0.5 * (before - after) / bend if bend < 0 else 0.0)


def left_walls(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Endocardium and epicardium, (T, RINGS, AROUND, 3) each, without their poles."""
    positions = np.asarray(positions, float)
    template = template_mesh()
    if positions.ndim != 3 or positions.shape[1:] != (template.n_points, 3) or not np.isfinite(positions).all():
        raise ValueError(f"positions has the axes (T, {template.n_points}, 3), all finite; given {positions.shape}")
    return walls_of(positions)


def walls_of(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `left_walls`, unchecked: positions may be NaN where they are not known."""
    template = template_mesh()
    parts = [positions[:, template.region_mask(name)][:, 1:] for name in ("lv_endo", "lv_epi")]
    return tuple(part.reshape(len(positions), RINGS, AROUND, 3) for part in parts)
