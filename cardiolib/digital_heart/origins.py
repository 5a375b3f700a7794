"""Where the tissue that is at a point of space now was at end-diastole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardiolib.imaging import DisplacementField

from .heart import DigitalHeart, Sheet
from .location import Located

if TYPE_CHECKING:
    from .acquisition import SimulatedScan


def ed_origins(heart: DigitalHeart, xyz: ArrayLike, t: float, *, at: Located | None = None) -> NDArray[np.float64]:
    """Places at end-diastole of the tissue that is at points of space at phase t.

    Parameters
    ----------
    heart : DigitalHeart
    xyz : (..., 3) array_like
        Points in mm, heart frame.
    t : float
        Fraction of the cardiac cycle.
    at : Located, optional
        ``heart.locate(xyz, t)``, where it is known already.

    Returns
    -------
    (..., 3) array
        mm, heart frame. In the walls it is exact: `DigitalHeart.material`, then `DigitalHeart.move` to phase 0. Fat
        goes with the wall that it lies on. Blood has no place of its own in this heart: in the left ventricle it is
        stretched with its cavity, in the right one it goes with the wall that it is nearer to.

    Examples
    --------
    >>> import cardiolib as cl
    >>> heart = cl.DigitalHeart()
    >>> muscle = heart.surface(0.35).points[:1]
    >>> bool(np.allclose(ed_origins(heart, muscle, 0.35), heart.surface(0.0).points[:1], atol=1e-6))
    True
    """
    xyz = np.asarray(xyz, float)
    at = heart.locate(xyz, t) if at is None else at
    right = (at.r > 0.5 * (at.r_lv_epi + at.r_rv_endo)) & (at.r_rv_epi > at.r_lv_epi)
    origins = np.empty(xyz.shape)
    sheets: tuple[tuple[Sheet, NDArray[np.bool_]], ...] = (("lv", ~right), ("rv", right))
    for sheet, mine in sheets:
        points = xyz[mine]
        if len(points):
            origins[mine] = heart.move(*heart.material(points, t, sheet=sheet), 0.0, sheet=sheet)
    return origins


def true_displacement(
    heart: DigitalHeart, scan: SimulatedScan, *, structures: Sequence[str] = ("lv_wall", "rv_wall")
) -> DisplacementField:
    """How far the tissue at every voxel centre has really come since end-diastole.

    Parameters
    ----------
    heart : DigitalHeart
    scan : SimulatedScan
        A scan of this heart whose first phase is end-diastole.
    structures : sequence of str
        Where there is a field: these structures of the scan's labels, phase by phase.

    Returns
    -------
    DisplacementField
        On the cine's grid, without noise and without averaging over the voxel.

    Raises
    ------
    ValueError
        When the scan does not begin at end-diastole.

    Examples
    --------
    >>> import cardiolib as cl
    >>> heart = cl.DigitalHeart()
    >>> scan = cl.acquire(heart, phases=[0.0, 0.4])
    >>> true_displacement(heart, scan).magnitude_mm(1).max() > 10
    np.True_
    """
    check_begins_at_ed(scan)
    mask = np.logical_or.reduce([scan.labels.mask(name) for name in structures])
    mm = np.full((*mask.shape, 3), np.nan, np.float32)
    turn = scan.heart_to_world[:3, :3]
    for t, phase in enumerate(scan.phases):
        points = scan.heart_from_voxel(np.argwhere(mask[..., t]))
        mm[mask[..., t], t] = (points - ed_origins(heart, points, float(phase))) @ turn.T
    return DisplacementField(mm, scan.cine.affine, simulated=True)


def check_begins_at_ed(scan: SimulatedScan) -> None:
    """Displacement and tags count from end-diastole: refuse a scan that does not show it first."""
    if scan.phases[0] != 0:
        raise ValueError(
            f"the scan begins at phase {scan.phases[0]:g}; displacement is from end-diastole: acquire it with "
            "phases=[0.0, ...]"
        )
