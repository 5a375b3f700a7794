"""A statistical model of the shape of both ventricles, learnt from the digital heart.

The place of the original pipeline's atlases (4Dsegment: up to 400 hearts, the nearest three registered and fused) is
taken by what such a collection knows in common: a mean surface and the ways in which hearts differ from it, in order of
importance. A heart is then described by a position in space and some forty numbers instead of some thousand points, so
that thick slices, which are shifted against one another and may be labelled wrongly, are enough to find it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cardiolib.digital_heart import DigitalHeart, parameters_from_row, simulate_population, template_mesh
from cardiolib.meshes import SurfaceMesh
from cardiolib.segmentation.simulation import varied_heart

N_HEARTS = {"ph": 60, "control": 30}
"""Hearts of each kind that the model is learnt from; as many again are varied beyond the population."""

N_MODES = 30
_SEED = 4021


@dataclass(frozen=True, eq=False)
class ShapeModel:
    """Mean and modes of the digital heart's surface and landmarks, in the heart frame (mm).

    Attributes
    ----------
    template : SurfaceMesh
        The mean surface; V vertices in correspondence with every digital heart.
    mean : (V + 6, 3) array
        Mean positions of vertices and landmarks.
    modes : (M, V + 6, 3) array
        Principal directions, each scaled to one standard deviation of the hearts it was learnt from.
    """

    template: SurfaceMesh
    mean: np.ndarray
    modes: np.ndarray

    def points(self, coefficients: np.ndarray) -> np.ndarray:
        """(V + 6, 3) vertices and landmarks of the heart with these (M,) coefficients, in standard deviations."""
        return self.mean + np.tensordot(coefficients, self.modes, axes=1)


@lru_cache(maxsize=1)
def heart_shape_model() -> ShapeModel:
    """The model that the shape step uses: hearts of both kinds and varied ones, at end-diastole and end-systole."""
    rng = np.random.default_rng(_SEED)
    samples = []
    for kind, n in N_HEARTS.items():
        for row in simulate_population(n, kind=kind, rng=rng).to_dict("records"):
            for each in (row, varied_heart(row, rng)):
                heart = DigitalHeart(parameters_from_row(each))
                phases = [0.0, heart.es_phase]
                surfaces, marks = heart.surface_sequence(phases), heart.landmarks(np.array(phases))
                samples += list(np.concatenate([surfaces, marks], axis=1))
    data = np.array(samples)
    mean = data.mean(axis=0)
    # modes by the small matrix of inner products: there are fewer hearts than coordinates
    centred = (data - mean).reshape(len(data), -1)
    variance, vectors = np.linalg.eigh(centred @ centred.T / (len(data) - 1))
    largest = np.argsort(variance)[::-1][:N_MODES]
    modes = vectors[:, largest].T @ centred / np.sqrt(len(data) - 1)
    signs = np.sign(modes[np.arange(len(modes)), np.abs(modes).argmax(axis=1)])
    modes = (signs[:, None] * modes).reshape(-1, *mean.shape)
    template = template_mesh()
    return ShapeModel(template.with_points(mean[: template.n_points]), mean, modes)
