"""What an image, its labels and their volumes can be: one door for every reader.

Numbers that no heart and no scanner can have are refused, with what was found and what to do. Where two readings are
possible and one is plainly right, that one is taken and said.
"""

from __future__ import annotations

import numpy as np

from cardiolib.imaging.geometry import spacing_of

VOXEL_MM = (0.05, 40.0)
"""Sizes that a voxel of a heart's image can have along one axis."""

USUAL_MM = (0.3, 5.0)
"""Sizes in the plane that scanners make of a heart; slices may be thicker."""

FIELD_MM = 700.0
"""No axis of an image is longer: the bore of a scanner is not."""

PLACE_MM = 10_000.0
"""No voxel lies farther from where a scanner counts from."""

STACK_MM = 320.0
"""No stack of slices over a heart is longer."""

CYCLE_MS = (300.0, 3000.0)
"""From one heartbeat to the next: 200 to 20 beats a minute."""

FEWEST_FRAMES = 8
"""With fewer frames than this what they cover need not be a cardiac cycle."""

SWAPPED = 2.0
"""Two axes are taken for exchanged where neighbours and ends both differ so many times more along time than slices."""

_LENGTHS = {"unknown": 1.0, "mm": 1.0, "meter": 1000.0, "micron": 0.001}
_NAMES = {1.0: "mm", 1000.0: "metres", 0.001: "micrometres"}
_THICK_MM = 5.0
_FEWEST = 4
_SAMPLE = 32


def believed_lengths(affine: np.ndarray, shape: tuple[int, ...], *, unit: str) -> tuple[np.ndarray, str | None]:
    """Voxel to world in mm of an affine in the unit that the file states, or in the only unit that it can have.

    Parameters
    ----------
    affine : (4, 4) array
        In the file's own unit.
    shape : (I, J, K) or (I, J, K, T)
    unit : str
        "mm", "meter", "micron" or "unknown", as NIfTI has them.

    Returns
    -------
    affine : (4, 4) float64 array
    note : str or None

    Raises
    ------
    ValueError
        Voxels of no unit have a size that a heart's image can have, or an axis is longer than any scanner, or the image
        lies outside of it.

    Examples
    --------
    >>> affine, note = believed_lengths(np.diag([1.4, 1.4, 8, 1]), (256, 256, 10), unit="meter")
    >>> float(affine[0, 0]), note
    (1.4, 'lengths of the file are said to be metres, which makes voxels of 1400 x 1400 x 8000 mm: taken as mm')
    """
    stated = _LENGTHS.get(unit, 1.0)
    spacing = spacing_of(affine)
    if _can_be(spacing * stated):
        factor = stated
        note = None if stated == 1.0 else f"lengths of the file are in {unit}: converted to mm"
    else:
        others = [other for other in _NAMES if other != stated and _is_usual(spacing * other)]
        if len(others) != 1:
            raise ValueError(
                f"voxels of {_text(spacing * stated)} mm; an image of a heart has {VOXEL_MM[0]:g} to {VOXEL_MM[1]:g} "
                "mm along each axis. Correct the voxel size in the header (pixdim and affine), and its unit"
            )
        [factor] = others
        note = (
            f"lengths of the file are said to be {_NAMES[stated]}, which makes voxels of {_text(spacing * stated)} mm: "
            f"taken as {_NAMES[factor]}"
        )
    scaled = np.diag([factor, factor, factor, 1.0]) @ affine
    if np.abs(scaled[:3, 3]).max() > PLACE_MM:
        raise ValueError(
            f"its first voxel lies at {_text(scaled[:3, 3])} mm, outside any scanner. Correct the origin in the header"
        )
    check_extent(spacing * factor, shape)
    return scaled, note


def check_extent(spacing_mm: np.ndarray, shape: tuple[int, ...]) -> None:
    """Check that a heart's image can have this voxel size and be as long as this.

    Raises
    ------
    ValueError
        An axis is longer than `FIELD_MM`, or the slices' than `STACK_MM`.

    Examples
    --------
    >>> check_extent(np.array([1.5, 1.5, 10]), (30, 216, 256, 10))
    Traceback (most recent call last):
    ValueError: axis 3 is 2560 mm long (256 voxels of 10 mm); no stack of slices over a heart is longer than 320 mm. \
The axes are slices and time in another order, or the voxel size is wrong: (I, J, K, T) is read
    """
    if not _can_be(spacing_mm):
        raise ValueError(
            f"voxels of {_text(spacing_mm)} mm are none of a heart's image ({VOXEL_MM[0]:g} to {VOXEL_MM[1]:g} mm "
            "along each axis). Correct the voxel size"
        )
    slices = int(np.argmax(spacing_mm)) if spacing_mm.max() >= _THICK_MM and np.ptp(spacing_mm) > 0 else -1
    for axis, (n, mm) in enumerate(zip(shape[:3], spacing_mm, strict=True)):
        limit = STACK_MM if axis == slices else FIELD_MM
        if n * mm > limit:
            order = "The axes are slices and time in another order, or the" if len(shape) == 4 else "The"
            raise ValueError(
                f"axis {axis + 1} is {n * mm:.4g} mm long ({n} voxels of {mm:.4g} mm); no "
                f"{'stack of slices over' if axis == slices else 'image of'} a heart is longer than {limit:g} mm. "
                f"{order} voxel size is wrong: (I, J, K, T) is read"
            )


def believed_cycle(frame_time_ms: float, n_frames: int) -> tuple[float | None, str | None]:
    """A frame time if its frames make a cardiac cycle; else None, and why.

    Examples
    --------
    >>> believed_cycle(33.3, 30)
    (33.3, None)
    >>> believed_cycle(8.0, 30)[1]
    'frames 8 ms apart make a cycle of 240 ms (30 frames, 250 beats a minute), which no heart has: frame time unknown'
    """
    cycle = frame_time_ms * n_frames
    if n_frames < FEWEST_FRAMES or CYCLE_MS[0] <= cycle <= CYCLE_MS[1]:
        return frame_time_ms, None
    return None, (
        f"frames {frame_time_ms:.4g} ms apart make a cycle of {cycle:.4g} ms ({n_frames} frames, "
        f"{60000 / cycle:.3g} beats a minute), which no heart has: frame time unknown"
    )


def check_axes(voxels: np.ndarray) -> None:
    """Check that the fourth axis is time and none of the first three is.

    A heart comes back to where it began, and moves little from frame to frame; from one end of it to the other, and
    from slice to slice, it differs. Where neighbours and ends both say that slices and time are exchanged, they are.

    Parameters
    ----------
    voxels : (I, J, K) or (I, J, K, T) array

    Raises
    ------
    ValueError

    Examples
    --------
    >>> import cardiolib as cl
    >>> voxels = cl.acquire(cl.DigitalHeart(), phases=[t / 12 for t in range(12)]).cine.voxels
    >>> check_axes(voxels)
    >>> check_axes(voxels.swapaxes(2, 3))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: axis 3 (12 long) changes as time does, and axis 4 (12 long) as slices do: ...
    """
    if voxels.ndim != 4:
        return
    slices = int(np.argmin(voxels.shape[:3]))
    if min(voxels.shape[slices], voxels.shape[3]) < _FEWEST:
        return
    steps = [max(1, n // _SAMPLE) for n in voxels.shape]
    steps[slices] = steps[3] = 1
    few = np.moveaxis(voxels[tuple(slice(None, None, step) for step in steps)], slices, 2).astype(np.float32)
    with np.errstate(all="ignore"):
        neighbours = _change(few, 2), _change(few, 3)
        ends = tuple(float(np.abs(few.take(0, axis) - few.take(-1, axis)).mean()) for axis in (2, 3))
    if min(*neighbours, *ends) <= 0:
        return
    if neighbours[1] > SWAPPED * neighbours[0] and ends[1] > SWAPPED * ends[0]:
        n_slices, n_frames = voxels.shape[slices], voxels.shape[3]
        raise ValueError(
            f"axis {slices + 1} ({n_slices} long) changes as time does, and axis 4 ({n_frames} long) as slices do: the "
            f"axes seem to be in another order than (I, J, K, T). Put time last (numpy.moveaxis), with the voxel size "
            "and frame time that belong to it"
        )


def _change(voxels: np.ndarray, axis: int) -> float:
    """Mean absolute difference of neighbours along an axis."""
    return float(np.abs(np.diff(voxels, axis=axis)).mean())


def _can_be(spacing_mm: np.ndarray) -> bool:
    return bool((spacing_mm >= VOXEL_MM[0]).all() and (spacing_mm <= VOXEL_MM[1]).all())


def _is_usual(spacing_mm: np.ndarray) -> bool:
    """Whether a scanner would make such voxels of a heart: what is put in place of an impossible number must be."""
    return bool((spacing_mm >= USUAL_MM[0]).all() and np.sort(spacing_mm)[1] <= USUAL_MM[1] and _can_be(spacing_mm))


def _text(values: np.ndarray) -> str:
    return " x ".join(f"{value:.4g}" for value in values)
