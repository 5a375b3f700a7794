"""Hearts of a cohort to look at: one, two that differ, one in its own images, and the function of one."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cardiolib.imaging import Cine, DenseCine, DisplacementField
from cardiolib.meshes import SurfaceMesh
from cardiolib.motion.displacement_score import DisplacementScore


@dataclass(frozen=True, eq=False)
class MovingHeart:
    """One heart to look at: 202-point surface and its positions (T, 202, 3) in mm, heart frame.

    `others` are the same points as tracked where `positions` are the truth, and in truth where they were tracked.
    """

    subject_id: str
    mesh: SurfaceMesh
    positions: np.ndarray
    source: str
    others: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Whose heart, and where its motion comes from."""
        return f"{self.subject_id}, right ventricle ({self.source})"

    @property
    def es_phase(self) -> int:
        """The phase at which the points are farthest from ED, on average."""
        return int(np.linalg.norm(self.positions - self.positions[:1], axis=-1).mean(axis=1).argmax())


@dataclass(frozen=True, eq=False)
class TwoHearts:
    """Two hearts of the cohort that differ, to see side by side.

    Attributes
    ----------
    mesh : SurfaceMesh
        Triangles of the 202 vertices.
    hearts : dict of str to (T, 202, 3) array
        What the heart is, with its ID -> positions in mm, heart frame. Empty where there are not two.
    title : str
        By what they were chosen.
    lacks : str
        Why there are none; empty where there are two.
    """

    mesh: SurfaceMesh
    hearts: dict[str, np.ndarray]
    title: str = ""
    lacks: str = ""


@dataclass(frozen=True, eq=False)
class HeartInImages:
    """A tracked heart and the slice of its own cine that cuts through its middle.

    Attributes
    ----------
    subject_id : str
    surfaces : dict of str to SurfaceMesh
        Region ("lv_endo", "rv_endo") -> triangles.
    positions : dict of str to (T, V, 3) array
        The same names; mm, z to the base along the slices' normal, x from the RV to the LV.
    images : (T, I, J) float32 array
        Grey values of the slice in the cine's frame at each phase.
    grid : (I, J, 3) array
        Where the slice's voxels are, in the same axes.
    frames : (T,) int array
        Frame of the cine, from 0, that is shown at each phase.
    simulated : bool
    lacks : str
        Why there is no such heart, and then everything else is empty.
    """

    subject_id: str
    surfaces: dict[str, SurfaceMesh]
    positions: dict[str, np.ndarray]
    images: np.ndarray
    grid: np.ndarray
    frames: np.ndarray
    simulated: bool = False
    lacks: str = ""

    @classmethod
    def none(cls, reason: str) -> HeartInImages:
        """No heart, for this reason."""
        return cls("", {}, {}, np.zeros((0, 0, 0)), np.zeros((0, 0, 3)), np.zeros(0, int), lacks=reason)

    @property
    def title(self) -> str:
        """Whose heart it is."""
        whose = "simulated heart" if self.simulated else "real patient"
        return f"{self.subject_id}: {whose}, tracked in the images"


@dataclass(frozen=True, eq=False)
class EncodedHeart:
    """A tracked heart whose motion was measured as well: a displacement field beside its cine.

    Attributes
    ----------
    subject_id : str
    cine : Cine or None
    field : DisplacementField or None
        On the cine's grid.
    score : DisplacementScore
        Of the tracker against the field.
    tagged : Cine or None
        The same slices tagged, where there are such images.
    dense : DenseCine or None
        What the field was unwrapped from, where there are such images.
    lacks : str
        Why there is no such heart, and then everything else is empty.
    """

    subject_id: str
    cine: Cine | None
    field: DisplacementField | None
    score: DisplacementScore
    tagged: Cine | None = None
    dense: DenseCine | None = None
    lacks: str = ""

    @classmethod
    def none(cls, reason: str) -> EncodedHeart:
        """No heart, for this reason."""
        return cls("", None, None, DisplacementScore.none(reason), lacks=reason)

    def __repr__(self) -> str:
        return f"EncodedHeart: none. {self.lacks}" if self.lacks else f"EncodedHeart {self.subject_id}\n{self.score}"


@dataclass(frozen=True, eq=False)
class HeartFunction:
    """Volumes and strains of one heart over the cycle.

    Attributes
    ----------
    subject_id : str
    curves : DataFrame
        panel (its axis label), curve (name), phase (whole numbers from 0, end-diastole), value, and truth of simulated
        hearts (NaN where it is not known).
    es_phase : int
        Where the LV's volume is smallest.
    """

    subject_id: str
    curves: pd.DataFrame
    es_phase: int
