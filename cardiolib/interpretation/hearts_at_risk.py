"""Hearts at low and at high risk, decoded and in truth, and what a clinician would measure in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from cardiolib.interpretation.explained_network import NO_SURFACE
from cardiolib.interpretation.physiology import change_with_risk, function_over_cycle, physiology
from cardiolib.interpretation.risk_motion import LEAST_SQUARES_PATTERN, RiskMotion
from cardiolib.meshes import SurfaceMesh

SHOWN = LEAST_SQUARES_PATTERN
"""The method whose hearts are drawn: decoded from the code, by a decoder that has been fitted."""
LOW, HIGH, TRUE_LOW, TRUE_HIGH = "low risk", "high risk", "low risk, in truth", "high risk, in truth"


@dataclass(frozen=True, eq=False)
class RiskHearts:
    """Hearts at low and at high risk.

    Attributes
    ----------
    motions : list of RiskMotion
        By method.
    truth : RiskMotion or None
        In simulated cohorts whose hazard varies.
    methods : DataFrame
        The methods compared, with the truth where it is known.
    refits : DataFrame
        Agreement of the direction between refitted networks.
    hearts : dict of str to (T, V, 3) array
        "low risk" and "high risk" (the method `SHOWN`), and the same in truth; mm. All begin at one end-diastolic
        shape, because the network sees displacements only.
    mesh : SurfaceMesh
    amount_sd : float
    """

    motions: list[RiskMotion] = field(repr=False)
    truth: RiskMotion | None = field(repr=False)
    methods: pd.DataFrame
    refits: pd.DataFrame
    hearts: dict[str, np.ndarray] = field(repr=False)
    mesh: SurfaceMesh = field(repr=False)
    amount_sd: float

    @property
    def lacks(self) -> str:
        """What cannot be drawn or measured without a surface; empty where there is one."""
        return "" if len(self.mesh.triangles) else NO_SURFACE

    @property
    def learnt(self) -> dict[str, np.ndarray]:
        """The two hearts that the network has learnt, without the true ones."""
        return {name: self.hearts[name] for name in (LOW, HIGH)}

    @property
    def changes(self) -> dict[str, np.ndarray]:
        """Change of motion at each point per SD of the log risk, decoded and, where it is known, in truth."""
        shown = next(one for one in self.motions if one.method == SHOWN)
        changes = {"change of motion, decoded (mm per SD of log risk)": shown.vertex_size_mm()}
        if self.truth is not None:
            changes["change of motion, in truth (mm per SD)"] = self.truth.vertex_size_mm()
        return changes

    @cached_property
    def physiology(self) -> pd.DataFrame:
        """Clinical measures at low and high risk; no rows without a surface."""
        if self.lacks:
            return pd.DataFrame()
        measures = {name: physiology(positions, self.mesh) for name, positions in self.hearts.items()}
        return change_with_risk(measures[LOW], measures[HIGH], measures.get(TRUE_LOW), measures.get(TRUE_HIGH))

    @cached_property
    def cycle_curves(self) -> pd.DataFrame:
        """Volume, base descent, septal shift and shortening over the cycle, a row a heart and phase; none without a
        surface."""
        if self.lacks:
            return pd.DataFrame()
        tables = {name: function_over_cycle(positions, self.mesh) for name, positions in self.hearts.items()}
        return pd.concat(tables, names=["heart", "frame"]).reset_index()
