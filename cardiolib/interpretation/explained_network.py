"""The network that is explained, with the motion it reads, the risks that the maps explain, and the surface."""

from __future__ import annotations

from dataclasses import dataclass

from cardiolib.interpretation.risk_source import ExplainedRisk
from cardiolib.meshes import SurfaceMesh
from cardiolib.survival.data import SurvivalData
from cardiolib.survival.network.fitted import FittedNetwork

NO_SURFACE = "The surface of this cohort's points is not known: hearts, volumes and patches of wall cannot be drawn."


@dataclass(frozen=True, eq=False)
class InterpretationInputs:
    """What the earlier notebooks left.

    Attributes
    ----------
    data : SurvivalData
    network : FittedNetwork
    risk : ExplainedRisk
        Out of bag where notebook 04 has stored its bootstrap.
    mesh : SurfaceMesh
        End-diastolic surface of the points; without triangles where the cohort's surface is not known.
    """

    data: SurvivalData
    network: FittedNetwork
    risk: ExplainedRisk
    mesh: SurfaceMesh

    @property
    def n_vertices(self) -> int:
        """Points of the heart, V."""
        return self.data.feature_shape[1]

    @property
    def has_surface(self) -> bool:
        """Whether the points are known as a surface of free wall and septum."""
        return bool(len(self.mesh.triangles))

    @property
    def lacks(self) -> str:
        """What cannot be drawn without a surface; empty where there is one."""
        return "" if self.has_surface else NO_SURFACE
