"""Maps of the latent code in two dimensions, each with a measure of how far it can be believed.

The paper shows Laplacian eigenmaps of the code, coloured by survival. A supervised code coloured by the outcome that
trained it separates even for noise: map out-of-bag or out-of-fold codes, or show a null panel beside.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.manifold import SpectralEmbedding, trustworthiness
from sklearn.neighbors import NearestNeighbors

from cardiolib.interpretation.neighbours import check_code, neighbour_graph
from cardiolib.printed import as_html

METHODS = ("laplacian eigenmaps", "umap", "pca")


@dataclass(frozen=True)
class LatentMap:
    """Patients in two dimensions.

    Attributes
    ----------
    method : str
    coordinates : (N, 2) array
        Without unit. Each axis is turned so that it rises with `orient_by`, or so that its extreme value is positive.
    n_neighbours : int or None
        Of the graph that was drawn from (None for principal components).
    trustworthiness, continuity : float
        At `judged_at` neighbours, 1 at best: are neighbours on the map neighbours in the code, and are neighbours in
        the code neighbours on the map [1]_.
    judged_at : int
    notes : tuple of str
        What the method had to change, for example the neighbourhood.

    References
    ----------
    .. [1] Venna and Kaski, Neural Networks 2001;14:485 (ICANN).
    """

    method: str
    coordinates: np.ndarray = field(repr=False)
    n_neighbours: int | None
    trustworthiness: float
    continuity: float
    judged_at: int
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        first = (
            f"LatentMap of {len(self.coordinates)} patients by {self.method}: trustworthiness "
            f"{self.trustworthiness:.2f}, continuity {self.continuity:.2f} at {self.judged_at} neighbours"
        )
        return "\n  ".join([first, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        return as_html(repr(self))


def laplacian_eigenmaps(
    code: np.ndarray, *, n_neighbours: int = 10, seed: int = 0, orient_by: np.ndarray | None = None
) -> LatentMap:
    """Laplacian eigenmaps: the slowest modes of diffusion on the graph of nearest neighbours.

    Parameters
    ----------
    code : (N, L) array
        Latent code of each patient.
    n_neighbours : int
        The paper does not state its own. A graph that falls into pieces is joined by the edges of the shortest tree
        through all patients, with a note: otherwise the modes only say which piece a patient belongs to.
    seed : int
        Of the eigenvalue solver's start.
    orient_by : (N,) array, optional
        For example the log risk.

    Returns
    -------
    LatentMap
        Graph: k nearest neighbours by Euclidean distance, made symmetric by averaging; normalised Laplacian.

    Raises
    ------
    ValueError
        If the code is not finite, is constant, or has no more rows than neighbours.

    Examples
    --------
    Patients along a line in a code of four numbers:

    >>> import numpy as np
    >>> import cardiolib as cl
    >>> code = np.outer(np.linspace(0, 1, 40), [1.0, 2.0, -1.0, 0.5])
    >>> found = cl.laplacian_eigenmaps(code, orient_by=code[:, 0])
    >>> found.coordinates.shape, found.trustworthiness > 0.9
    ((40, 2), True)
    """
    code = check_code(code, n_neighbours)
    graph = neighbour_graph(code, n_neighbours=n_neighbours)
    embedding = SpectralEmbedding(n_components=2, affinity="precomputed", random_state=seed, eigen_solver="arpack")
    coordinates = embedding.fit_transform(graph.weights)
    notes = (
        ()
        if graph.n_pieces == 1
        else (
            f"the graph of {n_neighbours} neighbours fell into {graph.n_pieces} pieces, which were "
            "joined by their shortest links",
        )
    )
    return _judged("laplacian eigenmaps", code, coordinates, n_neighbours, n_neighbours, orient_by, notes)


def umap_map(
    code: np.ndarray,
    *,
    n_neighbours: int = 15,
    min_distance: float = 0.1,
    seed: int = 0,
    orient_by: np.ndarray | None = None,
) -> LatentMap:
    """UMAP of the latent code, the same on every run with one seed (and therefore on one thread).

    Parameters
    ----------
    code, n_neighbours, seed, orient_by
        As :func:`laplacian_eigenmaps`.
    min_distance : float
        Smallest distance between points on the map.
    """
    code = check_code(code, n_neighbours)
    # of all distances (each patient is its own nearest): umap need not compile its approximate search
    distances, indices = NearestNeighbors(n_neighbors=n_neighbours).fit(code).kneighbors(code)
    with warnings.catch_warnings():  # optional tensorflow, one thread for a fixed seed, no search index
        warnings.simplefilter("ignore")
        from umap import UMAP

        reducer = UMAP(
            n_components=2,
            n_neighbors=n_neighbours,
            min_dist=min_distance,
            random_state=seed,
            n_jobs=1,
            force_approximation_algorithm=True,
            precomputed_knn=(indices.astype(np.int32), distances.astype(np.float32)),
        )
        coordinates = reducer.fit_transform(code)
    return _judged("umap", code, np.asarray(coordinates, dtype=float), n_neighbours, n_neighbours, orient_by, ())


def compile_umap() -> None:
    """Fit UMAP to a few random points: numba compiles it, which takes longer than to fit it, and keeps the result."""
    umap_map(np.random.default_rng(0).normal(size=(40, 3)), n_neighbours=5)


def pca_map(code: np.ndarray, *, judged_at: int = 10, orient_by: np.ndarray | None = None) -> LatentMap:
    """First two principal components of the latent code: the plain map that the others must beat."""
    code = check_code(code, judged_at)
    scores = PCA(n_components=min(2, *code.shape), svd_solver="full").fit_transform(code)
    coordinates = np.pad(scores, ((0, 0), (0, 2 - scores.shape[1])))
    return _judged("pca", code, coordinates, None, judged_at, orient_by, ())


def quality_table(maps: Any) -> pd.DataFrame:
    """One row a map: method, neighbours, trustworthiness, continuity, notes."""
    rows = [
        {
            "method": m.method,
            "neighbours": m.n_neighbours,
            "trustworthiness": m.trustworthiness,
            "continuity": m.continuity,
            "judged at": m.judged_at,
            "notes": "; ".join(m.notes),
        }
        for m in maps
    ]
    return pd.DataFrame(rows)


def _judged(
    method: str,
    code: np.ndarray,
    coordinates: np.ndarray,
    n_neighbours: int | None,
    judged_at: int,
    orient_by: np.ndarray | None,
    notes: Any,
) -> LatentMap:
    coordinates = _oriented(coordinates, orient_by)
    return LatentMap(
        method,
        coordinates,
        n_neighbours,
        float(trustworthiness(code, coordinates, n_neighbors=judged_at)),
        float(trustworthiness(coordinates, code, n_neighbors=judged_at)),
        judged_at,
        notes,
    )


def _oriented(coordinates: np.ndarray, orient_by: np.ndarray | None) -> np.ndarray:
    """Fix the sign of each axis, which the methods leave open."""
    if orient_by is None:
        extreme = coordinates[np.abs(coordinates).argmax(axis=0), np.arange(coordinates.shape[1])]
        return coordinates * np.where(extreme < 0, -1.0, 1.0)
    orient_by = np.asarray(orient_by, dtype=float)
    if orient_by.shape != (len(coordinates),) or not np.isfinite(orient_by).all():
        raise ValueError(f"orient_by must be {len(coordinates)} finite numbers, got shape {orient_by.shape}")
    rising = (coordinates - coordinates.mean(axis=0)).T @ (orient_by - orient_by.mean())
    return coordinates * np.where(rising < 0, -1.0, 1.0)
