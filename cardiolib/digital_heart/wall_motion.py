"""How far the septum and the free wall of the right ventricle move: two numbers of a heart that a hazard can read."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cardiolib.meshes import MATCHED_VERTICES

from .heart import PHASES, DigitalHeart
from .population import parameters_from_row
from .surfaces import RV_FREE, RV_SEPTUM, full_lattice

WALL_MOTION_NAMES: tuple[str, ...] = ("septal_motion", "free_wall_motion")
"""Standardised by `WALL_MOTION_MM`; positive is more motion than the mean patient's."""

WALL_MOTION_MM: dict[str, tuple[float, float]] = {"septal_motion": (4.57, 0.52), "free_wall_motion": (5.74, 0.92)}
"""Mean and SD in mm among 4,500 simulated patients with pulmonary hypertension: fixed numbers, so that a heart has the
same hazard in every cohort."""


def wall_motion_mm(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean distance (2,) in mm from end-diastole of the points of septum and free wall, over the other phases.

    Parameters
    ----------
    points : (T, 202, 3) array
        From `DigitalHeart.points202`.

    Examples
    --------
    >>> from cardiolib.digital_heart import DigitalHeart
    >>> wall_motion_mm(DigitalHeart().points202()).round(1).tolist()
    [4.4, 6.3]
    """
    region = full_lattice().region[MATCHED_VERTICES]
    length = np.linalg.norm(np.asarray(points[1:], float) - points[0], axis=2).mean(axis=0)
    return np.array([length[region == RV_SEPTUM].mean(), length[region == RV_FREE].mean()])


def wall_motion(population: pd.DataFrame) -> pd.DataFrame:
    """Standardised motion of septum and free wall of every subject (some 10 ms each).

    Parameters
    ----------
    population : pandas.DataFrame
        From `simulate_population`. ``population.join(wall_motion(population))`` spares `log_hazard` the same work.

    Returns
    -------
    pandas.DataFrame
        Columns `WALL_MOTION_NAMES`, index of `population`.

    Raises
    ------
    ValueError
        When the table lacks parameters of the hearts.
    """
    rows = population.to_dict("records")
    moved = [wall_motion_mm(DigitalHeart(parameters_from_row(row)).points202(PHASES)) for row in rows]
    return standardised_wall_motion(np.array(moved).reshape(-1, 2)).set_axis(population.index)


def standardised_wall_motion(moved_mm: NDArray[np.float64]) -> pd.DataFrame:
    """Columns `WALL_MOTION_NAMES`, of (N, 2) distances in mm as `wall_motion_mm` gives them."""
    mean, spread = np.array([WALL_MOTION_MM[name] for name in WALL_MOTION_NAMES]).T
    return pd.DataFrame((moved_mm - mean) / spread, columns=list(WALL_MOTION_NAMES))
