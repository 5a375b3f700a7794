"""What a population knows about motion: a model of hearts in all phases, fitted to the contours of a cine.

Short-axis slices hardly show how far a piece of muscle moved along the heart's axis, or around it. A population of
hearts whose material motion is known (the digital heart's: patients, controls, hearts varied far beyond both, and the
named kinds) says which of those motions go with the contours that are seen. The fit uses the contours, and the levels
of base and apex, of all frames together. What it says about real hearts is as true as the simulator is: nobody has
measured it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from cardiolib.digital_heart import PHASES
from cardiolib.imaging import LabelMap
from cardiolib.meshes import template_mesh
from cardiolib.motion.strain import AROUND, RINGS
from cardiolib.shape import (
    Evidence,
    FittedModel,
    ShapeFitSettings,
    ShapeModel,
    base_is_last_slice,
    fit_model,
    read_model,
    sample_hearts,
)

N_HEARTS = {"ph": 60, "control": 30}
"""Hearts of each population that the model is learnt from; as many again are varied beyond it, and those of named kinds
come on top (`sample_hearts`)."""

N_MODES = 40
SHIPPED = Path(__file__).with_name("motion.npz")
"""The model that comes with cardiolib, made by ``make network``."""
_SEED = 4022

WHOLE_HEART_MM, WHOLE_HEART_DEGREES = 1.5, 2.0
"""SD of the motion of the heart as a whole that the population may lack."""


THINNING = 3
"""Every third point of a contour is used: about 4 mm apart."""

ES_PHASE = 0.4
"""Where in the cycle the second of two frames lies (end-systole), by convention."""


@dataclass(frozen=True, eq=False)
class PopulationMotion:
    """The population's motion that goes best with a segmented cine.

    Attributes
    ----------
    phases : (T,) array
        Fractions of the cycle from end-diastole, 0 first.
    positions : (T, V, 3) array
        Vertices of the template at these phases, world mm, slice shifts undone.
    fitted : FittedModel
        At the frames that could be read.
    trust : dict of str to float
        How much each contour counted; 1 where nothing is said.
    """

    phases: np.ndarray
    positions: np.ndarray
    fitted: FittedModel
    trust: dict[str, float] = field(default_factory=dict)

    @property
    def strangeness(self) -> float:
        """How many times too narrow the population is for this heart; 1 for a heart of the population.

        The root mean square of the coefficients, in standard deviations of the population, times the mean distance that
        is left between contours and model, in multiples of what a contour is off by itself; each at least 1.
        """
        spread = float(np.sqrt((self.fitted.coefficients**2).mean()))
        left_mm = float(np.mean(list(self.fitted.residual_mm.values())))
        return max(1.0, spread) * max(1.0, left_mm / ShapeFitSettings().contour_sd_mm)

    def with_midwall(self) -> np.ndarray:
        """(T, V + 3 x 961, 3) positions of the vertices and of LV material a quarter, half and three quarters through.

        Between a vertex of the endocardium and the one opposite it, at the share of the squared radius about the ring's
        centre: an incompressible wall keeps that share.
        """
        template = template_mesh()
        inner, outer = (self.positions[:, template.region_mask(name)] for name in ("lv_endo", "lv_epi"))
        rings = inner[:, 1:].reshape(len(inner), RINGS, AROUND, 3)
        centre = np.broadcast_to(rings.mean(axis=2, keepdims=True), rings.shape).reshape(len(inner), -1, 3)
        centre = np.concatenate([inner[:, :1], centre], axis=1)  # the pole is a ring of no radius
        near, far = (np.linalg.norm(wall - centre, axis=2) for wall in (inner, outer))
        parts = [self.positions]
        for share in (0.25, 0.5, 0.75):
            radius = np.sqrt((1 - share) * near**2 + share * far**2)
            across = (radius - near) / np.maximum(far - near, 1e-9)
            parts.append(inner + across[..., None] * (outer - inner))
        return np.concatenate(parts, axis=1)


def learn_motion_model() -> ShapeModel:
    """The model anew from simulated hearts: 20 phases from end-diastole."""
    samples = [
        np.concatenate([heart.surface_sequence(PHASES), heart.landmarks(PHASES)], axis=1).astype(np.float32)
        for heart in sample_hearts(N_HEARTS, seed=_SEED)
    ]
    return ShapeModel.learn(np.array(samples), N_MODES)


@lru_cache(maxsize=1)
def heart_motion_model() -> ShapeModel:
    """Mean and modes of motion over the cardiac cycle, 20 phases from end-diastole.

    It comes with cardiolib (`learn_motion_model` learnt it).
    """
    return _with_whole_heart_motion(read_model(SHIPPED))


def _with_whole_heart_motion(model: ShapeModel) -> ShapeModel:
    """With further modes: the heart as a whole is displaced across its axis and turned about it over the cycle.

    Breathing, the diaphragm and the great vessels move hearts in ways that no simulated heart does.
    """
    angle = 2 * np.pi * PHASES * np.array([[1], [2]])
    course = np.concatenate([(1 - np.cos(angle)) / 2, np.sin(angle)])  # (4, F), zero at end-diastole
    x, y = model.mean[..., 0], model.mean[..., 1]
    nothing, everywhere = np.zeros_like(x), np.ones_like(x)
    fields = [
        WHOLE_HEART_MM * np.stack([everywhere, nothing, nothing], axis=-1),
        WHOLE_HEART_MM * np.stack([nothing, everywhere, nothing], axis=-1),
        np.radians(WHOLE_HEART_DEGREES) * np.stack([-y, x, nothing], axis=-1),
    ]
    further = [one * time[:, None, None] for one in fields for time in course]
    return replace(model, modes=np.concatenate([model.modes, np.array(further, model.modes.dtype)]))


def model_at(model: ShapeModel, phases: np.ndarray) -> ShapeModel:
    """The model at other phases of the cycle, linear in time between its own."""
    n = model.mean.shape[0]
    position = np.mod(np.asarray(phases, float), 1.0) * n
    first, share = np.floor(position).astype(int) % n, position % 1.0
    if not share.any():
        if np.array_equal(first, np.arange(n)):
            return model  # the modes are some 50 MB: not copied for nothing
        return replace(model, mean=model.mean[first], modes=model.modes.take(first, axis=1))
    weight = share[:, None, None].astype(np.float32)
    mean = model.mean[first] * (1 - weight) + model.mean[(first + 1) % n] * weight
    modes = model.modes.take(first, axis=1) * (1 - weight) + model.modes.take((first + 1) % n, axis=1) * weight
    return replace(model, mean=mean, modes=modes)


def fit_population(
    labels: LabelMap,
    *,
    ed_frame: int = 0,
    slice_shift_mm: np.ndarray | None = None,
    settings: ShapeFitSettings | None = None,
    trust: dict[str, float] | None = None,
) -> PopulationMotion:
    """Fit the population's motion model to a segmented cine.

    Parameters
    ----------
    labels : LabelMap
        Every frame of one cardiac cycle, evenly spaced in time; any scheme with lv_cavity, lv_wall and rv_cavity.
    ed_frame : int
    slice_shift_mm : (K, 2) array, optional
        Shifts that are known already; found by default.
    settings : ShapeFitSettings, optional
    trust : dict of str to float, optional
        How much each contour counts; 1 by default.

    Raises
    ------
    ValueError
        When a structure is missing at end-diastole or in more than half of the frames, or the landmarks that fix the
        first pose are.
    """
    settings = ShapeFitSettings(iterations=8) if settings is None else settings
    model = heart_motion_model()
    order = np.r_[ed_frame : labels.n_frames, 0:ed_frame]
    phases = np.array([0.0, ES_PHASE]) if labels.n_frames == 2 else np.arange(labels.n_frames) / labels.n_frames
    up = base_is_last_slice(labels.labels, labels.affine, scheme=labels.scheme)
    evidence, seen_at = [Evidence.of(labels, int(order[0]), base_is_last=up).thinned(THINNING)], [0.0]
    for frame, phase in zip(order[1:], phases[1:], strict=True):
        try:
            evidence.append(Evidence.of(labels, int(frame), base_is_last=up).thinned(THINNING))
        except ValueError:
            continue  # a frame without a ventricle says nothing; the others do
        seen_at.append(float(phase))
    if len(evidence) < 2 or 2 * len(evidence) < len(order):
        raise ValueError(
            f"both ventricles have contours in {len(evidence)} of {len(order)} frames only: too few to "
            "say how the heart moves"
        )
    trust = trust or {}
    evidence = [replace(one, trust=trust) for one in evidence]
    fitted = fit_model(evidence, model_at(model, np.array(seen_at)), settings, slice_shift_mm=slice_shift_mm)
    phases = phases if labels.n_frames == 2 else PHASES
    points = fitted.place(model_at(model, phases).points(fitted.coefficients))
    return PopulationMotion(phases, points[:, : model.template.n_points], fitted, trust)
