"""How the triangles of a surface hang together: edges, neighbours, borders, enclosed volume."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from cardiolib.meshes.surface import SurfaceMesh


def edges(mesh: SurfaceMesh) -> np.ndarray:
    """(E, 2) int64 array: every edge once, smaller vertex index first, in ascending order."""
    return np.unique(np.sort(_directed_edges(mesh.triangles), axis=1), axis=0)


def neighbours(mesh: SurfaceMesh) -> list[np.ndarray]:
    """For each vertex, the ascending indices of the vertices that share an edge with it."""
    both = edges(mesh)
    both = np.concatenate([both, both[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    starts = np.searchsorted(both[:, 0], np.arange(1, mesh.n_points))
    return np.split(both[:, 1], starts)


def parts(mesh: SurfaceMesh) -> np.ndarray:
    """(V,) number of the connected part each vertex belongs to, from 0."""
    pairs = edges(mesh)
    links = sparse.coo_matrix((np.ones(len(pairs)), pairs.T), shape=(mesh.n_points, mesh.n_points))
    return connected_components(links, directed=False)[1]


def boundary_loops(mesh: SurfaceMesh) -> list[np.ndarray]:
    """Border of an open surface: closed walks along the edges that only one triangle has.

    Returns
    -------
    list of (n,) int64 arrays
        Vertices in the direction in which the triangles use the edges; empty for a closed surface.

    Raises
    ------
    ValueError
        When an edge is used twice in one direction: triangles with contradicting orientation, or
        more than two triangles at an edge.
    """
    directed = _directed_edges(mesh.triangles)
    key = directed[:, 0] * mesh.n_points + directed[:, 1]
    if len(np.unique(key)) != len(key):
        raise ValueError(
            "some edges are used twice in the same direction: the triangles are not oriented alike "
            "(see cardiolib.meshes.orient), or more than two meet at an edge"
        )
    border = directed[~np.isin(key, directed[:, 1] * mesh.n_points + directed[:, 0])]
    follows: dict[int, list[int]] = {}
    for start, end in border.tolist():
        follows.setdefault(start, []).append(end)
    loops = []
    for first in sorted(follows):
        while follows[first]:
            loop, current = [first], follows[first].pop()
            while current != first:
                loop.append(current)
                current = follows[current].pop()
            loops.append(np.array(loop, np.int64))
    return loops


def enclosed_volume_ml(mesh: SurfaceMesh, *, cap: bool = False) -> float:
    """Volume inside a surface by the divergence theorem.

    Parameters
    ----------
    mesh : SurfaceMesh
        Points in mm.
    cap : bool
        Close each opening (a valve) with a fan of triangles around the mean of its border points.

    Returns
    -------
    float
        mL, never negative. Separate parts count with the sign of their own orientation.

    Raises
    ------
    ValueError
        When the surface is open and `cap` is False, or its triangles are not oriented alike.
    """
    return float(enclosed_volumes_ml(mesh, mesh.points[None], cap=cap)[0])


def enclosed_volumes_ml(mesh: SurfaceMesh, positions: np.ndarray, *, cap: bool = False) -> np.ndarray:
    """(T,) volumes in mL inside a surface that moves: `enclosed_volume_ml` at positions (T, V, 3) in mm.

    The openings, which do not depend on where the points are, are looked for once.
    """
    positions = np.asarray(positions, float)
    if positions.shape[1:] != mesh.points.shape:
        raise ValueError(f"positions has the axes (T, {mesh.n_points}, 3); given {positions.shape}")
    loops = boundary_loops(mesh)
    if loops and not cap:
        raise ValueError(
            f"the surface is open ({len(loops)} borders of {[len(loop) for loop in loops]} points); "
            "pass cap=True to close them with flat fans"
        )
    return np.abs([_signed_volume_mm3(mesh.triangles, points, loops) for points in positions]) / 1000.0


def orient(mesh: SurfaceMesh) -> SurfaceMesh:
    """Turn triangles so that neighbours agree, and closed parts (capped for this) have outward normals.

    Raises
    ------
    ValueError
        When more than two triangles meet at an edge, or a part has only one side (a Moebius strip).

    Examples
    --------
    >>> corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    >>> inside_out = SurfaceMesh(corners, np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]]))
    >>> orient(inside_out).triangles[0].tolist()
    [2, 1, 0]
    """
    triangles = _agreeing(mesh.triangles)
    part = parts(mesh)[triangles[:, 0]] if len(triangles) else np.zeros(0, int)
    for number in np.unique(part):
        mine = part == number
        piece = replace(mesh, triangles=triangles[mine])
        if _signed_volume_mm3(piece.triangles, piece.points, boundary_loops(piece)) < 0:
            triangles[mine] = triangles[mine][:, ::-1]
    return replace(mesh, triangles=triangles)


def weld(mesh: SurfaceMesh, *, tolerance_mm: float = 1e-6) -> tuple[SurfaceMesh, np.ndarray]:
    """Join vertices at the same place, as along the seam of patches that were written separately.

    Parameters
    ----------
    mesh : SurfaceMesh
    tolerance_mm : float
        Vertices at most this far apart become one, the one of lowest index.

    Returns
    -------
    mesh : SurfaceMesh
        Triangles that collapse are left out.
    kept : (V,) int64 array
        Index in the old mesh of each new vertex, so that ``positions[:, kept]`` follows the motion.

    Examples
    --------
    >>> corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])
    >>> whole, kept = weld(SurfaceMesh(corners, np.array([[0, 1, 2], [3, 5, 4]])))
    >>> whole.n_points, kept.tolist()
    (4, [0, 1, 2, 5])
    """
    pairs = cKDTree(mesh.points).query_pairs(tolerance_mm, output_type="ndarray")
    links = sparse.coo_matrix((np.ones(len(pairs)), pairs.T), shape=(mesh.n_points, mesh.n_points))
    group = connected_components(links, directed=False)[1]
    _, kept, number = np.unique(group, return_index=True, return_inverse=True)
    order = np.argsort(kept)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    kept = kept[order]
    a, b, c = (rank[number])[mesh.triangles].T
    solid = (a != b) & (b != c) & (c != a)
    triangles = np.stack([a, b, c], axis=1)[solid]
    return SurfaceMesh(mesh.points[kept], triangles, mesh.region[kept], mesh.region_names), kept


def extract_regions(mesh: SurfaceMesh, *names: str) -> tuple[SurfaceMesh, np.ndarray]:
    """The part of a mesh whose triangles lie wholly in the named regions.

    Returns
    -------
    mesh : SurfaceMesh
        Only the vertices in use, in their old order.
    indices : (V,) int64 array
        Their indices in the whole mesh.
    """
    inside = mesh.region_mask(*names)
    triangles = mesh.triangles[inside[mesh.triangles].all(axis=1)]
    if not len(triangles):
        raise ValueError(f"no triangle lies wholly in the regions {list(names)}")
    indices, flat = np.unique(triangles, return_inverse=True)
    part = SurfaceMesh(mesh.points[indices], flat.reshape(-1, 3), mesh.region[indices], mesh.region_names)
    return part, indices


def _directed_edges(triangles: np.ndarray) -> np.ndarray:
    return np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])


def _signed_volume_mm3(triangles: np.ndarray, points: np.ndarray, loops: list[np.ndarray]) -> float:
    """Volume inside the triangles and a fan over each loop; positive when the normals point outward."""
    # Measured from the middle of the points, so that a heart far from the origin loses no digits.
    points = points - points[np.unique(triangles)].mean(axis=0)
    corners = [points[triangles]]
    for loop in loops:
        rim = points[loop]
        middle = np.broadcast_to(rim.mean(axis=0), rim.shape)
        corners.append(np.stack([np.roll(rim, -1, axis=0), rim, middle], axis=1))
    return float(np.linalg.det(np.concatenate(corners)).sum()) / 6.0


def _agreeing(triangles: np.ndarray) -> np.ndarray:
    """Flip triangles, walking from neighbour to neighbour, until each edge is used once in each direction."""
    shared: dict[tuple[int, int], list[tuple[int, bool]]] = {}
    for number, triangle in enumerate(triangles.tolist()):
        for start, end in zip(triangle, triangle[1:] + triangle[:1], strict=True):
            shared.setdefault((min(start, end), max(start, end)), []).append((number, start < end))
    links: list[list[tuple[int, bool]]] = [[] for _ in triangles]
    for edge, users in shared.items():
        if len(users) > 2:
            raise ValueError(f"{len(users)} triangles meet at the edge {edge}; a surface has at most two there")
        if len(users) == 2:
            (one, forward_one), (other, forward_other) = users
            links[one].append((other, forward_one == forward_other))
            links[other].append((one, forward_one == forward_other))
    flip = np.full(len(triangles), -1)
    for first in range(len(triangles)):
        if flip[first] >= 0:
            continue
        flip[first], waiting = 0, [first]
        while waiting:
            current = waiting.pop()
            for other, disagree in links[current]:
                wanted = flip[current] ^ int(disagree)
                if flip[other] < 0:
                    flip[other] = wanted
                    waiting.append(other)
                elif flip[other] != wanted:
                    raise ValueError("the surface has only one side: its triangles cannot be oriented alike")
    result = triangles.copy()
    result[flip == 1] = result[flip == 1][:, ::-1]
    return result
