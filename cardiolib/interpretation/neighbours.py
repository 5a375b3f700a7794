"""The graph behind Laplacian eigenmaps: who is whose neighbour in the code, and how the graph vibrates."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array, csr_matrix
from scipy.sparse.csgraph import connected_components, laplacian, minimum_spanning_tree
from scipy.spatial.distance import pdist, squareform
from sklearn.neighbors import kneighbors_graph

from cardiolib.printed import as_html


@dataclass(frozen=True, eq=False)
class NeighbourGraph:
    """Patients, and the weights of the edges between neighbours.

    Attributes
    ----------
    weights : (N, N) sparse matrix
        1 where two patients are each other's neighbours, 1/2 where one is the other's only, 0 elsewhere.
    n_neighbours : int
    n_pieces : int
        Into which the graph of neighbours fell; those were joined by their shortest links (1: nothing was joined).
    """

    weights: csr_matrix | csr_array = field(repr=False)
    n_neighbours: int
    n_pieces: int

    @property
    def edges(self) -> np.ndarray:
        """(E, 2) row numbers of the two patients of each edge, the smaller first."""
        first, second = self.weights.nonzero()
        return np.stack([first, second], axis=1)[first < second]

    def laplacian(self) -> np.ndarray:
        """(N, N) normalised Laplacian I - D^(-1/2) W D^(-1/2), with D the sums of the rows of W."""
        return np.asarray(laplacian(self.weights, normed=True).todense())

    def modes(self, n: int = 2) -> np.ndarray:
        """(N, n) the slowest modes but the constant one, from a full eigenvalue decomposition.

        They solve L f = lambda D f, and are what `cardiolib.laplacian_eigenmaps` draws, up to sign and scale.

        Examples
        --------
        Five patients in a row, each a neighbour of the next. The slowest mode runs from one end to the other:

        >>> import numpy as np
        >>> from cardiolib.interpretation import neighbour_graph
        >>> graph = neighbour_graph(np.arange(6.0)[:, None], n_neighbours=2)
        >>> mode = graph.modes(1)[:, 0]
        >>> bool((np.diff(mode) > 0).all() or (np.diff(mode) < 0).all())
        True
        """
        _, vectors = np.linalg.eigh(self.laplacian())
        degree = np.asarray(self.weights.sum(axis=1)).ravel()
        return vectors[:, 1 : n + 1] / np.sqrt(degree)[:, None]

    def __repr__(self) -> str:
        n = self.weights.shape[0]
        first = f"NeighbourGraph of {n} patients: {self.n_neighbours} neighbours each, {len(self.edges)} edges"
        joined = "" if self.n_pieces == 1 else f"\n  {self.n_pieces} pieces were joined by their shortest links"
        return first + joined

    def _repr_html_(self) -> str:
        return as_html(repr(self))


def neighbour_graph(code: np.ndarray, *, n_neighbours: int = 10) -> NeighbourGraph:
    """Join every patient to the nearest others in the code, by Euclidean distance.

    Parameters
    ----------
    code : (N, L) array
        N at least twice the neighbours and two more.
    n_neighbours : int

    Returns
    -------
    NeighbourGraph
        In one piece: where the neighbours leave several, edges of the shortest tree through all patients are added.

    Raises
    ------
    ValueError
        If the code is not finite, is constant, or has too few rows.

    Examples
    --------
    >>> import numpy as np
    >>> from cardiolib.interpretation import neighbour_graph
    >>> neighbour_graph(np.arange(6.0)[:, None], n_neighbours=2)
    NeighbourGraph of 6 patients: 2 neighbours each, 7 edges
    """
    code = check_code(code, n_neighbours)
    graph = kneighbors_graph(code, n_neighbours, include_self=False)
    graph = 0.5 * (graph + graph.T)
    pieces = int(connected_components(graph, directed=False)[0])
    if pieces > 1:
        distance = squareform(pdist(code))
        links = minimum_spanning_tree(distance + 1e-12 * distance.max()) > 0  # zeros would mean "no edge"
        graph = graph.maximum(0.5 * (links + links.T).astype(float))
    return NeighbourGraph(graph, n_neighbours, pieces)


def check_code(code: np.ndarray, n_neighbours: int) -> np.ndarray:
    """The code as an array of numbers that a graph of so many neighbours can be made from; ValueError otherwise."""
    code = np.asarray(code, dtype=float)
    if code.ndim != 2 or not np.isfinite(code).all():
        raise ValueError(f"code must be an (N, L) array of finite numbers, got shape {code.shape}")
    if n_neighbours < 2 or len(code) < 2 * n_neighbours + 2:
        raise ValueError(
            f"{len(code)} patients are too few for {n_neighbours} neighbours; at least twice as many "
            "and two more are needed, and at least 2 neighbours"
        )
    if np.ptp(code, axis=0).max() == 0:
        raise ValueError("the code is the same for every patient (all units dead?): there is nothing to map")
    return code
