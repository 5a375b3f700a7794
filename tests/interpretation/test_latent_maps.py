"""Maps of the code: repeatable, oriented, judged, and honest about graphs in pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.interpretation import laplacian_eigenmaps, pca_map, quality_table, umap_map


def arc(n=80, seed=0):
    """Points along a half circle in five dimensions, and their place on it."""
    rng = np.random.default_rng(seed)
    place = np.sort(rng.random(n))
    circle = np.column_stack([np.cos(np.pi * place), np.sin(np.pi * place)])
    return np.hstack([circle, 0.01 * rng.normal(size=(n, 3))]), place


def test_the_first_eigenmap_is_the_place_along_a_curve():
    code, place = arc()
    found = laplacian_eigenmaps(code, n_neighbours=6, orient_by=place)
    rank = found.coordinates[:, 0].argsort().argsort()
    assert np.corrcoef(rank, np.arange(80))[0, 1] > 0.99
    assert found.trustworthiness > 0.95
    assert found.continuity > 0.95
    assert found.notes == ()


@pytest.mark.parametrize("method", [laplacian_eigenmaps, pca_map])
def test_maps_are_repeatable_and_their_sign_is_fixed(method):
    code, place = arc(seed=1)
    a, b = method(code), method(code)
    np.testing.assert_array_equal(a.coordinates, b.coordinates)
    extreme = a.coordinates[np.abs(a.coordinates).argmax(axis=0), [0, 1]]
    assert (extreme > 0).all()
    up, down = method(code, orient_by=place), method(code, orient_by=-place)
    np.testing.assert_allclose(up.coordinates, -down.coordinates)


def test_a_graph_in_pieces_is_joined_and_said_so():
    rng = np.random.default_rng(0)
    code = np.vstack([rng.normal(size=(30, 3)), rng.normal(size=(30, 3)) + 50])
    found = laplacian_eigenmaps(code, n_neighbours=5)
    assert "2 pieces" in found.notes[0]
    first = found.coordinates[:, 0]
    assert (np.sign(first[:30] - first.mean()) != np.sign(first[30:] - first.mean())).all()


def test_patients_with_equal_codes_and_dead_units_are_mapped():
    rng = np.random.default_rng(0)
    code = np.maximum(rng.normal(size=(60, 4)), 0)
    code[:, 2], code[40:55] = 0, code[0]
    for found in (laplacian_eigenmaps(code, n_neighbours=5), pca_map(code)):
        assert np.isfinite(found.coordinates).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0.1, 10))
def test_principal_components_do_not_depend_on_rotation(seed, scale):
    code, place = arc(seed=seed)
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(5, 5)))[0]
    a, b = pca_map(code, orient_by=place), pca_map(scale * code @ rotation, orient_by=place)
    np.testing.assert_allclose(b.coordinates[:, 0], scale * a.coordinates[:, 0], atol=1e-8)
    assert b.trustworthiness == pytest.approx(a.trustworthiness, abs=1e-3)


def test_a_plane_is_mapped_faithfully_by_its_components():
    code = np.random.default_rng(0).normal(size=(70, 2)) @ np.ones((2, 6))
    plane = np.random.default_rng(1).normal(size=(70, 2))
    code[:, :2] += plane
    assert pca_map(plane).trustworthiness == 1
    table = quality_table([pca_map(code), laplacian_eigenmaps(code)])
    assert table["method"].tolist() == ["pca", "laplacian eigenmaps"]
    quality = table[["trustworthiness", "continuity"]].to_numpy()
    assert ((quality > 0.5) & (quality <= 1)).all()


@pytest.mark.parametrize("method", [laplacian_eigenmaps, pca_map])
def test_what_is_not_accepted(method):
    with pytest.raises(ValueError, match="finite"):
        method(np.full((40, 3), np.nan))
    with pytest.raises(ValueError, match="too few"):
        method(np.eye(10))
    with pytest.raises(ValueError, match="same for every patient"):
        method(np.ones((40, 3)))
    with pytest.raises(ValueError, match="orient_by"):
        method(arc()[0], orient_by=np.zeros(3))


@pytest.mark.slow
def test_umap_is_repeatable_and_separates_groups():
    rng = np.random.default_rng(0)
    code = np.vstack([rng.normal(size=(40, 6)), rng.normal(size=(40, 6)) + 8])
    a, b = umap_map(code, seed=3), umap_map(code, seed=3)
    np.testing.assert_array_equal(a.coordinates, b.coordinates)
    distance = np.linalg.norm(a.coordinates[:, None] - a.coordinates[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert ((distance.argmin(axis=1) < 40) == (np.arange(80) < 40)).all()
