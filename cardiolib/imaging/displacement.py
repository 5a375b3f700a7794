"""Displacement of the tissue at every voxel since end-diastole: what a displacement-encoded scan measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cardiolib.imaging.cine import Cine
from cardiolib.imaging.geometry import check_affine, spacing_of
from cardiolib.printed import as_html

FARTHEST_MM = 80.0
"""No piece of a heart goes farther in one beat: larger numbers are other units, or other things."""

AFFINE_TOLERANCE_MM = 0.1
"""How far the corners of two grids may lie apart where they are called the same."""


@dataclass(frozen=True, eq=False, repr=False)
class DisplacementField:
    """How far the tissue that is at a voxel in a frame has come since end-diastole.

    It is *Eulerian*, as displacement-encoded imaging sees it: the vector u at place x and frame t says that the tissue
    there was at ``x - u`` at end-diastole. It does not say where a piece of tissue goes;
    `cardiolib.motion.follow_field` finds that from it.

    Parameters
    ----------
    mm : (I, J, K, T, 3) float32 array
        Displacement in mm along the world's axes (RAS+); all three numbers NaN where nothing is known.
    affine : (4, 4) float64 array
        Voxel to world, RAS+ mm.
    ed_frame : int
        Frame that displacement counts from, from 0.
    notes : tuple of str
        Where it comes from.
    simulated : bool
        No patient is behind it; `write_displacement` writes that into the file, `read_displacement` reads it.

    Raises
    ------
    ValueError
        For a wrong shape, infinite or half known vectors, an empty field, displacement that no heart makes, an
        unusable affine or an `ed_frame` that is not there.

    Examples
    --------
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> mm = np.full((64, 64, 10, 20, 3), np.nan, np.float32)
    >>> mm[30:34, 30:34, 5] = 0.0
    >>> field = DisplacementField(mm, np.diag([1.5, 1.5, 10, 1]))
    >>> field
    DisplacementField(64 x 64 x 10 voxels of 1.5 x 1.5 x 10 mm, 20 frames, known at 16 to 16 voxels a frame)
    >>> field.origins_mm(3)[0]
    array([45., 45., 50.])
    """

    mm: np.ndarray
    affine: np.ndarray
    ed_frame: int = 0
    notes: tuple[str, ...] = ()
    simulated: bool = False

    def __post_init__(self) -> None:
        mm = np.asarray(self.mm)
        if mm.ndim != 5 or mm.shape[-1] != 3 or 0 in mm.shape:
            raise ValueError(f"a displacement field has the axes (I, J, K, T, 3), none empty; given {mm.shape}")
        mm = mm.astype(np.float32, copy=False)
        known = np.isfinite(mm)
        if np.isinf(mm).any() or (known.any(axis=-1) != known.all(axis=-1)).any():
            raise ValueError("a displacement has three finite numbers, or NaN three times where nothing is known")
        if not known.any():
            raise ValueError("the displacement field is NaN everywhere: nothing is known in it")
        farthest = float(np.nanmax(np.abs(mm)))
        if farthest > FARTHEST_MM:
            raise ValueError(
                f"displacement of {farthest:.4g} mm: no heart moves farther than {FARTHEST_MM:g} mm in a beat. Are "
                "these millimetres, and displacement rather than positions?"
            )
        if not 0 <= self.ed_frame < mm.shape[3]:
            raise ValueError(f"ed_frame is 0 to {mm.shape[3] - 1} in a field of {mm.shape[3]} frames; {self.ed_frame}")
        object.__setattr__(self, "mm", mm)
        object.__setattr__(self, "affine", check_affine(self.affine))
        object.__setattr__(self, "notes", tuple(self.notes))

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.shape))
        voxel = " x ".join(f"{mm:.4g}" for mm in self.spacing_mm)
        kind = "simulated " if self.simulated else ""
        known = self.mask.sum(axis=(0, 1, 2))
        first = (
            f"DisplacementField({kind}{size} voxels of {voxel} mm, {self.n_frames} frames, known at {known.min()} to "
            f"{known.max()} voxels a frame)"
        )
        return "\n  ".join([first, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        return as_html(repr(self))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(I, J, K)."""
        return self.mm.shape[:3]

    @property
    def n_frames(self) -> int:
        """Number of frames T."""
        return self.mm.shape[3]

    @property
    def spacing_mm(self) -> np.ndarray:
        """(3,) voxel size along I, J, K."""
        return spacing_of(self.affine)

    @property
    def mask(self) -> np.ndarray:
        """(I, J, K, T) bool array: where displacement is known."""
        return np.isfinite(self.mm[..., 0])

    @property
    def normal(self) -> np.ndarray:
        """(3,) unit vector of the slices' normal, in the world, towards higher K."""
        normal = np.cross(self.affine[:3, 0], self.affine[:3, 1])
        return normal * np.sign(normal @ self.affine[:3, 2]) / np.linalg.norm(normal)

    def magnitude_mm(self, t: int) -> np.ndarray:
        """(n,) length of the displacement at the n known voxels of frame `t`, in the order of ``np.argwhere``."""
        return np.linalg.norm(self.mm[..., t, :][self.mask[..., t]], axis=-1)

    def places_mm(self, t: int) -> np.ndarray:
        """(n, 3) world mm of the known voxels of frame `t`, in the order of ``np.argwhere``."""
        return np.argwhere(self.mask[..., t]) @ self.affine[:3, :3].T + self.affine[:3, 3]

    def origins_mm(self, t: int) -> np.ndarray:
        """(n, 3) world mm where the tissue of these voxels was at end-diastole: `places_mm` less the displacement."""
        return self.places_mm(t) - self.mm[..., t, :][self.mask[..., t]]

    def along_axes_mm(self) -> np.ndarray:
        """(I, J, K, T, 3) the same displacement along the directions of I, J and K."""
        return self.mm @ (self.affine[:3, :3] / self.spacing_mm).astype(np.float32)

    def check_beside(self, cine: Cine) -> None:
        """Check that this field belongs to a cine: the same voxels in the same place, as many frames.

        Raises
        ------
        ValueError
            Saying what differs.
        """
        if self.shape != cine.shape:
            raise ValueError(f"the displacement field has {self.shape} voxels, the cine beside it {cine.shape}")
        if self.n_frames != cine.n_frames:
            raise ValueError(f"the displacement field has {self.n_frames} frames, the cine beside it {cine.n_frames}")
        corners = np.array(np.meshgrid(*((0, n - 1) for n in self.shape), indexing="ij")).reshape(3, -1)
        apart = (self.affine - cine.affine)[:3] @ np.vstack([corners, np.ones(8)])
        farthest = float(np.linalg.norm(apart, axis=0).max())
        if farthest > AFFINE_TOLERANCE_MM:
            raise ValueError(
                f"the affine of the displacement field is not the cine's: corners lie up to {farthest:.3g} mm apart "
                f"(limit {AFFINE_TOLERANCE_MM:g}). Resample the field, or correct the header that is wrong."
            )
