"""The graph of the patients: its Laplacian, and modes that are those of the maps."""

from __future__ import annotations

import numpy as np
import pytest

from cardiolib.interpretation import laplacian_eigenmaps, neighbour_graph


@pytest.fixture(scope="module")
def code() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(40, 3)) * [3.0, 1.0, 0.2]


def test_weights_say_who_is_whose_neighbour(code: np.ndarray) -> None:
    graph = neighbour_graph(code, n_neighbours=5)
    weights = graph.weights.toarray()
    assert np.array_equal(weights, weights.T) and set(np.unique(weights)) <= {0.0, 0.5, 1.0}
    distance = np.linalg.norm(code[:, None] - code, axis=2)
    np.fill_diagonal(distance, np.inf)
    nearest = np.argsort(distance, axis=1)[:, :5]
    assert all(weights[i, j] > 0 for i in range(40) for j in nearest[i])
    assert len(graph.edges) == (weights[np.triu_indices(40, 1)] > 0).sum()


def test_the_laplacian_has_one_constant_mode(code: np.ndarray) -> None:
    values = np.linalg.eigvalsh(neighbour_graph(code, n_neighbours=5).laplacian())
    assert abs(values[0]) < 1e-10 and values[1] > 1e-6


def test_modes_are_the_coordinates_of_the_map(code: np.ndarray) -> None:
    modes = neighbour_graph(code, n_neighbours=6).modes(2)
    drawn = laplacian_eigenmaps(code, n_neighbours=6).coordinates
    for mode, axis in zip(modes.T, drawn.T, strict=True):
        assert abs(np.corrcoef(mode, axis)[0, 1]) == pytest.approx(1, abs=1e-6)


def test_pieces_are_joined_and_told() -> None:
    code = np.concatenate(
        [np.random.default_rng(1).normal(size=(10, 2)), np.random.default_rng(2).normal(100, 1, (10, 2))]
    )
    graph = neighbour_graph(code, n_neighbours=3)
    assert graph.n_pieces == 2 and "2 pieces were joined" in repr(graph)
    assert np.linalg.eigvalsh(graph.laplacian())[1] > 1e-9
