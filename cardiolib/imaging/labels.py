"""Label maps: which structure each voxel belongs to, frame by frame, under a named scheme."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cardiolib.imaging.cine import four_axes
from cardiolib.imaging.geometry import check_affine, spacing_of
from cardiolib.imaging.schemes import LabelScheme
from cardiolib.printed import as_html

ENCLOSED_AT_LEAST = 0.6
"""Part of the LV cavity's in-plane border that must be myocardium for a scheme to be believed."""

EXCHANGED_BELOW, EXCHANGED_ABOVE = 0.5, 0.8
"""Codes are exchanged where less of the LV cavity's border is wall, and more of another structure's is one other."""


@dataclass(frozen=True, eq=False, repr=False)
class LabelMap:
    """Structures of a stack of slices over the cardiac cycle.

    Parameters
    ----------
    labels : (I, J, K, T) uint8 array
        Codes of `scheme`; 0 is background. An (I, J, K) array becomes one frame.
    affine : (4, 4) float64 array
        Voxel to world, RAS+ mm.
    scheme : LabelScheme
    notes : tuple of str
        What was decided while the file was read.
    simulated : bool
        No patient is behind it; `write_label_map` writes that into the file, `read_label_map` reads it.

    Raises
    ------
    ValueError
        For a wrong shape, values that are not whole numbers, or codes that the scheme does not have.

    Examples
    --------
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> from cardiolib.imaging import ACDC
    >>> labels = np.zeros((64, 64, 10), np.uint8)
    >>> labels[30:34, 30:34, 5] = ACDC.code("lv_cavity")
    >>> cl.LabelMap(labels, np.diag([1.5, 1.5, 10, 1]), ACDC).volume_ml("lv_cavity")
    array([0.36])
    """

    labels: np.ndarray
    affine: np.ndarray
    scheme: LabelScheme
    notes: tuple[str, ...] = ()
    simulated: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.scheme, LabelScheme):
            raise ValueError(f"scheme is a LabelScheme such as cardiolib.imaging.ACDC; given {self.scheme!r}")
        labels = _as_codes(four_axes(np.asarray(self.labels), "a label map"))
        present = np.flatnonzero(np.bincount(labels.reshape(-1), minlength=256))
        unknown = sorted(set(present.tolist()) - {0, *self.scheme.codes.values()})
        if unknown:
            raise ValueError(
                f"labels {unknown} are not in scheme {self.scheme.name!r} ({self.scheme.codes}); "
                "name the scheme that the file was drawn with"
            )
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "affine", check_affine(self.affine))
        object.__setattr__(self, "notes", tuple(self.notes))

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.shape))
        voxel = " x ".join(f"{mm:.4g}" for mm in self.spacing_mm)
        kind = "simulated " if self.simulated else ""
        first = f"LabelMap({kind}{size} voxels of {voxel} mm, {self.n_frames} frames, scheme {self.scheme.name!r})"
        return "\n  ".join([first, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        volumes = {f"{name} (mL)": self.volume_ml(name) for name in self.scheme.codes}
        frames = pd.RangeIndex(self.n_frames, name="frame")
        return as_html(repr(self), pd.DataFrame(volumes, index=frames), decimals=1)

    @property
    def spacing_mm(self) -> np.ndarray:
        """(3,) voxel size along I, J, K."""
        return spacing_of(self.affine)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(I, J, K)."""
        return self.labels.shape[:3]

    @property
    def n_frames(self) -> int:
        """Number of frames T."""
        return self.labels.shape[3]

    def frame(self, t: int) -> np.ndarray:
        """(I, J, K) uint8 labels of frame `t`."""
        return self.labels[..., t]

    def mask(self, structure: str) -> np.ndarray:
        """(I, J, K, T) bool array: where the named structure is."""
        return self.labels == self.scheme.code(structure)

    def volume_ml(self, structure: str) -> np.ndarray:
        """(T,) volume of the named structure in mL: voxels counted, times the voxel's volume."""
        voxel_ml = abs(np.linalg.det(self.affine[:3, :3])) / 1000.0
        return self.mask(structure).sum(axis=(0, 1, 2)) * voxel_ml

    def to_scheme(self, scheme: LabelScheme, *, drop: Collection[str] = ()) -> LabelMap:
        """The same structures under another scheme, matched by name.

        Parameters
        ----------
        scheme : LabelScheme
        drop : collection of str
            Structures that may become background where `scheme` has no code for them.

        Raises
        ------
        ValueError
            When a structure is present, `scheme` lacks it and `drop` does not name it; or when
            `drop` is one string instead of a collection.

        Examples
        --------
        >>> from cardiolib.imaging import ACDC, OURS
        >>> labels = np.full((2, 2, 1, 1), OURS.code("lv_cavity"), np.uint8)
        >>> moved = LabelMap(labels, np.eye(4), OURS).to_scheme(ACDC)
        >>> int(moved.labels[0, 0, 0, 0]) == ACDC.code("lv_cavity")
        True
        """
        if isinstance(drop, str):
            raise ValueError(f'drop is a collection of names: drop=("{drop}",)')
        table = np.zeros(256, np.uint8)
        for structure, code in self.scheme.codes.items():
            if structure in scheme.codes:
                table[code] = scheme.codes[structure]
            elif structure not in drop and (self.labels == code).any():
                raise ValueError(
                    f"the label map holds {structure!r}, which scheme {scheme.name!r} lacks; "
                    f'pass drop=("{structure}",) to make it background'
                )
        return replace(self, labels=table[self.labels], scheme=scheme)


def check_scheme(label_map: LabelMap) -> str:
    """Test whether a label map can have been drawn with its scheme.

    The left ventricle's cavity is enclosed by myocardium and the right ventricle's is not: of the
    voxels bordering the LV cavity in-plane most must be LV wall, and more than for the RV cavity.

    Parameters
    ----------
    label_map : LabelMap
        Its scheme must name lv_cavity, lv_wall and rv_cavity.

    Returns
    -------
    str
        The evidence, in words.

    Raises
    ------
    ValueError
        When the anatomy contradicts the scheme, or a structure is missing so that nothing can be said.
    """
    wall = label_map.mask("lv_wall")
    enclosed = {}
    for structure in ("lv_cavity", "rv_cavity"):
        border = _in_plane_border(label_map.mask(structure))
        if not border.any():
            raise ValueError(f"the label map holds no {structure}: its scheme cannot be checked")
        enclosed[structure] = float(wall[border].mean())
    left, right = enclosed["lv_cavity"], enclosed["rv_cavity"]
    evidence = f"lv_wall makes up {left:.0%} of the border of lv_cavity and {right:.0%} of that of rv_cavity"
    if left < ENCLOSED_AT_LEAST or left <= right:
        raise ValueError(
            f"scheme {label_map.scheme.name!r} does not fit this heart: {evidence}; the LV cavity should be "
            f"enclosed (at least {ENCLOSED_AT_LEAST:.0%}) and the RV cavity less so. Were the labels drawn "
            "with another scheme?"
        )
    return f"scheme {label_map.scheme.name!r} is plausible: {evidence}"


def check_codes(label_map: LabelMap) -> None:
    """Refuse a label map whose numbers plainly mean other structures than its scheme says.

    Where the cavity that the scheme calls the left ventricle's is not enclosed by what it calls the wall, and another
    structure is all but enclosed by another one, the codes are exchanged. What cannot be told is let pass; see
    `check_scheme` for a check that must succeed.

    Parameters
    ----------
    label_map : LabelMap
        Its first labelled frame is looked at.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import cardiolib as cl
    >>> from cardiolib.imaging import ACDC, MMS
    >>> labels = cl.acquire(cl.DigitalHeart(), phases=[0.0]).labels.to_scheme(ACDC, drop=("rv_wall",))
    >>> check_codes(labels)
    >>> check_codes(LabelMap(labels.labels, labels.affine, MMS))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: label codes of scheme 'mms' are exchanged: lv_wall makes up ... of the border of lv_cavity, ...
    """
    codes = label_map.scheme.codes
    labelled = next((t for t in range(label_map.n_frames) if label_map.frame(t).any()), None)
    if labelled is None or not {"lv_cavity", "lv_wall"} <= set(codes):
        return
    frame = _around_labels(label_map.frame(labelled))
    masks = {name: frame == code for name, code in codes.items()}
    masks = {name: mask for name, mask in masks.items() if mask.any()}
    if "rv_wall" in masks and "rv_cavity" in codes and "rv_cavity" not in masks:
        raise ValueError(
            f"scheme {label_map.scheme.name!r} does not fit: there is an rv_wall (code {codes['rv_wall']}) and no "
            f"rv_cavity (code {codes['rv_cavity']}). Name the scheme that the labels were drawn with"
        )
    if not {"lv_cavity", "lv_wall"} <= set(masks):
        return
    enclosed = {}
    for inner, mask in masks.items():
        border = _in_plane_border(mask)
        for outer, around in masks.items():
            if inner != outer:
                enclosed[inner, outer] = float(around[border].mean()) if border.any() else 0.0
    stated = enclosed["lv_cavity", "lv_wall"]
    (inner, outer), most = max(enclosed.items(), key=lambda one: one[1])
    if stated < EXCHANGED_BELOW and most > EXCHANGED_ABOVE:
        raise ValueError(
            f"label codes of scheme {label_map.scheme.name!r} are exchanged: lv_wall makes up {stated:.0%} of the "
            f"border of lv_cavity, but {outer} (code {codes[outer]}) {most:.0%} of that of {inner} (code "
            f"{codes[inner]}), as the LV's wall does of its cavity. Name the scheme that the labels were drawn with, "
            "or correct their codes"
        )


def _around_labels(frame: np.ndarray) -> np.ndarray:
    """The part of a frame that holds labels, with one voxel around it: a tenth of the work."""
    plane = np.any(frame != 0, axis=2)
    i, j = np.flatnonzero(np.any(plane, axis=1)), np.flatnonzero(np.any(plane, axis=0))
    return np.pad(frame[i[0] : i[-1] + 1, j[0] : j[-1] + 1], ((1, 1), (1, 1), (0, 0)))


def _in_plane_border(mask: np.ndarray) -> np.ndarray:
    """Voxels outside `mask` that share an edge with it along I or J; (I, J, K, T) bool."""
    border = np.zeros_like(mask)
    border[1:] |= mask[:-1]
    border[:-1] |= mask[1:]
    border[:, 1:] |= mask[:, :-1]
    border[:, :-1] |= mask[:, 1:]
    return border & ~mask


def _as_codes(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError("a label map holds whole numbers; some of its values are NaN or infinite")
    codes = np.rint(array) if array.dtype.kind == "f" else array
    if array.dtype.kind not in "iufb" or (array.dtype.kind == "f" and (np.abs(codes - array) > 1e-3).any()):
        raise ValueError(f"labels are whole numbers; given fractions in {array.dtype} (was the map interpolated?)")
    if codes.min() < 0 or codes.max() > 255:
        raise ValueError(f"labels lie in 0..255; given {codes.min()} to {codes.max()}")
    return codes.astype(np.uint8)
