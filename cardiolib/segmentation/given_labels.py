"""Labels that somebody else drew, as a segmentation: volumes, ED and ES, and the quality gate's verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cardiolib.imaging import OURS, STRUCTURES, Cine, LabelMap, ed_es_frames, on_grid_of
from cardiolib.segmentation.inference import Segmentation
from cardiolib.segmentation.network import N_LANDMARKS
from cardiolib.segmentation.placing import NONE
from cardiolib.segmentation.quality_gate import assess_segmentation


def segmentation_from_labels(labels: LabelMap, cine: Cine) -> Segmentation:
    """Take labels of every frame of a cine as its segmentation.

    Parameters
    ----------
    labels : LabelMap
        On the cine's voxels, with as many frames; its scheme names lv_cavity, lv_wall and rv_cavity.
    cine : Cine

    Returns
    -------
    Segmentation
        In the scheme OURS. Landmarks are not known (NaN), nor is the volume of what the scheme does not name.

    Raises
    ------
    ValueError
        When labels and cine differ in size or in the number of frames, or the scheme lacks a structure.

    Examples
    --------
    >>> import cardiolib as cl
    >>> scan = cl.acquire(cl.DigitalHeart(), phases=[0.0, 0.4])
    >>> found = segmentation_from_labels(scan.labels, scan.cine)
    >>> found.ed, found.es, found.quality.verdict
    (0, 1, 'ok')
    """
    if labels.labels.shape != cine.voxels.shape:
        raise ValueError(
            f"the labels have the axes {labels.labels.shape} and the cine {cine.voxels.shape}: a label of every voxel "
            "in every frame is needed"
        )
    labels = on_grid_of(labels, cine.affine, cine.shape, of="the cine")
    ours = labels.to_scheme(OURS)
    volumes = pd.DataFrame(
        {
            f"{name}_ml": ours.volume_ml(name) if name in labels.scheme.codes else np.full(ours.n_frames, np.nan)
            for name in STRUCTURES
        }
    )
    volumes.index.name = "frame"
    curve, notes = volumes["lv_cavity_ml"].to_numpy(), list(labels.notes)
    ed = es = 0
    if len(curve) > 1 and curve.max() > curve.min():
        ed, es = ed_es_frames(curve)
    else:
        notes.append("ED and ES cannot be told apart (one frame, or the LV volume does not change)")
    landmarks = np.full((ours.n_frames, N_LANDMARKS, 3), np.nan)
    source = np.full((ours.n_frames, N_LANDMARKS), NONE, dtype="<U8")
    quality = assess_segmentation(ours, ed=ed, es=es, cine=cine)
    return Segmentation(ours, ed, es, volumes, landmarks, source, tuple(notes), quality)
