"""Single frames of one heart put together as one cine or one label map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cardiolib.cohorts.measurements import volumes_row
from cardiolib.cohorts.table import CohortError
from cardiolib.imaging import Cine, LabelMap, LabelScheme, read_cine, read_label_map


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


def stacked_labels(paths: Sequence[Path], scheme: LabelScheme) -> LabelMap:
    """One label map of the first frame of each file; errors as for `stacked_cine`."""
    frames = [read_label_map(path, scheme) for path in paths]
    _same_grid(paths, [(frame.labels.shape, frame.affine) for frame in frames])
    labels = np.stack([frame.frame(0) for frame in frames], axis=-1)
    marked = any(frame.simulated for frame in frames)
    return LabelMap(labels=labels, affine=frames[0].affine, scheme=scheme, notes=frames[0].notes, simulated=marked)


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
        if other_shape[:3] != shape[:3] or not np.allclose(other_affine, affine, atol=1e-3):
            raise CohortError(
                f"{paths[0].name} ({shape[:3]}) and {path.name} ({other_shape[:3]}) in {path.parent} are not on the "
                "same grid: they are not frames of one cine. Give the frames of one acquisition."
            )
