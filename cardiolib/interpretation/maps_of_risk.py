"""Saliency of every vertex by several methods, and how these maps score against a hazard that is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cardiolib.interpretation.attribution import Attribution
from cardiolib.interpretation.explained_network import NO_SURFACE
from cardiolib.interpretation.planted import PlantedTest, planted_table
from cardiolib.interpretation.regions import summarise_by_region, summarise_by_region_and_phase
from cardiolib.interpretation.risk_motion import RiskMotion
from cardiolib.meshes import SurfaceMesh

PAPER, GRADIENTS, CHANGE = "regression of risk on motion (paper)", "integrated gradients", "change of motion with risk"
TRUTH = "true hazard"


@dataclass(frozen=True, eq=False)
class SaliencyMaps:
    """Saliency of every vertex by three methods, and the surface to paint it on.

    Attributes
    ----------
    mesh : SurfaceMesh
        End-diastolic surface; without triangles where the cohort's mesh is not known.
    vertices : DataFrame
        One row a vertex: region; slope (log risk per mm), correlation, p_family, significant of the paper's regression;
        p_family_death, significant_death of the same test with deaths instead of predicted risk; integrated_gradients
        (mean absolute share of the log risk over the phases) and its sign agreement over refits; change_mm (change of
        motion per SD of the log risk); mean_motion_mm.
    by_phase : dict of str to (T - 1, V) array
        Each method by phase.
    attribution : Attribution
        Of the network's log risk; completeness checked.
    risk_source : str
        "out-of-bag" or "apparent".
    magnitude_mm : (N, V) array
        Mean motion of each vertex of the patients whose risk is explained.
    """

    mesh: SurfaceMesh
    vertices: pd.DataFrame
    by_phase: dict[str, np.ndarray] = field(repr=False)
    attribution: Attribution = field(repr=False)
    risk_source: str
    magnitude_mm: np.ndarray = field(repr=False)

    @property
    def by_method(self) -> dict[str, np.ndarray]:
        """Method to one value a vertex."""
        columns = {PAPER: "correlation", GRADIENTS: "integrated_gradients", CHANGE: "change_mm"}
        return {name: self.vertices[column].to_numpy() for name, column in columns.items()}

    @property
    def summary(self) -> pd.DataFrame:
        """One row a method and region."""
        regions = self.vertices["region"]
        tables = {name: summarise_by_region(values, regions) for name, values in self.by_method.items()}
        return pd.concat(tables, names=["method"])

    @property
    def summary_by_phase(self) -> pd.DataFrame:
        """One row a method and phase, one column a region."""
        regions = self.vertices["region"]
        tables = {name: summarise_by_region_and_phase(values, regions) for name, values in self.by_phase.items()}
        return pd.concat(tables, names=["method"])

    @property
    def n_phases(self) -> int:
        """Phases of the cycle, end-diastole included."""
        return len(next(iter(self.by_phase.values()))) + 1

    @property
    def with_units(self) -> dict[str, np.ndarray]:
        """The maps by what they measure, with the unit: one value a vertex."""
        return {
            f"correlation with {self.risk_source} risk": self.vertices["correlation"].to_numpy(),
            "integrated gradients (log risk)": self.vertices["integrated_gradients"].to_numpy(),
            "change of motion (mm per SD of log risk)": self.vertices["change_mm"].to_numpy(),
        }

    @property
    def significant(self) -> np.ndarray:
        """(V,) bool: points that go with the explained risk beyond chance."""
        return self.vertices["significant"].to_numpy()

    def shares(self, truth: RiskMotion | None = None) -> pd.DataFrame:
        """Share of each region in each map and, where it is known, in the true change of motion."""
        columns = dict(self.by_method)
        if truth is not None:
            columns[TRUTH] = truth.vertex_size_mm()
        regions = self.vertices["region"]
        return pd.DataFrame({name: summarise_by_region(values, regions)["share"] for name, values in columns.items()})


@dataclass(frozen=True, eq=False)
class TrueScores:
    """The maps scored against the true change of motion with the hazard.

    Attributes
    ----------
    table : DataFrame
        One row a map. ``average precision`` against the points whose true change is more than half of the largest;
        ``chance`` for a random order of the points; ``shuffled``: the mean score of the same map made from risks dealt
        out at random, for integrated gradients that of the network trained on shuffled outcomes; ``rank correlation``
        with the true change. The last row is the plain mean motion, which knows nothing of risk: points that move far
        also change most, so a high score means little unless it lies well above that row. No rows where `lacks` says
        why.
    lacks : str
    """

    table: pd.DataFrame
    lacks: str = ""


@dataclass(frozen=True, eq=False)
class PlantedTests:
    """Hazards planted in patches of wall, and how well the maps of a network find them.

    Attributes
    ----------
    tests : list of PlantedTest
        None where no surface is known.
    mesh : SurfaceMesh
    """

    tests: list[PlantedTest] = field(repr=False)
    mesh: SurfaceMesh = field(repr=False)

    @property
    def lacks(self) -> str:
        """Why nothing was planted; empty where something was."""
        return "" if self.tests else NO_SURFACE

    @property
    def table(self) -> pd.DataFrame:
        """Average precision in multiples of chance, a row a method; no rows where nothing was planted."""
        return planted_table(self.tests) if self.tests else pd.DataFrame()

    @property
    def one_a_wall(self) -> dict[str, PlantedTest]:
        """Name of the wall -> the first test in it."""
        first = {int(self.mesh.region[test.centre]): test for test in reversed(self.tests)}
        names = self.mesh.region_names
        return {names[i].removeprefix("rv_").replace("free", "free wall"): first[i] for i in sorted(first)}
