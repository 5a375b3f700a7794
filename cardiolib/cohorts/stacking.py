"""Files of one heart put together: single frames as one cine, and label maps on the grid of their image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cardiolib.cohorts.measurements import volumes_row
from cardiolib.cohorts.table import CohortError
from cardiolib.imaging import Cine, LabelMap, LabelScheme, read_cine, read_header, read_label_map, same_place
from cardiolib.imaging.alignment import described, on_grid_of


def stacked_cine(paths: Sequence[Path], *, note: str) -> Cine:
    """One cine of the first frame of each file, with `note` added to its notes.

    Raises
    ------
    CohortError
        The files differ in grid or position, so that they are not frames of one cine.
    """
    frames = [read_cine(path) for path in paths]
    _same_grid(paths, [(frame.voxels.shape, frame.affine) for frame in frames])
    voxels = np.stack([frame.frame(0) for frame in frames], axis=-1)
    marked = any(frame.simulated for frame in frames)
    return Cine(
        voxels=voxels, affine=frames[0].affine, frame_time_ms=None, notes=(*frames[0].notes, note), simulated=marked
    )


def labels_on(path: Path, scheme: LabelScheme, image: Path | None) -> LabelMap:
    """A label map on the grid of its image, laid there by the affines of both files; see `on_grid_of`.

    Parameters
    ----------
    path : Path
    scheme : LabelScheme
    image : Path or None
        NIfTI file that the labels belong to; None where there is none.

    Raises
    ------
    CohortError
        The label map lies elsewhere than the image.
    """
    labels = read_label_map(path, scheme)
    if image is None or not image.is_file():
        return labels
    header = read_header(image)
    try:
        return on_grid_of(labels, header.affine, header.shape, name=str(path), of=image.name)
    except ValueError as error:
        raise CohortError(f"{error}.") from error


def stacked_labels(paths: Sequence[Path], scheme: LabelScheme, image: Path | None) -> LabelMap:
    """One label map of the first frame of each file, each on the grid of `image`; errors as for both above."""
    frames = [labels_on(path, scheme, image) for path in paths]
    _same_grid(paths, [(frame.labels.shape, frame.affine) for frame in frames])
    labels = np.stack([frame.frame(0) for frame in frames], axis=-1)
    marked = any(frame.simulated for frame in frames)
    notes = tuple(dict.fromkeys(note for frame in frames for note in frame.notes))
    return LabelMap(labels=labels, affine=frames[0].affine, scheme=scheme, notes=notes, simulated=marked)


def counted_volumes(labels: LabelMap, *, ed: int, es: int) -> dict[str, float]:
    """RVEDV, RVESV, RVEF, LVEDV, LVESV, LVEF of a label map by counting voxels (mL, percent).

    Parameters
    ----------
    labels : LabelMap
    ed, es : int
        Frames of `labels` at end-diastole and end-systole.
    """
    lv, rv = labels.volume_ml("lv_cavity"), labels.volume_ml("rv_cavity")
    return volumes_row({"RV": (rv[ed], rv[es]), "LV": (lv[ed], lv[es])})


def _same_grid(paths: Sequence[Path], grids: Sequence[tuple[tuple[int, ...], np.ndarray]]) -> None:
    shape, affine = grids[0]
    for path, (other_shape, other_affine) in zip(paths[1:], grids[1:], strict=True):
        if other_shape[:3] != shape[:3] or not same_place(affine, other_affine, shape):
            raise CohortError(
                f"{paths[0].name} ({described(affine, shape)}) and {path.name} ({described(other_affine, other_shape)})"
                f" in {path.parent} are not on the same grid: they are not frames of one cine. Give the frames of one "
                "acquisition."
            )
