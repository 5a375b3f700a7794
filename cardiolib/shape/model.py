"""A statistical model of the shape of both ventricles, learnt from the digital heart.

The place of the original pipeline's atlases (4Dsegment: up to 400 hearts, the nearest three registered and fused) is
taken by what such a collection knows in common: a mean surface and the ways in which hearts differ from it, in order of
importance. A heart is then described by a position in space and some forty numbers instead of some thousand points, so
that thick slices, which are shifted against one another and may be labelled wrongly, are enough to find it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from cardiolib.digital_heart import (
    HEART_KINDS,
    DigitalHeart,
    heart_of_kind,
    parameters_from_row,
    simulate_population,
)
from cardiolib.digital_heart.variation import varied_heart
from cardiolib.files import atomic_path, read_arrays
from cardiolib.meshes import SurfaceMesh, template_mesh

N_HEARTS = {"ph": 60, "control": 30}
"""Hearts of each population that the model is learnt from; as many again are varied beyond it, and `N_OF_KIND` of each
named kind come on top."""

N_OF_KIND = 12
"""Hearts of each named kind (`HEART_KINDS`) besides."""

N_MODES = 30
SHIPPED = Path(__file__).with_name("shape.npz")
"""The model that comes with cardiolib, made by ``make network``."""
_SEED = 4021


@dataclass(frozen=True, eq=False)
class ShapeModel:
    """Mean and modes of the digital heart's surface and landmarks, in the heart frame (mm).

    Attributes
    ----------
    template : SurfaceMesh
        The mean surface; V vertices in correspondence with every digital heart.
    mean : (F, V + 6, 3) array
        Mean positions of vertices and landmarks in F phases (one, for a model of shape alone).
    modes : (M, F, V + 6, 3) array
        Principal directions, each scaled to one standard deviation of the hearts it was learnt from.
    """

    template: SurfaceMesh
    mean: np.ndarray
    modes: np.ndarray

    def points(self, coefficients: np.ndarray) -> np.ndarray:
        """(F, V + 6, 3) vertices and landmarks of the heart with these (M,) coefficients, in standard deviations."""
        flat = self.modes.reshape(len(self.modes), -1)
        return self.mean + (coefficients.astype(flat.dtype) @ flat).reshape(self.mean.shape)

    @classmethod
    def learn(cls, samples: np.ndarray, n_modes: int) -> ShapeModel:
        """Principal components of hearts (N, F, V + 6, 3), mm in the heart frame."""
        mean = samples.mean(axis=0)
        # by the small matrix of inner products: there are fewer hearts than coordinates
        centred = (samples - mean).reshape(len(samples), -1)
        variance, vectors = np.linalg.eigh(centred @ centred.T / (len(samples) - 1))
        largest = np.argsort(variance)[::-1][:n_modes]
        modes = vectors[:, largest].T @ centred / np.sqrt(len(samples) - 1)
        signs = np.sign(modes[np.arange(len(modes)), np.abs(modes).argmax(axis=1)])
        modes = (signs[:, None] * modes).reshape(-1, *mean.shape)
        template = template_mesh()
        return cls(template.with_points(mean[0, : template.n_points]), mean, modes)


def sample_hearts(n_hearts: dict[str, int], *, seed: int) -> Iterator[DigitalHeart]:
    """Hearts of each population, each of them once more, varied beyond it, and `N_OF_KIND` of each named kind."""
    rng = np.random.default_rng(seed)
    for kind, n in n_hearts.items():
        for row in simulate_population(n, kind=kind, rng=rng).to_dict("records"):
            for each in (row, varied_heart(row, rng)):
                yield DigitalHeart(parameters_from_row(each))
    for kind in HEART_KINDS:
        for _ in range(N_OF_KIND):
            yield DigitalHeart(parameters_from_row(heart_of_kind(kind, rng)))


def learn_shape_model() -> ShapeModel:
    """The model anew from simulated hearts: patients, controls, varied ones and named kinds, at ED and ES."""
    samples = []
    for heart in sample_hearts(N_HEARTS, seed=_SEED):
        phases = np.array([0.0, heart.es_phase])
        samples += list(np.concatenate([heart.surface_sequence(phases), heart.landmarks(phases)], axis=1))
    return ShapeModel.learn(np.array(samples)[:, None], N_MODES)


@lru_cache(maxsize=1)
def heart_shape_model() -> ShapeModel:
    """The model that the shape step uses; it comes with cardiolib (`learn_shape_model` learnt it)."""
    return read_model(SHIPPED)


def write_model(model: ShapeModel, path: Path, *, rank: int) -> float:
    """Write a model in little room, and say how much was lost.

    Mean and modes of all phases are written as combinations of `rank` fields of displacements over the vertices, in
    half precision.

    Parameters
    ----------
    model : ShapeModel
    path : Path
        An ``.npz`` file.
    rank : int

    Returns
    -------
    float
        Largest difference of any coordinate of mean or modes (mm; a mode is one standard deviation).
    """
    still = model.mean[0].astype(np.float32)
    rows = np.concatenate([(model.mean - still)[None], model.modes]).astype(float)
    flat = rows.reshape(-1, still.size)
    left, size, right = np.linalg.svd(flat, full_matrices=False)
    right = right[:rank]
    scale = np.abs(right).max(axis=1, keepdims=True)
    weights = (left[:, :rank] * size[:rank] * scale.T).astype(np.float32)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            still=still,
            weights=weights.reshape(*rows.shape[:2], -1),
            fields=(right / scale).astype(np.float16),
        )
    read = read_model(path)
    return float(max(np.abs(read.mean - model.mean).max(), np.abs(read.modes - model.modes).max()))


def read_model(path: Path) -> ShapeModel:
    """What `write_model` wrote."""
    arrays = read_arrays(path, ("still", "weights", "fields"), what="shape model", remedy="Install cardiolib again.")
    still, weights, fields = arrays["still"], arrays["weights"], arrays["fields"].astype(np.float32)
    rows = (weights @ fields).reshape(*weights.shape[:2], *still.shape)
    template = template_mesh()
    mean = still + rows[0]
    return ShapeModel(template.with_points(mean[0, : template.n_points]), mean, rows[1:])
