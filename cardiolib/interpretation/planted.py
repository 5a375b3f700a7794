"""A test with a known answer: plant the hazard in a patch of wall, train the network, see which maps find the patch.

The hearts are those of the cohort at hand; only the outcomes are drawn anew, from a hazard that reads the motion of
some neighbouring points and of nothing else. So "the points whose motion enters the hazard" are known, and the
test can be made with real hearts as well. What it cannot undo is that points of one heart move together: even a map of
the TRUE log hazard spreads beyond the patch. Its score (`CEILING`) is what a perfect prediction would give.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd

from cardiolib.digital_heart import simulate_outcomes
from cardiolib.digital_heart.outcomes import DEATH_FRACTION, VOLUME_WEIGHTS
from cardiolib.interpretation.attribution import attribute_network
from cardiolib.interpretation.motion_magnitude import as_displacements, motion_magnitude_mm
from cardiolib.interpretation.risk_motion import regression_motion
from cardiolib.interpretation.saliency import univariate_saliency
from cardiolib.interpretation.truth import score_against_truth
from cardiolib.meshes import SurfaceMesh
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.network.training import fit_network

KINDS = ("amplitude", "end-systole")
"""What of the patch the hazard reads: the mean length of its displacement over the cycle (what the paper's saliency
reads too), or how far it moves along its own mean direction at end-systole (which no map here reads)."""

CEILING, BASELINE = "correlation with the true log hazard", "mean motion (knows nothing of risk)"
STRENGTH = 1.4
"""SD of the planted log hazard, about that of the simulated cohort."""


@dataclass(frozen=True, eq=False)
class PlantedHazard:
    """Outcomes whose hazard is the motion of a patch.

    Attributes
    ----------
    patch : (V,) bool array
    log_hazard, time : (N,) arrays
        Time without meaningful unit.
    event : (N,) bool array
    """

    patch: np.ndarray = field(repr=False)
    log_hazard: np.ndarray = field(repr=False)
    event: np.ndarray = field(repr=False)
    time: np.ndarray = field(repr=False)


def plant_hazard(
    X: np.ndarray,
    mesh: SurfaceMesh,
    *,
    centre: int,
    kind: str = "end-systole",
    n_points: int = 20,
    rng: np.random.Generator,
) -> PlantedHazard:
    """Draw outcomes from a hazard that reads the motion of the points nearest to one.

    Parameters
    ----------
    X : (N, D) array
        mm.
    mesh : SurfaceMesh
        Its points, in the order of the motion, and their regions.
    centre : int
        Point in the middle of the patch; the patch stays on its side (free wall or septum).
    kind : str
        One of `KINDS`. Less motion is worse.
    n_points : int
        Of the patch.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        For an unknown kind, a centre that is no point, or a patch as large as its wall.
    """
    moves = as_displacements(X, n_vertices=mesh.n_points)
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
    if not 0 <= centre < mesh.n_points:
        raise ValueError(f"centre must be a point from 0 to {mesh.n_points - 1}, got {centre}")
    beside = np.flatnonzero(mesh.region == mesh.region[centre])
    if not 1 <= n_points < len(beside):
        raise ValueError(f"n_points must lie between 1 and {len(beside) - 1}, the points of that wall, got {n_points}")
    distance = np.linalg.norm(mesh.points[beside] - mesh.points[centre], axis=1)
    patch = np.zeros(mesh.n_points, dtype=bool)
    patch[beside[np.argsort(distance, kind="stable")[:n_points]]] = True
    length = np.linalg.norm(moves[:, :, patch], axis=3)
    if kind == "amplitude":
        read = length.mean(axis=(1, 2))
    else:
        at_es = moves[:, length.mean(axis=(0, 2)).argmax()][:, patch].mean(axis=1)
        read = at_es @ at_es.mean(axis=0)
    log_hazard = -STRENGTH * (read - read.mean()) / read.std()
    # the simulator's own times and censoring, with this hazard in the place of its one-trait hazard
    traits = pd.DataFrame({name: log_hazard / weight for name, weight in VOLUME_WEIGHTS.items()})
    drawn = simulate_outcomes(traits, hazard="volume", death_fraction=DEATH_FRACTION, rng=rng)
    return PlantedHazard(patch, log_hazard, drawn["event"].to_numpy(), drawn["time_years"].to_numpy())


@dataclass(frozen=True, eq=False)
class PlantedTest:
    """How well maps find a planted patch.

    Attributes
    ----------
    centre, kind
        As given.
    patch : (V,) bool array
    maps : dict of str to (V,) array
        The network's maps; with them `CEILING` and `BASELINE`.
    average_precision : dict of str to float
        Of each map against the patch.
    chance : float
        Of a random map: the share of points in the patch.
    risk_correlation : float
        Between the network's log risk and the planted log hazard.
    """

    centre: int
    kind: str
    patch: np.ndarray = field(repr=False)
    maps: dict[str, np.ndarray] = field(repr=False)
    average_precision: dict[str, float]
    chance: float
    risk_correlation: float


def planted_test(
    unit: tuple[int, str, int], *, X: np.ndarray, mesh: SurfaceMesh, settings: NetworkSettings
) -> PlantedTest:
    """Plant, train and score once.

    Parameters
    ----------
    unit : tuple
        Centre of the patch, kind, seed (of outcomes and training).
    X, mesh
        As :func:`plant_hazard`.
    settings : NetworkSettings
        With which the network is trained.

    Returns
    -------
    PlantedTest
        The network's risks are apparent ones here: a held-out risk would need several networks a patch.
    """
    centre, kind, seed = unit
    planted = plant_hazard(X, mesh, centre=centre, kind=kind, rng=np.random.default_rng(seed))
    network = fit_network(X, planted.event, planted.time, settings, seed=seed)
    risk = network.predict_log_risk(X)
    maps = saliency_maps(risk, X, n_vertices=mesh.n_points)
    attribution = attribute_network(network, X)
    maps["integrated gradients"] = attribution.phase_importance(n_vertices=mesh.n_points).sum(axis=0)
    magnitude = motion_magnitude_mm(X, n_vertices=mesh.n_points)
    maps[CEILING] = univariate_saliency(planted.log_hazard, magnitude).correlation
    maps[BASELINE] = magnitude.mean(axis=0)
    scores = {name: score_against_truth(values, planted.patch) for name, values in maps.items()}
    return PlantedTest(
        centre,
        kind,
        planted.patch,
        maps,
        {k: one.average_precision for k, one in scores.items()},
        float(planted.patch.mean()),
        float(np.corrcoef(risk, planted.log_hazard)[0, 1]),
    )


def planted_tests(
    X: np.ndarray, mesh: SurfaceMesh, settings: NetworkSettings, *, n_patches: int, seed: int, map_units: Callable = map
) -> list[PlantedTest]:
    """:func:`planted_test` at patches spread over the wall, the two kinds of hazard in turn."""
    rng = np.random.default_rng(seed)
    # one region after the other, so that a few patches see both walls
    sides = [np.flatnonzero(mesh.region == number) for number in np.unique(mesh.region)]
    units = [
        (int(rng.choice(sides[i % len(sides)])), KINDS[(i // len(sides)) % 2], int(rng.integers(2**31)))
        for i in range(n_patches)
    ]
    return list(map_units(partial(planted_test, X=X, mesh=mesh, settings=settings), units))


def planted_table(tests: list[PlantedTest]) -> pd.DataFrame:
    """Average precision of each map as a multiple of chance: mean over the patches, worst and best."""
    rows = [
        {"method": name, "times chance": score / test.chance}
        for test in tests
        for name, score in test.average_precision.items()
    ]
    grouped = pd.DataFrame(rows).groupby("method", sort=False)["times chance"]
    return grouped.agg(["mean", "min", "max"]).add_prefix("times chance, ").assign(patches=len(tests))


def saliency_maps(log_risk: np.ndarray, X: np.ndarray, *, n_vertices: int) -> dict[str, np.ndarray]:
    """Maps of association between log risk and motion, method to (V,) array.

    "correlation" is the paper's regression at each point on a scale that does not depend on how far a point moves;
    "slope" is its coefficient (log risk per mm), the paper's own choice as far as known, large where points hardly
    move; "change of motion" is the regression the other way round (mm per SD of the log risk), large where points
    move far.
    """
    found = univariate_saliency(log_risk, motion_magnitude_mm(X, n_vertices=n_vertices))
    moves = regression_motion(log_risk, X, n_vertices=n_vertices)
    return {"correlation": found.correlation, "slope": found.slope, "change of motion": moves.vertex_size_mm()}
