"""The digital heart: both ventricles of one subject, moving."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cardiolib.printed import as_html

from . import decimation, location, surfaces, volumes
from .anatomy import Anatomy, Bearing, wrap
from .kinematics import Kinematics
from .landmarks import landmark_material
from .location import Located
from .parameters import HeartParameters, mean_parameters

Sheet = Literal["lv", "rv"]
PHASES: NDArray[np.float64] = np.arange(20) / 20
PHASES.setflags(write=False)

_LEAST_SLOPE = 0.05  # of f: below it the wall at the base would be twenty times as thick as at rest


class DigitalHeart:
    """A parametric biventricular heart whose wall motion is in closed form, incompressible and invertible.

    Points are in mm in the heart frame (see `anatomy`); t in [0, 1) is a fraction of the cardiac cycle, 0 being
    end-diastole, where a material point (Q, Th, Z) has the cylinder coordinates that name it.

    Parameters
    ----------
    parameters : HeartParameters, optional
        By default those of the mean healthy heart.

    Attributes
    ----------
    motion : Kinematics
        The solved motion; `motion.anatomy.radius_mm`, `.depth_mm`, `motion.k_left` and `motion.k_right` are
        the four solved unknowns R, D, k_L and k_R.

    Raises
    ------
    ValueError
        When a requested volume or ejection fraction cannot be met, the cycle does not close, or a wall
        would fold.

    Notes
    -----
    Sheet "lv" carries the left ventricle with the septum, sheet "rv" the RV free wall. A point of the wall
    belongs to one of them; say which one, because at their border the position alone does not tell.

    Material coordinates are the ED cylinder coordinates about the straight axis. The bent axis and the tilted
    base are shears on top of them, present at ED too, so volumes and incompressibility do not notice them.

    Examples
    --------
    >>> import cardiolib as cl
    >>> heart = cl.DigitalHeart()
    >>> {name: round(fraction, 2) for name, fraction in heart.ejection_fractions().items()}
    {'lvef': 0.63, 'rvef': 0.57}
    >>> heart.points202().shape
    (20, 202, 3)
    """

    def __init__(self, parameters: HeartParameters | None = None) -> None:
        self.parameters = parameters = mean_parameters() if parameters is None else parameters
        _check_unfolded(Kinematics(Anatomy(parameters)))  # first: folded walls have no volume to solve for
        self.motion: Kinematics = volumes.solve(parameters, PHASES)

    def __repr__(self) -> str:
        p, motion = self.parameters, self.motion
        return (
            f"DigitalHeart(LVEDV {p.lvedv_ml:.0f} mL, LVEF {p.lvef:.0%}, "
            f"RVEDV {p.rvedv_ml:.0f} mL, RVEF {p.rvef:.0%}; R {motion.anatomy.radius_mm:.1f} mm, "
            f"D {motion.anatomy.depth_mm:.1f} mm, k_L {motion.k_left:.2f}, k_R {motion.k_right:.2f})"
        )

    def _repr_html_(self) -> str:
        curves = pd.DataFrame(self.volumes_ml(PHASES), index=pd.Index(PHASES, name="phase"))
        return as_html(f"SIMULATED {self!r}", curves.add_suffix(" (mL)"), decimals=1)

    @property
    def es_time(self) -> float:
        """Phase t_es at which the LV reaches full activation."""
        return self.motion.activation.end_systole()

    @cached_property
    def es_phase(self) -> float:
        """The one of the 20 phases at which the LV cavity is smallest."""
        return float(PHASES[np.argmin(self.volumes_ml(PHASES)["lv_cavity"])])

    def move(self, Q: ArrayLike, Th: ArrayLike, Z: ArrayLike, t: ArrayLike, *, sheet: Sheet) -> NDArray[np.float64]:
        """Positions of material points at phase t.

        Parameters
        ----------
        Q, Th, Z : array_like, broadcast to a shape (...)
            Squared radius (mm^2), angle (radians) and height (mm) at ED.
        t : float or array_like
            One phase, or phases of shape (T,): then T is the first axis of the result.
        sheet : {"lv", "rv"}
            On "lv", points inside the endocardium (Q < A0) are blood: q = Q A/A0, which is not material.

        Returns
        -------
        (..., 3) or (T, ..., 3) array
            Points in mm, heart frame.
        """
        _check_sheet(sheet)
        Q, Th, Z = np.broadcast_arrays(*(np.asarray(value, float) for value in (Q, Th, Z)))
        at, phase = Bearing.of(wrap(Th - np.pi)), self.motion.phase(t, Q.ndim)
        if sheet == "lv":
            state = self.motion.left(at, Z, phase)
            q = state.endo + (Q - state.ed.endo) / state.squeeze
            blood = (Q < state.ed.endo) & (state.ed.a0 > 0)
            q = np.where(blood, Q * state.endo / np.where(blood, state.ed.endo, 1.0), q)
        else:
            state = self.motion.right(at, Z, phase)
            q = state.endo + (Q - state.endo_ed) / state.squeeze
        # Rounding may leave -1e-13 on the axis itself.
        return self.motion.place(np.maximum(q, 0.0), state.bearing.psi + np.pi, state.z, phase)

    def material(
        self, xyz: ArrayLike, t: ArrayLike, *, sheet: Sheet
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Material coordinates (Q, Th, Z) of points (..., 3) at one phase t: the inverse of `move`.

        Th lies in [0, 2 pi).
        """
        _check_sheet(sheet)
        xyz, motion, phase = np.asarray(xyz, float), self.motion, self.motion.phase(float(t))
        q, moved, z = motion.unplace(xyz, phase)
        k = motion.flow(z, phase)
        at = moved if k is None else moved.spread(1.0 / k)
        if sheet == "lv":
            Z = motion.height_inverse(z, phase)
            state = motion.left(at, Z, phase)
            Q = state.ed.endo + (q - state.endo) * state.squeeze
            blood = (q < state.endo) & (state.ed.a0 > 0)
            Q = np.where(blood, q * state.ed.endo / np.where(blood, state.endo, 1.0), Q)
        else:
            Z = motion.height_inverse(z, phase, motion.excess(at, phase))
            state = motion.right(at, Z, phase)
            Q = state.endo_ed + (q - state.endo) * state.squeeze
        return Q, np.mod(at.psi + np.pi, 2.0 * np.pi), Z

    def locate(self, xyz: ArrayLike, t: float) -> Located:
        """Radii of all surfaces, material coordinates and labels at points of space; see `location.locate`."""
        return location.locate(self.motion, xyz, t)

    def volumes_ml(self, t: ArrayLike) -> dict[str, NDArray[np.float64]]:
        """Volumes in mL of "lv_cavity", "lv_wall" and "rv_cavity" at phases t, each of the shape of t."""
        return {
            "lv_cavity": volumes.lv_cavity_ml(self.motion, t),
            "lv_wall": volumes.lv_wall_ml(self.motion, t),
            "rv_cavity": volumes.rv_cavity_ml(self.motion, t),
        }

    def ejection_fractions(self) -> dict[str, float]:
        """Fractions "lvef" and "rvef" from the volumes at the 20 phases: 1 - least volume / volume at phase 0."""
        found = {}
        for name, volume in (("lvef", volumes.lv_cavity_ml), ("rvef", volumes.rv_cavity_ml)):
            curve = volume(self.motion, PHASES)
            found[name] = float(1.0 - curve.min() / curve[0])
        return found

    def surface(self, t: float) -> surfaces.SurfaceMesh:
        """Walls and septum as one mesh; vertex i is the same material point in every phase and every subject."""
        return surfaces.template_topology().with_points(self.surface_sequence([t])[0])

    def surface_sequence(self, phases: ArrayLike = PHASES) -> NDArray[np.float64]:
        """Vertex positions (T, V, 3) of `surface` at phases (T,)."""
        return surfaces.surface_points(self.motion, np.asarray(phases, float))

    def points202(self, phases: ArrayLike = PHASES) -> NDArray[np.float64]:
        """Positions (T, 202, 3) in mm of the 202 RV points of the survival network, without the full mesh."""
        return decimation.decimated_points(self.motion, np.asarray(phases, float))

    def landmarks(self, t: ArrayLike) -> NDArray[np.float64]:
        """The six `LANDMARKS`, (6, 3) mm, or (T, 6, 3) for phases (T,)."""
        Q, Th, Z = landmark_material(self.motion).T
        points = self.move(Q, Th, Z, t, sheet="lv")
        points[..., 4, :] = self.move(Q[4], Th[4], Z[4], t, sheet="rv")
        return points


def _check_unfolded(motion: Kinematics) -> None:
    """f' stays above 0 at the top of both sheets, where it is least, at full activation."""
    p = motion.parameters
    at = Bearing.of(np.linspace(-p.rv_half_angle_rad, p.rv_half_angle_rad, 41))
    phase = motion.phase(volumes.systolic_times(motion.activation, PHASES), 1)
    _, slope = motion.height(motion.anatomy.rv_base(at.psi), phase, motion.excess(at, phase))
    if not np.min(slope) > _LEAST_SLOPE:
        raise ValueError(
            f"the RV free wall would fold at its base: tapse_mm={p.tapse_mm:g} is too large for "
            f"length_mm={p.length_mm:g} and outflow_mm={p.outflow_mm:g}"
        )


def _check_sheet(sheet: str) -> None:
    if sheet not in ("lv", "rv"):
        raise ValueError(f"sheet must be 'lv' or 'rv', got {sheet!r}")
